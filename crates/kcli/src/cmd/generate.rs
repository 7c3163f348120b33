//! `kcli generate`: completions and man pages, from the same tree that is parsed.

use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Subcommand, ValueEnum};
use clap_complete::env::Shells;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::write_stdout;

/// What can be written.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A completion script: topics and config keys are looked up as you type
    #[command(
        after_help = "bash:  kcli generate completions bash > /etc/bash_completion.d/kcli\n\
                      zsh:   kcli generate completions zsh > \"${fpath[1]}/_kcli\"\n\
                      fish:  kcli generate completions fish > ~/.config/fish/completions/kcli.fish"
    )]
    Completions {
        /// For which shell
        shell: ShellName,
        /// Only what never changes: no program is run while you type
        #[arg(long = "static")]
        is_static: bool,
    },
    /// Man pages: to standard output, or one file for each command
    Man {
        /// Where to put the files
        #[arg(long, value_name = "DIRECTORY")]
        dir: Option<PathBuf>,
    },
}

/// Shells with completion.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ShellName {
    /// GNU bash
    Bash,
    /// Z shell
    Zsh,
    /// fish
    Fish,
    /// `PowerShell`
    Powershell,
    /// Elvish
    Elvish,
}

impl ShellName {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Elvish => "elvish",
        }
    }

    fn for_static(self) -> Shell {
        match self {
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
            Self::Powershell => Shell::PowerShell,
            Self::Elvish => Shell::Elvish,
        }
    }
}

/// Writes it.
pub(crate) fn run(command: &Command, _context: &Context) -> Result {
    match command {
        Command::Completions { shell, is_static } => completions(*shell, *is_static),
        Command::Man { dir: None } => man_page(),
        Command::Man { dir: Some(dir) } => man_pages(dir),
    }
}

fn completions(shell: ShellName, is_static: bool) -> Result {
    let mut script = Vec::new();
    if is_static {
        generate(shell.for_static(), &mut Cli::command(), "kcli", &mut script);
    } else {
        let shells = Shells::builtins();
        let completer = shells.completer(shell.name());
        let completer = completer.ok_or_else(|| Failure::failed("no completion for this shell"))?;
        completer.write_registration("COMPLETE", "kcli", "kcli", "kcli", &mut script)?;
    }
    write_stdout(&script)
}

fn man_page() -> Result {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    write_stdout(&page)
}

fn man_pages(dir: &Path) -> Result {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Cli::command(), dir)?;
    Ok(())
}
