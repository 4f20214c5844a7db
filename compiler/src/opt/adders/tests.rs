#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::opt::simplify;
use crate::opt::testing::{Random, add, adder, assert_same, circuit, circuits, multiplier_chain, port};
use ffhec_circuit::Builder;
