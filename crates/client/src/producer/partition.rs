//! The batches of one partition: in order, at most so many in flight, sequence numbers without a
//! gap. A state machine: time comes in as an argument, nothing waits here.
//!
//! ```text
//! append ─▶ queue ─take_ready─▶ in flight ─on_result─▶ completed
//!             ▲                                │
//!             └──────── refused, retriable ────┘   then nothing is sent until nothing is in flight,
//!                                                  so that order and sequence hold
//! ```
//!
//! Nothing goes to a new leader while the old one owes answers: it might hold a batch that would then
//! be overtaken, and no longer be known for a duplicate when it comes at last.
//!
//! A batch that failed for good leaves a gap in the sequence. If it was surely not appended and
//! nothing went after it, its numbers are used again; otherwise the partition goes on under a new
//! producer id, from sequence 0, once nothing of the old one is in flight.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use types::ErrorCode;

use super::batch::{Batch, Identity, Stamp, add_to_sequence};
use super::record::{Outcome, Written};
use crate::{Error, ProducerConfig};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct PartitionQueue {
    /// By order, oldest first.
    queue: VecDeque<Batch>,
    in_flight_count: usize,
    /// Where what is in flight went, and under which identity: nothing goes elsewhere or under
    /// another one meanwhile, or a later batch might overtake an earlier one.
    in_flight_node: i32,
    in_flight_identity: Option<Identity>,
    /// After a failure: nothing is sent while anything is in flight.
    is_recovering: bool,
    /// Not before this.
    retry_at: Option<Instant>,
    identity: Option<Identity>,
    next_sequence: i32,
    /// The identity that may not be used again.
    spent: Option<Identity>,
}

/// What `on_result` decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Bytes of the buffer that are free again.
    pub(super) freed_bytes: usize,
    /// Batches that ended.
    pub(super) ended_count: usize,
    /// Batches that came into being.
    pub(super) added_count: usize,
}

impl PartitionQueue {
    /// The batch being filled.
    pub(super) fn open_batch(&mut self) -> Option<&mut Batch> {
        self.queue.back_mut().filter(|batch| !batch.is_sealed())
    }

    /// Adds an empty batch at the end.
    pub(super) fn push(&mut self, batch: Batch) -> &mut Batch {
        self.queue.push_back(batch);
        let last = self.queue.len() - 1;
        &mut self.queue[last]
    }

    /// Whether there is nothing to send.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether an identity other than this one is needed before anything can be sent.
    pub(super) fn needs_other_than(&self, current: Option<Identity>) -> bool {
        let first = self.queue.front();
        if first.is_some_and(|batch| batch.stamp().is_some()) {
            return false;
        }
        match current {
            None => self.identity.is_none(),
            Some(current) => self.identity.is_none() && self.spent == Some(current),
        }
    }

    /// Bytes of the batch that is next, before compression if it is still open.
    pub(super) fn next_bytes(&self) -> usize {
        self.queue.front().map_or(0, Batch::size_bytes)
    }

    /// Another leader is there: no reason to wait longer.
    pub(super) fn on_new_leader(&mut self) {
        self.retry_at = None;
    }

    /// Keeps an error met on the way, to be told if time runs out.
    pub(super) fn note_error(&mut self, error: &Error) {
        for batch in &mut self.queue {
            batch.last_error = Some(error.clone());
        }
    }

    /// When a batch could go; `None` if only an answer or a record can change that.
    pub(super) fn ready_at(&self, config: &ProducerConfig, is_flushing: bool) -> Option<Instant> {
        let first = self.queue.front()?;
        let own = first.stamp().map(|stamp| stamp.identity);
        let is_other = own.or(self.identity) != self.in_flight_identity;
        let is_blocked = self.in_flight_count > 0 && (self.is_recovering || is_other);
        if is_blocked || self.in_flight_count >= config.in_flight_max {
            return None;
        }
        let is_full = self.queue.len() > 1
            || first.is_sealed()
            || first.size_bytes() >= config.batch_bytes
            || is_flushing;
        let ready = match is_full {
            true => first.created,
            false => first.created + config.linger,
        };
        Some(self.retry_at.map_or(ready, |at| ready.max(at)))
    }

