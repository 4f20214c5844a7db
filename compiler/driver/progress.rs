//! What long work says on standard error: a bar on a terminal, plain lines otherwise, nothing with `-q`.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Common;

/// Prints a line on standard error. That nobody reads it, or that it is full, is no reason to stop.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// How often a plain line is printed.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Where messages go, and how many of them.
pub(crate) struct Voice {
    quiet: bool,
    verbose: bool,
}

impl Voice {
    pub(crate) fn new(common: &Common) -> Self {
        Voice { quiet: common.quiet, verbose: common.verbose }
    }

    /// Says only what `-v` asks for.
    pub(crate) fn without_remarks(&self) -> Self {
        Voice { quiet: true, verbose: self.verbose }
    }

    /// Something the user should know.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            tell(text);
        }
    }

    /// Something that `-v` asks for.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose {
            tell(text);
        }
    }

    /// A warning; `-q` silences it too.
    pub(crate) fn warn(&self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// A meter for `total` steps of work called `what`.
    pub(crate) fn meter(&self, what: &str, total: u64) -> Meter {
        let now = Instant::now();
        let kind = match (self.quiet, std::io::stderr().is_terminal()) {
            (true, _) => Kind::Silent,
            (false, true) => Kind::Bar(bar(what, total)),
            (false, false) => Kind::Lines(Mutex::new(now)),
        };
        Meter { kind, what: what.to_owned(), total: AtomicU64::new(total), start: now }
    }
}

/// Says with `-v` how long each stage of the work took.
pub(crate) struct Stages<'a> {
    voice: &'a Voice,
    began: Instant,
}

impl<'a> Stages<'a> {
    /// The first stage begins now.
    pub(crate) fn new(voice: &'a Voice) -> Self {
        Stages { voice, began: Instant::now() }
    }

    /// The stage called `name` is done and the next one begins.
    pub(crate) fn done(&mut self, name: &str) {
        let took = self.began.elapsed().as_secs_f64();
        self.voice.detail(&format!("{name:16} {:>8}", seconds(took)));
        self.began = Instant::now();
    }
}

/// Shows how far the work is.
pub(crate) struct Meter {
    kind: Kind,
    what: String,
    total: AtomicU64,
    start: Instant,
}

enum Kind {
    Silent,
    Bar(ProgressBar),
    Lines(Mutex<Instant>),
}

fn bar(what: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:10} [{bar:30}] {pos}/{len} {msg} {elapsed} left {eta}")
        .expect("the template is a constant")
        .progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_prefix(what.to_owned())
}

impl Meter {
    /// `done` of the total steps are done; `note` says where the work is.
    pub(crate) fn at(&self, done: u64, note: &str) {
        match &self.kind {
            Kind::Silent => {}
            Kind::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(note.to_owned());
            }
            Kind::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    tell(&self.line(done, note));
                }
            }
        }
    }

    /// `done` of `total` parts of one stage of the work are done.
    pub(crate) fn part(&self, done: u64, total: u64, stage: &str) {
        self.total.store(total, Ordering::Relaxed);
        if let Kind::Bar(bar) = &self.kind {
            bar.set_length(total);
        }
        self.at(done, stage);
    }

    /// The work is done; returns the seconds it took.
    pub(crate) fn finish(self) -> f64 {
        if let Kind::Bar(bar) = &self.kind {
            bar.finish_and_clear();
        }
        self.start.elapsed().as_secs_f64()
    }

    fn line(&self, done: u64, note: &str) -> String {
        let total = self.total.load(Ordering::Relaxed);
        let elapsed = self.start.elapsed().as_secs_f64();
        let left = match done {
            0 => "?".to_owned(),
            done => seconds(elapsed / done as f64 * total.saturating_sub(done) as f64),
        };
        format!("{}: {done}/{total} {note}, {} elapsed, about {left} left", self.what, seconds(elapsed))
    }
}

/// A duration for people.
pub(crate) fn seconds(value: f64) -> String {
    match value {
        v if v < 0.0005 => format!("{:.0} us", v * 1e6),
        v if v < 0.9995 => format!("{:.0} ms", v * 1e3),
        v if v < 120.0 => format!("{v:.1} s"),
        v if v < 7200.0 => format!("{:.0} min", v / 60.0),
        v if v < 172_800.0 => format!("{:.1} h", v / 3600.0),
        v => format!("{:.0} days", v / 86400.0),
    }
}

/// A size for people, in powers of 1024.
pub(crate) fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1024.0 => format!("{b} B"),
        b if b < 1024.0 * 1024.0 => format!("{:.1} KiB", b / 1024.0),
        b if b < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", b / (1024.0 * 1024.0)),
        b => format!("{:.2} GiB", b / (1024.0 * 1024.0 * 1024.0)),
    }
}
