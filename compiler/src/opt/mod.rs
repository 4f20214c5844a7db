//! Passes over circuits: the same function, fewer and shallower ANDs, refreshes placed.
