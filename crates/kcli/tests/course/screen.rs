//! What a command has printed so far, beside what the page says it prints.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::page::matches;

/// Shared by the threads that read a command's output and the one that looks at it.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    lines: Mutex<Lines>,
    more: Condvar,
}

/// The lines by stream, empty ones left out.
#[derive(Debug, Default, Clone)]
pub(crate) struct Lines {
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
    ended: usize,
}

impl Screen {
    /// Reads a stream to its end.
    pub(crate) fn read(
        self: &Arc<Self>,
        stream: impl Read + Send + 'static,
        choose: fn(&mut Lines) -> &mut Vec<String>,
        edit: impl Fn(&str) -> String + Send + 'static,
    ) -> JoinHandle<()> {
        let screen = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { break };
                // Prompts stand before what is printed.
                let line = edit(line.trim_start_matches('>'));
                if !line.trim().is_empty() {
                    choose(&mut screen.lines.lock()).push(line);
                    screen.more.notify_all();
                }
            }
            screen.lines.lock().ended += 1;
            screen.more.notify_all();
        })
    }

    /// Waits until the lines are as wanted. `false` if that does not happen in time.
    pub(crate) fn wait_until(&self, patience: Duration, is_so: impl Fn(&Lines) -> bool) -> bool {
        let mut lines = self.lines.lock();
        let waited = self
            .more
            .wait_while_for(&mut lines, |lines| !is_so(lines), patience);
        !waited.timed_out()
    }

    /// The lines as they are now.
    pub(crate) fn lines(&self) -> Lines {
        self.lines.lock().clone()
    }
}

impl Lines {
    /// Whether both streams have come to their end.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended == 2
    }

    /// How many lines of standard output, from `first` on, are those that the page shows; `None` if not
    /// all of these are there. What is not on standard output is looked for on standard error.
    pub(crate) fn shown(&self, expected: &[String], first: usize) -> Option<usize> {
        let stdout = self.stdout.get(first..).unwrap_or_default();
        let mut next = 0;
        let mut skips = false;
        for line in expected.iter().filter(|line| !line.trim().is_empty()) {
            if line.trim() == "…" {
                skips = true;
                continue;
            }
            let ahead = match skips {
                true => stdout.len().saturating_sub(next),
                false => 1,
            };
            let found = (next..stdout.len())
                .take(ahead)
                .find(|i| matches(line, &stdout[*i]));
            match found {
                Some(at) => (next, skips) = (at + 1, false),
                None if self.stderr.iter().any(|told| matches(line, told)) => {}
                None => return None,
            }
        }
        Some(if skips { stdout.len() } else { next })
    }
}

/// What is tried without any server.
pub(crate) fn what_is_printed_must_be_what_is_shown() {
    let all = |text: &str| text.lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    let lines = Lines {
        stdout: all("a\nb\nc"),
        stderr: all("done"),
        ended: 2,
    };
    for (shown, count) in [
        ("a", Some(1)),
        ("a\nb\nc\ndone", Some(3)),
        ("…\nc", Some(3)),
        ("a\n…", Some(3)),
        ("b", None),
        ("a\nc", None),
        ("a\nb\nc\nd", None),
    ] {
        assert_eq!(lines.shown(&all(shown), 0), count, "{shown:?}");
    }
    assert_eq!(lines.shown(&all("c"), 2), Some(1));
}
