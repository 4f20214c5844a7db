//! The edges of a program: encrypted inputs and public values come in as the parameters of `main`, results go out as
//! columns.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::check::{Instance, Param};
use super::elaborate::{Elaborator, Stop, Value, list};
use super::exact::{Exact, show};
use super::report::similar;
use super::types::{Len, Ty};
use crate::float::fir;
use crate::gadgets::format::{Real, Scalar, parse_real};
use crate::source::Span;

/// An encrypted parameter and the inputs it consists of.
pub(crate) struct Inputs {
    pub name: String,
    pub span: Span,
    pub first: u32,
    pub count: u32,
}

impl Elaborator<'_> {
    /// Makes the arguments of `main`.
    pub(crate) fn arguments(
        &mut self,
        main: &Instance,
        public: &Map<String, Json>,
    ) -> Result<(Vec<Value>, Vec<Inputs>), Stop> {
        let (mut args, mut inputs) = (Vec::new(), Vec::new());
        let mut next = 0;
        for param in &main.params {
            let range = self.range(main, param)?;
            if param.public {
                let value = match public.get(&param.name) {
                    Some(json) => self.public(json, &param.ty, &param.name, range.as_ref()),
                    None => self.missing(param),
                };
                args.push(value);
                continue;
            }
            let first = next;
            args.push(self.inputs(&param.ty, &param.name, range.as_ref(), &mut next));
            inputs.push(Inputs { name: param.name.clone(), span: param.span, first, count: next - first });
        }
        self.unknown_public(main, public);
        Ok((args, inputs))
    }

    fn missing(&mut self, param: &Param) -> Value {
        self.reports.error(
            "E0401",
            param.span,
            format!("the public parameter `{}` has no value", param.name),
            "needs a value when the program is compiled",
            format!("give it with `--public {}=..` or in a `--public-file`", param.name),
        );
        Value::Poison
    }

    fn unknown_public(&mut self, main: &Instance, public: &Map<String, Json>) {
        let known: Vec<&str> =
            main.params.iter().filter(|param| param.public).map(|param| param.name.as_str()).collect();
        for name in public.keys().filter(|name| !known.contains(&name.as_str())) {
            let message = match main.params.iter().find(|param| param.name == *name) {
                Some(_) => format!("`{name}` is an encrypted parameter, not a public one"),
                None => format!("`main` has no public parameter `{name}`"),
            };
            let help = similar(name, &known).unwrap_or_else(|| match known.as_slice() {
                [] => "this program has no public parameters".to_owned(),
                known => format!("its public parameters are {}", known.join(", ")),
            });
            self.reports.error_without_place("E0402", message, help);
        }
    }

    /// The promised range of a parameter, as encodings.
    fn range(&mut self, main: &Instance, param: &Param) -> Result<Option<(fir::Value, fir::Value)>, Stop> {
        let Some((low, high)) = &param.range else { return Ok(None) };
        let (a, b) = (self.eval_bound(main, low)?, self.eval_bound(main, high)?);
        let (Value::Scalar(a), Value::Scalar(b)) = (a, b) else { return Ok(None) };
        let (Some(least), Some(most)) = (self.number(a), self.number(b)) else {
            self.error(
                "E0315",
                low.span,
                "a bound of this range is not a finite constant",
                "expected constants",
                "write literals or `const` items",
            );
            return Ok(None);
        };
        if least > most {
            self.error(
                "E0313",
                low.span,
                format!("the range of `{}` is empty: {} is above {}", param.name, show(&least), show(&most)),
                "above the upper bound",
                "write the smaller bound first",
            );
            return Ok(None);
        }
        Ok(Some((a, b)))
    }

    fn number(&self, value: fir::Value) -> Option<Exact> {
        match self.emit.ty(value).decode(self.emit.constant_of(value)?) {
            Real::Finite(number) => Some(number),
            Real::NegativeZero => Some(Exact::from_integer(0.into())),
            Real::Infinity { .. } | Real::Nan => None,
        }
    }

    fn inputs(
        &mut self,
        ty: &Ty,
        name: &str,
        range: Option<&(fir::Value, fir::Value)>,
        next: &mut u32,
    ) -> Value {
        match ty {
            Ty::Scalar(scalar) => {
                *next += 1;
                let bits = |value: fir::Value| self.emit.constant_of(value).cloned().unwrap_or_default();
                let encoded = range.map(|(low, high)| (bits(*low), bits(*high)));
                let value = self.emit.input(name.to_owned(), *scalar, encoded);
                if let Some((low, high)) = range
                    && let (Some(low), Some(high)) = (self.number(*low), self.number(*high))
                {
                    self.ranges.insert(value, (low, high));
                }
                Value::Scalar(value)
            }
            Ty::Array(element, Len::Known(len)) => list(
                (0..*len).map(|at| self.inputs(element, &format!("{name}[{at}]"), range, next)).collect(),
            ),
            Ty::Tuple(members) => {
                let members = members.iter().enumerate();
                list(members.map(|(at, ty)| self.inputs(ty, &format!("{name}[{at}]"), range, next)).collect())
            }
            Ty::Array(..) | Ty::Var(_) | Ty::Int | Ty::Rational | Ty::Error => Value::Poison,
        }
    }

    /// A public value of a type; what is wrong with it is reported with its path.
    fn public(
        &mut self,
        json: &Json,
        ty: &Ty,
        path: &str,
        range: Option<&(fir::Value, fir::Value)>,
    ) -> Value {
        let members: Vec<&Ty> = match ty {
            Ty::Scalar(scalar) => return self.public_scalar(json, *scalar, path, range),
            Ty::Array(element, Len::Known(len)) => match usize::try_from(*len) {
                Ok(len) => vec![&**element; len],
                Err(_) => return Value::Poison,
            },
            Ty::Tuple(members) => members.iter().collect(),
            Ty::Int => return self.public_int(json, path),
            Ty::Array(..) | Ty::Var(_) | Ty::Rational | Ty::Error => return Value::Poison,
        };
        let Json::Array(items) = json else {
            return self.wrong(
                "E0403",
                path,
                format!("found {}, expected an array of {}", brief(json), members.len()),
                "give a JSON array",
            );
        };
        if items.len() != members.len() {
            return self.wrong(
                "E0403",
                path,
                format!(
                    "found {} element{}, expected {}",
                    items.len(),
                    if items.len() == 1 { "" } else { "s" },
                    members.len()
                ),
                "give as many as the type says",
            );
        }
        let items = items.iter().zip(members).enumerate();
        list(items.map(|(at, (item, ty))| self.public(item, ty, &format!("{path}[{at}]"), range)).collect())
    }

    fn public_int(&mut self, json: &Json, path: &str) -> Value {
        if let Json::Number(number) = json
            && let Some(Real::Finite(value)) = parse_real(&number.to_string())
            && value.is_integer()
        {
            return Value::Exact(Rc::new(value));
        }
        self.wrong(
            "E0403",
            path,
            format!("found {}, expected a whole number", brief(json)),
            "give a whole number",
        )
    }

    fn wrong(&mut self, code: &'static str, path: &str, found: String, help: &str) -> Value {
        self.reports.error_without_place(code, format!("public value `{path}`: {found}"), help.to_owned());
        Value::Poison
    }

    fn public_scalar(
        &mut self,
        json: &Json,
        ty: Scalar,
        path: &str,
        range: Option<&(fir::Value, fir::Value)>,
    ) -> Value {
        let text = match (json, ty) {
            (Json::Bool(value), Scalar::Bool) => u8::from(*value).to_string(),
            (Json::Number(number), _) => number.to_string(),
            (Json::String(text), _) => text.clone(),
            (Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_), _) => {
                let expected = if ty == Scalar::Bool { "true or false" } else { "a number" };
                return self.wrong(
                    "E0403",
                    path,
                    format!("found {}, expected {expected} ({ty})", brief(json)),
                    "give a value of that type",
                );
            }
        };
        let bits = match ty.parse_cell(&text) {
            Ok(bits) => bits,
            Err(reason) => {
                return self.wrong(
                    "E0404",
                    path,
                    reason.to_string(),
                    "correct the value, or use a wider type",
                );
            }
        };
        if let Some((low, high)) = range.and_then(|(low, high)| self.number(*low).zip(self.number(*high)))
            && !matches!(parse_real(&text), Some(Real::Finite(value)) if low <= value && value <= high)
            && !matches!(ty.decode(&bits), Real::Finite(value) if low <= value && value <= high)
        {
            return self.wrong(
                "E0405",
                path,
                format!("{text} is outside the promised range {} to {}", show(&low), show(&high)),
                "give a value in the range",
            );
        }
        Value::Scalar(self.emit.constant(ty, bits))
    }

    /// Names the results and makes them columns. `names` are those of a named tuple.
    pub(crate) fn results(&mut self, value: &Value, names: Option<&[String]>, default: Scalar, span: Span) {
        match (names, value) {
            (Some([name]), value) => self.result(value, name, default, span),
            (Some(names), Value::List(items)) if items.len() == names.len() => {
                for (name, item) in names.iter().zip(items.iter()) {
                    self.result(item, name, default, span);
                }
            }
            _ => self.result(value, "result", default, span),
        }
    }

    /// The columns of the status word are free.
    pub(crate) fn reserve_flags(&mut self, span: Span) {
        for name in crate::gadgets::flags::Flags::NAMES {
            if self.emit.has_output(name) {
                self.error(
                    "E0407",
                    span,
                    format!("a result is called `{name}`, as a column of the status word is"),
                    format!("`{name}` twice"),
                    "rename the result, or leave `--flags` out",
                );
            }
        }
    }

    fn result(&mut self, value: &Value, name: &str, default: Scalar, span: Span) {
        match value {
            Value::Scalar(value) => self.emit.output(name.to_owned(), *value),
            Value::Exact(number) => {
                let encoded = self.encode(number, default, span);
                if let Value::Scalar(value) = encoded {
                    self.emit.output(name.to_owned(), value);
                }
            }
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.result(item, &format!("{name}[{at}]"), default, span);
                }
            }
            Value::Poison => {
                if !self.reports.has_errors() {
                    self.error(
                        "E0399",
                        span,
                        "this program could not be unrolled",
                        "no value",
                        "this is a defect of the compiler; please report it with the program",
                    );
                }
            }
        }
    }

    /// Warns about encrypted parameters that no result needs, and comparisons that ranges decide.
    pub(crate) fn warnings(&mut self, inputs: &[Inputs], used: &BTreeSet<u32>) {
        for input in inputs {
            let range = input.first..input.first + input.count;
            if !input.name.starts_with('_') && used.range(range).next().is_none() {
                self.reports.warning(
                    "W0001",
                    input.span,
                    format!("no result depends on `{}`", input.name),
                    "unused input",
                    "remove it, or begin its name with `_`",
                );
            }
        }
        let comparisons = std::mem::take(&mut self.comparisons);
        for (span, outcome) in comparisons {
            if let Some(outcome) = outcome
                && span.file < self.library_from
            {
                self.reports.warning(
                    "W0002",
                    span,
                    format!("this comparison is always {outcome}"),
                    "the promised ranges decide it",
                    "remove it, or correct the range",
                );
            }
        }
    }
}

/// A JSON value in a few words.
fn brief(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number.to_string().chars().take(40).collect(),
        Json::String(text) => format!("the text \"{}\"", text.chars().take(40).collect::<String>()),
        Json::Array(items) => format!("an array of {}", items.len()),
        Json::Object(_) => "an object".to_owned(),
    }
}
