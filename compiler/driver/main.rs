//! The `ffhec` command.
fn main() {}
