//! Holds answers back until what they say cannot be lost any more.
//!
//! ```text
//!  log of the shard   ────────────┬──────────┬───────────┬──▶
//!                                HW          │           │
//!  group a wrote up to            │          ●           │      its answers leave at that high watermark
//!  group b wrote up to            │                      ●
//!  group c                        │  wrote nothing beyond HW:    its answers leave at once
//! ```
//!
//! Reads wait like writes: an offset that is shown was committed and stays (RELIABILITY G2).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use types::{ErrorCode, Offset};

use crate::env::{GroupId, Token};
use crate::mutant::{self, Mutant};
use crate::request::Answer;

/// The answers of a shard that may not leave yet.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    high_watermark: Offset,
    /// End (exclusive) of what each group wrote, as far as it is beyond the high watermark.
    written: HashMap<GroupId, Offset>,
    /// By the high watermark that lets them go, and in the order they came.
    held: BTreeMap<(Offset, u64), Held>,
    count: u64,
    /// No held answer's deadline is earlier. It may be that of one that has left: every step asks, so
    /// looking through all of them each time would cost too much.
    deadline: Option<Duration>,
    ready: Vec<(Token, Answer)>,
}

#[derive(Debug)]
struct Held {
    token: Token,
    answer: Answer,
    /// When it is given up waiting. Monotonic.
    deadline: Duration,
}

impl Gate {
    /// The group's newest record ends there (exclusive).
    pub(crate) fn on_written(&mut self, group: &GroupId, end_offset: Offset) {
        if end_offset > self.high_watermark {
            self.written.insert(Arc::clone(group), end_offset);
        }
    }

    /// Takes an answer, until what its group wrote is committed or the deadline has passed.
    pub(crate) fn hold(
        &mut self,
        group: &GroupId,
        token: Token,
        answer: Answer,
        deadline: Duration,
    ) {
        let required = self.written.get(group).copied();
        match required {
            Some(offset)
                if offset > self.high_watermark && !mutant::is(Mutant::AnswerBeforeCommit) =>
            {
                let held = Held {
                    token,
                    answer,
                    deadline,
                };
                let known = self.next_deadline();
                self.deadline = Some(known.map_or(deadline, |known| known.min(deadline)));
                self.held.insert((offset, self.count), held);
                self.count += 1;
            }
            _ => self.ready.push((token, answer)),
        }
    }

    /// An answer that says nothing of the group.
    pub(crate) fn answer_now(&mut self, token: Token, answer: Answer) {
        self.ready.push((token, answer));
    }

    /// Everything below is committed. Returns whether answers may leave.
    pub(crate) fn on_high_watermark(&mut self, high_watermark: Offset) -> bool {
        if high_watermark <= self.high_watermark {
            return !self.ready.is_empty();
        }
        self.high_watermark = high_watermark;
        while let Some(entry) = self.held.first_entry() {
            if entry.key().0 > high_watermark {
                break;
            }
            let held = entry.remove();
            self.ready.push((held.token, held.answer));
        }
        self.written.retain(|_, end| *end > high_watermark);
        !self.ready.is_empty()
    }

    /// Answers that waited too long say so.
    pub(crate) fn on_time(&mut self, now: Duration) {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        let late = self.held.extract_if(.., |_, held| held.deadline <= now);
        for (_, held) in late {
            let answer = held.answer.into_failed(ErrorCode::CoordinatorNotAvailable);
            self.ready.push((held.token, answer));
        }
        self.deadline = self.held.values().map(|held| held.deadline).min();
    }

    /// When [`Gate::on_time`] has something to do, or earlier.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadline.filter(|_| !self.held.is_empty())
    }

    /// What may leave.
    pub(crate) fn take_ready(&mut self) -> Vec<(Token, Answer)> {
        std::mem::take(&mut self.ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn group(name: &str) -> GroupId {
        Arc::from(name)
    }

    fn tokens(gate: &mut Gate) -> Vec<u64> {
        let ready = gate.take_ready();
        ready.iter().map(|(token, _)| token.0).collect()
    }

    fn hold(gate: &mut Gate, name: &str, token: u64) {
        let answer = Answer::Delete(ErrorCode::None);
        gate.hold(&group(name), Token(token), answer, at(100));
    }

    #[test]
    fn answers_wait_for_what_their_own_group_wrote() {
        let mut gate = Gate::default();
        gate.on_high_watermark(10);
        gate.on_written(&group("a"), 12);
        hold(&mut gate, "a", 1);
        hold(&mut gate, "b", 2);
        assert_eq!(tokens(&mut gate), [2]);
        gate.on_written(&group("b"), 13);
        hold(&mut gate, "b", 3);
        hold(&mut gate, "a", 4);
        gate.on_high_watermark(11);
        assert!(tokens(&mut gate).is_empty());
        gate.on_high_watermark(12);
        assert_eq!(tokens(&mut gate), [1, 4]);
        gate.on_high_watermark(13);
        assert_eq!(tokens(&mut gate), [3]);
        assert!(gate.written.is_empty());
    }

    #[test]
    fn an_answer_that_waits_too_long_says_that_it_is_not_certain() {
        let mut gate = Gate::default();
        gate.on_written(&group("a"), 1);
        hold(&mut gate, "a", 1);
        assert_eq!(gate.next_deadline(), Some(at(100)));
        gate.on_time(at(99));
        assert!(gate.take_ready().is_empty());
        gate.on_time(at(100));
        let refused = Answer::Delete(ErrorCode::CoordinatorNotAvailable);
        assert_eq!(gate.take_ready(), [(Token(1), refused)]);
        assert_eq!(gate.next_deadline(), None);
        // What came too late stays silent.
        gate.on_high_watermark(1);
        assert!(gate.take_ready().is_empty());
    }
}
