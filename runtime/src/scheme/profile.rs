//! Where an evaluator's time goes: the time that threads spend in each kind of work, without waiting. Work is measured
//! where it is done, in pieces that do not wait for each other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Patterns: windows of the products of ciphertexts and hints.
    Expand,
    /// Box sums: encrypted key bits by pattern.
    BoxSums,
    /// Products, and the additions between them, in the adder of refreshes.
    Adder,
    /// AND and XOR gates.
    Gates,
}

impl Phase {
    /// Every kind, in the order of a refresh.
    pub const ALL: [Phase; 4] = [Phase::Expand, Phase::BoxSums, Phase::Adder, Phase::Gates];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Expand => "expand",
            Phase::BoxSums => "box sums",
            Phase::Adder => "adder",
            Phase::Gates => "gates",
        }
    }
}

/// Adds up the times of all threads.
#[derive(Debug, Default)]
pub(super) struct Profile {
    nanoseconds: [AtomicU64; Phase::ALL.len()],
}

impl Profile {
    /// Does a piece of work and counts its time. The work must not wait for other threads.
    pub(super) fn time<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        let spent = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds[phase as usize].fetch_add(spent, Ordering::Relaxed);
        result
    }

    /// The time so far.
    pub(super) fn spent(&self, phase: Phase) -> Duration {
        Duration::from_nanos(self.nanoseconds[phase as usize].load(Ordering::Relaxed))
    }
}
