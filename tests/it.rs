//! End-to-end tests: the `ffhec` command on real files.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "it/check.rs"]
mod check;
#[path = "it/cli.rs"]
mod cli;
#[path = "it/command.rs"]
mod command;
#[path = "it/differential.rs"]
mod differential;
#[path = "it/fpbench.rs"]
mod fpbench;
#[path = "it/golden.rs"]
mod golden;
#[path = "it/layering.rs"]
mod layering;
#[path = "it/models.rs"]
mod models;
#[path = "it/mutation.rs"]
mod mutation;
#[path = "it/noise.rs"]
mod noise;
#[path = "it/opt.rs"]
mod opt;
#[path = "it/paper.rs"]
mod paper;
#[path = "it/parties.rs"]
mod parties;
#[path = "it/suite.rs"]
mod suite;