    /// Whether a batch may go to this broker now: not while another one owes answers. A leader that is
    /// cut off may hold batches that its successor has not got.
    pub(super) fn may_go_to(&self, node_id: i32) -> bool {
        self.in_flight_count == 0 || self.in_flight_node == node_id
    }

    /// The oldest batch, to be sent to this broker now. `current` is the producer's identity; `None` in
    /// a producer that is not idempotent.
    pub(super) fn take(&mut self, current: Option<Identity>, node_id: i32) -> Option<Batch> {
        if self.in_flight_count == 0 {
            self.is_recovering = false;
            self.retry_at = None;
        }
        let mut batch = self.queue.pop_front()?;
        if batch.stamp().is_none()
            && let Some(stamp) = self.next_stamp(current, batch.record_count())
        {
            batch.set_stamp(Some(stamp));
        }
        self.in_flight_count += 1;
        self.in_flight_node = node_id;
        self.in_flight_identity = batch.stamp().map(|stamp| stamp.identity);
        Some(batch)
    }

    fn next_stamp(&mut self, current: Option<Identity>, count: i32) -> Option<Stamp> {
        let identity = match (self.identity, current) {
            (_, None) => return None,
            (Some(own), Some(_)) => own,
            (None, Some(current)) => {
                self.identity = Some(current);
                self.next_sequence = 0;
                current
            }
        };
        let base_sequence = self.next_sequence;
        self.next_sequence = add_to_sequence(base_sequence, count);
        Some(Stamp {
            identity,
            base_sequence,
        })
    }

    /// The answer to a batch.
    pub(super) fn on_result(
        &mut self,
        mut batch: Batch,
        result: Result<Outcome, Error>,
        now: Instant,
        backoff: Duration,
    ) -> Settled {
        self.in_flight_count -= 1;
        let error = match result {
            Ok(outcome) => return end(batch, outcome),
            Err(error) => error,
        };
        let verdict = self.verdict(&batch, &error, now);
        batch.last_error = Some(error.clone());
        match verdict {
            Verdict::Known => end(
                batch,
                Outcome::Written(Written {
                    base_offset: -1,
                    append_time_ms: -1,
                    at: now,
                }),
            ),
            Verdict::Retry { renew } => {
                batch.is_uncertain |= !is_refused_unwritten(&error);
                self.is_recovering = true;
                self.retry_at = Some(now + backoff);
                self.requeue(batch);
                if renew {
                    self.renew();
                }
                Settled::default()
            }
            Verdict::Split => match batch.split(SPLIT_BYTES_MAX) {
                Some((first, second)) => {
                    self.is_recovering = true;
                    self.requeue(first);
                    self.requeue(second);
                    Settled {
                        added_count: 1,
                        ..Settled::default()
                    }
                }
                None => {
                    let is_surely_absent = !batch.is_uncertain;
                    self.give_up(batch, error, is_surely_absent)
                }
            },
            Verdict::Fail { is_surely_absent } => self.give_up(batch, error, is_surely_absent),
        }
    }

    fn verdict(&self, batch: &Batch, error: &Error, now: Instant) -> Verdict {
        use ErrorCode as E;
        let is_over = now >= batch.deadline;
        let is_stamped = batch.stamp().is_some();
        match error.code() {
            Some(E::DuplicateSequenceNumber) => Verdict::Known,
            // The batch before this one failed, so this one was out of order: not its own fault.
            Some(E::OutOfOrderSequenceNumber) if is_stamped && self.is_recovering && !is_over => {
                Verdict::Retry { renew: false }
            }
            // Under other numbers it would be written twice if an earlier try has written it.
            Some(
                E::OutOfOrderSequenceNumber
                | E::UnknownProducerId
                | E::InvalidProducerEpoch
                | E::ProducerFenced,
            ) if is_stamped && !is_over && !batch.is_uncertain => Verdict::Retry { renew: true },
            Some(E::MessageTooLarge | E::RecordListTooLarge) => Verdict::Split,
            _ if error.is_retriable() && !is_over => Verdict::Retry { renew: false },
            _ => Verdict::Fail {
                is_surely_absent: !batch.is_uncertain && is_refused_unwritten(error),
            },
        }
    }

