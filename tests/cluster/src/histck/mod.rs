//! Checks a history: what may never be, whatever was broken while it happened.
//!
//! | check | what is found |
//! |---|---|
//! | C1 | two values at one offset |
//! | C2 | one value at two offsets |
//! | C3 | an acknowledged record that a reader passed over and nobody was ever given |
//! | C4 | an acknowledged record that is not in a replica at the end |
//! | C5 | a record of a failed send that was read, or one that nobody sent |
//! | C7 | a reader that was sent back, or over a record that others were given |
//! | C10 | two records of one producer in the wrong order |
//! | C13 | a record below what a group has committed that no member of it was given |
//! | C14 | a record that was read and is not there, or another one, at the end |
//! | C15 | a record acknowledged before another was sent, yet behind it; an end offset in front of an acknowledged record |
//! | C16 | a group's place that goes back, or that nobody has committed |
//! | C17 | a partition with two owners in one generation of a group; a generation that goes down |
//! | C18 | a topic id that comes back after its deletion, or two living topics of one name |
//! | C20 | two leaders in one epoch; epochs of records that go down; a leader out of sync |
//!
//! Replicas' files (C19) are compared in [`crate::segments`], gaps (C22, C23) are [`figures`].

pub mod figures;
mod groups;
mod log;
mod order;
mod places;
mod reads;
mod topics;

#[cfg(test)]
mod brute;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod script;

use std::fmt;

use crate::history::{Event, Tp};
use log::Logs;

/// Which rule was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "told in the table of the module")]
pub enum Check {
    C1,
    C2,
    C3,
    C4,
    C5,
    C7,
    C10,
    C13,
    C14,
    C15,
    C16,
    C17,
    C18,
    C19,
    C20,
}

/// One proof that something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// The rule.
    pub check: Check,
    /// Partition or topic.
    pub tp: Tp,
    /// What it is about: an offset, a value, an epoch.
    pub subject: String,
    /// The whole sentence.
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(
        check: Check,
        tp: &Tp,
        subject: impl fmt::Display,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            check,
            tp: Tp::clone(tp),
            subject: subject.to_string(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {}", self.check, self.tp, self.detail)
    }
}

/// Everything that is wrong with a history.
#[must_use]
pub fn check(history: &[Event]) -> Vec<Finding> {
    let logs = Logs::new(history);
    let mut findings = Vec::new();
    for log in logs.logs.values() {
        places::check(log, &mut findings);
        reads::check(log, &mut findings);
        order::check(log, &mut findings);
    }
    groups::check(history, &logs, &mut findings);
    topics::check(history, &mut findings);
    findings.sort();
    findings.dedup();
    findings
}
