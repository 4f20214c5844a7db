//! Types of expressions while they are inferred, and their unification.

use std::rc::Rc;

use crate::gadgets::format::Scalar;

/// The type of an expression; variables stand for what is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ty {
    /// To be found.
    Var(u32),
    /// A type that an encrypted value can have.
    Scalar(Scalar),
    /// A compile-time integer.
    Int,
    /// A compile-time exact number.
    Rational,
    /// `[T; n]`
    Array(Rc<Ty>, Len),
    /// `(A, B)`; the empty one is the type of statements.
    Tuple(Rc<[Ty]>),
    /// An error was reported; agrees with everything.
    Error,
}

/// An array length, or another integer in a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Len {
    /// Known.
    Known(i64),
    /// To be found.
    Var(u32),
    /// Differs from one loop iteration to the next; compared when the loop is unrolled.
    Any,
}

/// What an unknown type must turn out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Some number.
    pub number: bool,
    /// A number that may have a fraction: not an integer.
    pub fraction: bool,
    /// A float.
    pub float: bool,
    /// An integer.
    pub integer: bool,
    /// Comes from a compile-time integer, and is one if nothing else says what it is.
    pub comptime: bool,
    /// Is the operand of `as`, and stays exact if nothing else says what it is.
    pub cast: bool,
}

impl Need {
    /// Any number.
    pub(crate) const NUMBER: Need =
        Need { number: true, fraction: false, float: false, integer: false, comptime: false, cast: false };
    /// A float.
    pub(crate) const FLOAT: Need = Need { float: true, ..Need::NUMBER };
    /// An integer.
    pub(crate) const INTEGER: Need = Need { integer: true, ..Need::NUMBER };
    /// A number written with a point.
    pub(crate) const FRACTION: Need = Need { fraction: true, ..Need::NUMBER };
    /// A compile-time integer.
    pub(crate) const COMPTIME: Need = Need { comptime: true, ..Need::NUMBER };
    /// The operand of `as`.
    pub(crate) const CAST: Need = Need { cast: true, ..Need::NUMBER };

    fn and(self, other: Need) -> Need {
        Need {
            number: self.number || other.number,
            fraction: self.fraction || other.fraction,
            float: self.float || other.float,
            integer: self.integer || other.integer,
            comptime: self.comptime || other.comptime,
            cast: self.cast || other.cast,
        }
    }

    fn possible(self) -> bool {
        !(self.integer && (self.fraction || self.float))
    }

    fn allows(self, ty: &Ty) -> bool {
        match ty {
            Ty::Scalar(Scalar::Bool) | Ty::Array(..) | Ty::Tuple(_) => !self.number,
            Ty::Scalar(Scalar::Float(_)) => !self.integer,
            Ty::Scalar(Scalar::Fixed { .. }) | Ty::Rational => !self.integer && !self.float,
            Ty::Scalar(Scalar::Int(_) | Scalar::Uint(_)) | Ty::Int => !self.fraction && !self.float,
            Ty::Error | Ty::Var(_) => true,
        }
    }

    /// In messages.
    pub(crate) fn describe(self) -> &'static str {
        if self.float {
            "a float"
        } else if self.integer {
            "an integer"
        } else if self.fraction {
            "a number with a fraction"
        } else if self.number {
            "a number"
        } else {
            "a value"
        }
    }
}

enum Slot {
    Open(Need),
    Bound(Ty),
}

/// The type variables of one function body.
#[derive(Default)]
pub(crate) struct Unifier {
    types: Vec<Slot>,
    lengths: Vec<Option<Len>>,
}

impl Unifier {
    /// A new unknown type.
    pub(crate) fn fresh(&mut self, need: Need) -> Ty {
        self.types.push(Slot::Open(need));
        Ty::Var(u32::try_from(self.types.len() - 1).expect("bounded: fewer variables than source bytes"))
    }

