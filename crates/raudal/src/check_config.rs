//! `raudal check-config`: what would happen with a configuration.

use crate::args::CheckConfig;
use crate::failure::Failure;
use crate::settings;

/// Reads the configuration and says what a start would warn about.
pub(crate) fn run(args: &CheckConfig) -> Result<(), Failure> {
    let config = settings::load(Some(&args.file), &args.overrides.overrides)?;
    for warning in &config.warnings {
        say(&format!("warning: {warning}"));
    }
    let idle = settings::without_effect(&config);
    if !idle.is_empty() {
        say(&format!(
            "note: no effect in this version: {}",
            idle.join(", ")
        ));
    }
    say(&format!("{}: fine", args.file.display()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's result")]
fn say(line: &str) {
    println!("{line}");
}
