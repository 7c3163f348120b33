//! Development chores: code generation and the tidy checks.

mod codegen;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        bail!("usage: cargo run -p xtask -- codegen [--check]");
    };
    match command.as_str() {
        "codegen" => codegen::run(rest),
        other => bail!("no such command: {other} (there is: codegen)"),
    }
}
