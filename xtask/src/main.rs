//! Development chores: code generation and the tidy checks.

mod codegen;
mod tidy;

use std::process::ExitCode;

use anyhow::bail;

const USAGE: &str = "usage: cargo xtask codegen [--check] | tidy";

#[expect(clippy::print_stderr, reason = "a command line says what went wrong")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, rest)) if command == "codegen" => codegen::run(rest),
        Some((command, [])) if command == "tidy" => tidy::run(),
        _ => bail!(USAGE),
    }
}