    /// A new unknown length.
    pub(crate) fn fresh_len(&mut self) -> Len {
        self.lengths.push(None);
        Len::Var(u32::try_from(self.lengths.len() - 1).expect("bounded: fewer variables than source bytes"))
    }

    /// The outermost constructor.
    pub(crate) fn resolve(&self, ty: &Ty) -> Ty {
        let mut ty = ty;
        while let Ty::Var(index) = ty {
            match &self.types[*index as usize] {
                Slot::Open(_) => break,
                Slot::Bound(next) => ty = next,
            }
        }
        ty.clone()
    }

    /// The last variable before the type that is known.
    pub(crate) fn root(&self, ty: &Ty) -> Option<u32> {
        let &Ty::Var(mut index) = ty else { return None };
        while let Slot::Bound(Ty::Var(next)) = &self.types[index as usize] {
            index = *next;
        }
        Some(index)
    }

    /// What is known about an open variable.
    pub(crate) fn need_of(&self, ty: &Ty) -> Option<Need> {
        match self.resolve(ty) {
            Ty::Var(index) => match &self.types[index as usize] {
                Slot::Open(need) => Some(*need),
                Slot::Bound(_) => None,
            },
            Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Array(..) | Ty::Tuple(_) | Ty::Error => None,
        }
    }

    /// The length as far as it is known.
    pub(crate) fn resolve_len(&self, len: Len) -> Len {
        let mut len = len;
        while let Len::Var(index) = len {
            match self.lengths[index as usize] {
                Some(next) => len = next,
                None => break,
            }
        }
        len
    }

    /// The type with everything known filled in.
    pub(crate) fn deep(&self, ty: &Ty) -> Ty {
        match self.resolve(ty) {
            Ty::Array(element, len) => Ty::Array(Rc::new(self.deep(&element)), self.resolve_len(len)),
            Ty::Tuple(members) => Ty::Tuple(members.iter().map(|member| self.deep(member)).collect()),
            other @ (Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Error) => other,
        }
    }

    /// Demands something of a type; false if it cannot be.
    pub(crate) fn require(&mut self, ty: &Ty, need: Need) -> bool {
        match self.resolve(ty) {
            Ty::Var(index) => {
                let slot = &mut self.types[index as usize];
                let Slot::Open(known) = slot else { return true };
                let both = known.and(need);
                if both.possible() {
                    *slot = Slot::Open(both);
                }
                both.possible()
            }
            known @ (Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Array(..) | Ty::Tuple(_) | Ty::Error) => {
                need.allows(&known)
            }
        }
    }

