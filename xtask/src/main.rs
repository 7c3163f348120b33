//! Development chores: code generation and the tidy checks.
fn main() {}
