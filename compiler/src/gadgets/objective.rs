//! The cost models: what gadgets are built for.

use std::fmt;

/// What a circuit is built for. The same gadgets choose their adders, comparators, shifters and counters by it; what
/// they compute does not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Objective {
    /// The fewest ANDs: where every AND is a refresh and the number of refreshes is the running time, as in FFHE.
    #[default]
    FewestAnds,
    /// A few ANDs more for chains a fraction as long.
    Balanced,
    /// The shortest chain of ANDs, then the fewest of them: for latency and for levelled schemes.
    LeastDepth,
}

impl Objective {
    /// All three.
    pub const ALL: [Objective; 3] = [Objective::FewestAnds, Objective::Balanced, Objective::LeastDepth];

    /// As written on the command line: `ands`, `balanced` or `depth`.
    pub const fn name(self) -> &'static str {
        match self {
            Objective::FewestAnds => "ands",
            Objective::Balanced => "balanced",
            Objective::LeastDepth => "depth",
        }
    }

    /// Whether chains of carries are to be avoided.
    pub const fn is_shallow(self) -> bool {
        match self {
            Objective::FewestAnds => false,
            Objective::Balanced | Objective::LeastDepth => true,
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