    /// Fails a batch for good and mends the sequence behind it.
    fn give_up(&mut self, batch: Batch, error: Error, is_surely_absent: bool) -> Settled {
        if let Some(stamp) = batch.stamp()
            && self.identity.is_some_and(|own| own != stamp.identity)
        {
            // What came after it has other numbers already.
            self.is_recovering = true;
        } else if let Some(stamp) = batch.stamp() {
            let later = self.queue.iter().any(|other| other.stamp().is_some());
            let is_last = !later && self.in_flight_count == 0;
            if is_surely_absent && is_last && self.identity == Some(stamp.identity) {
                self.next_sequence = stamp.base_sequence;
            } else {
                self.is_recovering = true;
                self.renew();
            }
        }
        end(batch, Outcome::Failed(error))
    }

    /// Leaves the identity; batches get new numbers when they are sent next. Those in flight may
    /// still succeed under the old one, and those that may be in the log keep their numbers, by which
    /// the broker knows them.
    fn renew(&mut self) {
        self.spent = self.identity.take().or(self.spent);
        for batch in self.queue.iter_mut().filter(|batch| !batch.is_uncertain) {
            batch.set_stamp(None);
        }
    }

    fn requeue(&mut self, mut batch: Batch) {
        let is_outdated = batch
            .stamp()
            .is_some_and(|s| Some(s.identity) != self.identity);
        if is_outdated && !batch.is_uncertain {
            batch.set_stamp(None);
        }
        let later = self.queue.iter().position(|b| b.order() > batch.order());
        self.queue.insert(later.unwrap_or(self.queue.len()), batch);
    }

    /// Fails the batches whose time is up.
    pub(super) fn expire(&mut self, now: Instant, what: &str, allowed: Duration) -> Settled {
        let mut settled = Settled::default();
        while self
            .queue
            .front()
            .is_some_and(|batch| batch.deadline <= now)
        {
            let Some(batch) = self.queue.pop_front() else {
                break;
            };
            let error = Error::TimedOut {
                what: what.to_owned(),
                after: allowed,
                last: batch.last_error.clone().map(Arc::new),
            };
            // A batch with numbers has been sent, and may be in the log.
            let one = self.give_up(batch, error, false);
            settled.freed_bytes += one.freed_bytes;
            settled.ended_count += one.ended_count;
        }
        settled
    }

    /// Fails everything that is not in flight.
    pub(super) fn fail_waiting(&mut self, error: &Error) -> Settled {
        let mut settled = Settled::default();
        while let Some(batch) = self.queue.pop_front() {
            let one = self.give_up(batch, error.clone(), false);
            settled.freed_bytes += one.freed_bytes;
            settled.ended_count += one.ended_count;
        }
        settled
    }

    /// When the oldest batch's time is up.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.queue.front().map(|batch| batch.deadline)
    }
}

/// A batch is taken apart in memory to be divided; larger ones are not.
const SPLIT_BYTES_MAX: usize = 256 * 1024 * 1024;

enum Verdict {
    /// The broker has it already.
    Known,
    Retry {
        renew: bool,
    },
    Split,
    Fail {
        is_surely_absent: bool,
    },
}

/// Whether this try surely wrote nothing: the broker looked at the batch and would not have it. A
/// retriable refusal proves nothing, since the batch may have been written and not acknowledged
/// (a leader deposed meanwhile says so with the same codes).
fn is_refused_unwritten(error: &Error) -> bool {
    use ErrorCode as E;
    match error.code() {
        Some(E::NotEnoughReplicas) => true,
        Some(E::UnknownServerError | E::NotEnoughReplicasAfterAppend | E::RequestTimedOut) => false,
        Some(code) => !code.is_retriable() && matches!(error, Error::Refused(_)),
        None => false,
    }
}

fn end(mut batch: Batch, outcome: Outcome) -> Settled {
    let freed_bytes = std::mem::take(&mut batch.charged_bytes);
    batch.complete(outcome);
    Settled {
        freed_bytes,
        ended_count: 1,
        added_count: 0,
    }
}

#[cfg(test)]
#[path = "partition_tests.rs"]
mod tests;
