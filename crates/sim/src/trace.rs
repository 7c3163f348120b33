//! What happened, one line each: for people, and to compare two runs byte by byte.

use std::fmt;
use std::time::Duration;

use types::NodeId;

/// The lines of a run, if they are kept.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
    /// How many events happened.
    pub step_count: u64,
}

impl Trace {
    /// Keeps lines, or none.
    #[must_use]
    pub fn new(is_kept: bool) -> Self {
        Self {
            lines: is_kept.then(Vec::new),
            step_count: 0,
        }
    }

    /// Whether lines are kept; writing them costs most of a run.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    /// Adds a line.
    pub fn line(&mut self, now: Duration, node: NodeId, text: &dyn fmt::Display) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!(
                "{:>10.3}ms {:>4} {text}",
                now.as_secs_f64() * 1e3,
                node.0
            ));
        }
    }

    /// All lines.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
