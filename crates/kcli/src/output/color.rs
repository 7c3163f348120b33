//! Colours: few, and never the only carrier of a meaning.

use std::io::IsTerminal as _;

use super::Tone;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set; `CLICOLOR_FORCE` forces it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether standard output gets colours.
    pub(crate) fn applies(self) -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if is_set("NO_COLOR") => false,
            Self::Auto => is_set("CLICOLOR_FORCE") || std::io::stdout().is_terminal(),
        }
    }
}

/// Text in the colour of its tone.
pub(super) fn paint(text: &str, tone: Tone, is_colored: bool) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => 32,
        Tone::Warn => 33,
        Tone::Bad => 31,
    };
    escaped(text, code, is_colored)
}

/// Text in bold.
pub(super) fn bold(text: &str, is_colored: bool) -> String {
    escaped(text, 1, is_colored)
}

fn escaped(text: &str, code: u8, is_colored: bool) -> String {
    match is_colored {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}
