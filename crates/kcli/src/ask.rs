//! Questions before something is destroyed.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Asks on the terminal. Where there is none, nothing is done and the exit code says so.
pub(crate) fn confirm(what: &str) -> Result {
    if !io::stdin().is_terminal() {
        let message = format!("{what}: not confirmed, nothing was done");
        return Err(Failure::new(Exit::NotConfirmed, message)
            .hint("there is no terminal to ask on; to go ahead, add --yes"));
    }
    let mut stderr = io::stderr().lock();
    write!(stderr, "{what}? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(
            Exit::NotConfirmed,
            "not confirmed, nothing was done",
        )),
    }
}