    /// Makes two types one; false if they differ.
    pub(crate) fn unify(&mut self, a: &Ty, b: &Ty) -> bool {
        let (a, b) = (self.resolve(a), self.resolve(b));
        match (&a, &b) {
            // What is unknown beside an error is not asked for again.
            (Ty::Error, Ty::Var(open)) | (Ty::Var(open), Ty::Error) => {
                self.types[*open as usize] = Slot::Bound(Ty::Error);
                true
            }
            (Ty::Error, _) | (_, Ty::Error) => true,
            (Ty::Var(x), Ty::Var(y)) if x == y => true,
            (Ty::Var(x), Ty::Var(_)) => {
                let need = self.need_of(&a).unwrap_or_default();
                if !self.require(&b, need) {
                    return false;
                }
                self.types[*x as usize] = Slot::Bound(b.clone());
                true
            }
            (Ty::Var(x), _) => self.bind(*x, &b),
            (_, Ty::Var(y)) => self.bind(*y, &a),
            (Ty::Array(x, n), Ty::Array(y, m)) => self.unify_len(*n, *m) && self.unify(x, y),
            (Ty::Tuple(x), Ty::Tuple(y)) => {
                x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| self.unify(x, y))
            }
            (Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Array(..) | Ty::Tuple(_), _) => a == b,
        }
    }

    fn bind(&mut self, index: u32, ty: &Ty) -> bool {
        let Slot::Open(need) = &self.types[index as usize] else { return false };
        if !need.allows(ty) || self.occurs(index, ty) {
            return false;
        }
        self.types[index as usize] = Slot::Bound(ty.clone());
        true
    }

    fn occurs(&self, index: u32, ty: &Ty) -> bool {
        match self.resolve(ty) {
            Ty::Var(other) => other == index,
            Ty::Array(element, _) => self.occurs(index, &element),
            Ty::Tuple(members) => members.iter().any(|member| self.occurs(index, member)),
            Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Error => false,
        }
    }

    /// Makes two lengths one; false if they differ.
    pub(crate) fn unify_len(&mut self, a: Len, b: Len) -> bool {
        match (self.resolve_len(a), self.resolve_len(b)) {
            (Len::Var(x), Len::Var(y)) if x == y => true,
            (Len::Var(x), other) | (other, Len::Var(x)) => {
                self.lengths[x as usize] = Some(other);
                true
            }
            (Len::Any, _) | (_, Len::Any) => true,
            (Len::Known(x), Len::Known(y)) => x == y,
        }
    }

    /// The variables that are still open, in order of their making.
    pub(crate) fn first_open(&self, from: u32) -> Option<(u32, Need)> {
        (from as usize..self.types.len()).find_map(|index| match &self.types[index] {
            Slot::Open(need) => Some((u32::try_from(index).expect("made from a u32"), *need)),
            Slot::Bound(_) => None,
        })
    }

    /// The type as messages show it.
    pub(crate) fn show(&self, ty: &Ty) -> String {
        match self.resolve(ty) {
            Ty::Var(index) => match &self.types[index as usize] {
                Slot::Open(need) => need.describe().to_owned(),
                Slot::Bound(_) => "a value".to_owned(),
            },
            Ty::Scalar(scalar) => scalar.to_string(),
            Ty::Int => "a compile-time integer".to_owned(),
            Ty::Rational => "a compile-time rational".to_owned(),
            Ty::Array(element, len) => match self.resolve_len(len) {
                Len::Known(len) => format!("[{}; {len}]", self.show(&element)),
                Len::Var(_) | Len::Any => format!("[{}; _]", self.show(&element)),
            },
            Ty::Tuple(members) if members.is_empty() => "no value".to_owned(),
            Ty::Tuple(members) => {
                let inner: Vec<String> = members.iter().map(|member| self.show(member)).collect();
                let comma = if inner.len() == 1 { "," } else { "" };
                format!("({}{comma})", inner.join(", "))
            }
            Ty::Error => "an unknown type".to_owned(),
        }
    }
}

impl Ty {
    /// The empty tuple.
    pub(crate) fn unit() -> Ty {
        Ty::Tuple(Rc::new([]))
    }

    /// Bool.
    pub(crate) const BOOL: Ty = Ty::Scalar(Scalar::Bool);
}

/// How many type nodes a type has, counted up to `budget`.
pub(crate) fn nodes(ty: &Ty, budget: usize) -> usize {
    if budget == 0 {
        return 0;
    }
    match ty {
        Ty::Array(element, _) => 1 + nodes(element, budget - 1),
        Ty::Tuple(members) => {
            let mut count = 1;
            for member in members.iter() {
                if count >= budget {
                    break;
                }
                count += nodes(member, budget - count);
            }
            count
        }
        Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Error => 1,
    }
}

/// How many scalars a value of the type holds; saturates.
pub(crate) fn elements(ty: &Ty) -> u64 {
    match ty {
        Ty::Array(element, Len::Known(len)) => {
            elements(element).saturating_mul(u64::try_from(*len).unwrap_or(0))
        }
        Ty::Array(..) => 0,
        Ty::Tuple(members) => {
            members.iter().fold(0, |sum, member| u64::saturating_add(sum, elements(member)))
        }
        Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Error => 1,
    }
}
