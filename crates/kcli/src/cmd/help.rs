//! `kcli help`: help on a command, or one of the pages that no command has.

use clap::{Args, CommandFactory as _};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::nearest::did_you_mean;
use crate::output::write_stdout;
use crate::{offset_spec, template};

/// Help on a command, or a page: exit-codes, format, offsets.
#[derive(Debug, Args)]
pub(crate) struct Help {
    /// A page, or the words of a command
    #[arg(value_name = "PAGE | COMMAND")]
    words: Vec<String>,
}

/// Prints it.
pub(crate) fn run(help: &Help) -> Result {
    let words: Vec<&str> = help.words.iter().map(String::as_str).collect();
    let page = match words.as_slice() {
        ["exit-codes"] => Exit::PAGE,
        ["format"] => template::PAGE,
        ["offsets"] => offset_spec::PAGE,
        words => return write_stdout(command_help(words)?.as_bytes()),
    };
    write_stdout(page.as_bytes())
}

fn command_help(words: &[&str]) -> Result<String> {
    let mut root = Cli::command();
    root.build();
    let mut command = &mut root;
    for word in words {
        let known: Vec<String> = command
            .get_subcommands()
            .map(|c| c.get_name().to_owned())
            .collect();
        let found = command.find_subcommand_mut(word);
        command = found.ok_or_else(|| {
            let pages = ["exit-codes", "format", "offsets"];
            let known = known.iter().map(String::as_str).chain(pages);
            Failure::usage(format!("no command or page {word:?}"))
                .hint_if(did_you_mean(word, known))
        })?;
    }
    Ok(command.render_long_help().to_string())
}
