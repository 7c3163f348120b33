//! Producers that wait until their records are on every in-sync replica (`acks=all`).
//!
//! ```text
//!  request ── PendingAcks ◄── Wait(up to 120) ── partition A: 100 … 120 … 130   front first,
//!                         ◄── Wait(up to 7)   ── partition B: 7 …               high watermark pops
//! ```
//!
//! The waits of a partition stand in the order of their offsets, since they are queued in the order of
//! appends: a new high watermark costs as much as it completes.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use types::Offset;

use crate::timers::Expire;

/// How one partition's wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckOutcome {
    /// On every in-sync replica.
    Committed,
    /// Another leader took over, or the partition is gone.
    NotLeader,
    /// The request's timeout passed. The records stay in the log.
    TimedOut,
}

/// The waits of one request. Innermost lock.
#[derive(Debug)]
pub(crate) struct PendingAcks {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    outcomes: Vec<Option<AckOutcome>>,
    open_count: usize,
    done: Option<oneshot::Sender<Vec<AckOutcome>>>,
}

impl PendingAcks {
    /// For that many partitions. The receiver gets their outcomes in order, once all are known.
    pub(crate) fn new(count: usize) -> (Arc<Self>, oneshot::Receiver<Vec<AckOutcome>>) {
        let (done, receiver) = oneshot::channel();
        let inner = Inner {
            outcomes: vec![None; count],
            open_count: count,
            done: Some(done),
        };
        let pending = Self {
            inner: Mutex::new(inner),
        };
        (Arc::new(pending), receiver)
    }

    fn is_over(&self) -> bool {
        self.inner.lock().done.is_none()
    }

    /// One partition's wait ended. The first outcome counts.
    pub(crate) fn complete(&self, index: usize, outcome: AckOutcome) {
        let mut inner = self.inner.lock();
        let Some(slot @ None) = inner.outcomes.get_mut(index) else {
            return;
        };
        *slot = Some(outcome);
        inner.open_count -= 1;
        inner.maybe_finish();
    }
}

impl Expire for PendingAcks {
    fn expire(&self) {
        let mut inner = self.inner.lock();
        for slot in &mut inner.outcomes {
            slot.get_or_insert(AckOutcome::TimedOut);
        }
        inner.open_count = 0;
        inner.maybe_finish();
    }
}

impl Inner {
    fn maybe_finish(&mut self) {
        if self.open_count > 0 {
            return;
        }
        if let Some(done) = self.done.take() {
            let outcomes = self.outcomes.drain(..).flatten().collect();
            // The connection may be gone.
            drop(done.send(outcomes));
        }
    }
}

/// One partition's wait.
#[derive(Debug)]
pub(crate) struct AckWait {
    /// The high watermark that ends it: the end (exclusive) of what was appended.
    pub(super) required_offset: Offset,
    pub(super) pending: Arc<PendingAcks>,
    /// The partition's place among those of the request.
    pub(super) index: usize,
}

impl AckWait {
    pub(super) fn complete(&self, outcome: AckOutcome) {
        self.pending.complete(self.index, outcome);
    }
}

/// The waits of one partition, under its lock.
#[derive(Debug, Default)]
pub(super) struct AckQueue {
    waits: VecDeque<AckWait>,
    /// Length at which waits that are over already are looked for and dropped.
    purge_at: usize,
}

/// Fewer waits than this are not worth looking through.
const PURGE_MIN: usize = 1024;

impl AckQueue {
    pub(super) fn push(&mut self, wait: AckWait) {
        if self.waits.len() >= self.purge_at.max(PURGE_MIN) {
            self.waits.retain(|wait| !wait.pending.is_over());
            self.purge_at = self.waits.len() * 2;
        }
        // Retries of a duplicate wait for an offset that others already wait beyond.
        let at = self
            .waits
            .partition_point(|other| other.required_offset <= wait.required_offset);
        self.waits.insert(at, wait);
    }

    /// Takes those that a high watermark ends.
    pub(super) fn take_up_to(&mut self, high_watermark: Offset) -> VecDeque<AckWait> {
        let count = self
            .waits
            .partition_point(|wait| wait.required_offset <= high_watermark);
        if count == 0 {
            return VecDeque::new();
        }
        let later = self.waits.split_off(count);
        std::mem::replace(&mut self.waits, later)
    }

    pub(super) fn take_all(&mut self) -> VecDeque<AckWait> {
        std::mem::take(&mut self.waits)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waits.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(required_offset: Offset, pending: &Arc<PendingAcks>, index: usize) -> AckWait {
        AckWait {
            required_offset,
            pending: Arc::clone(pending),
            index,
        }
    }

    #[test]
    fn the_last_partition_completes_the_request() {
        let (pending, mut done) = PendingAcks::new(2);
        pending.complete(1, AckOutcome::Committed);
        assert!(done.try_recv().is_err());
        pending.complete(1, AckOutcome::NotLeader);
        pending.complete(0, AckOutcome::NotLeader);
        let outcomes = done.try_recv().expect("complete");
        assert_eq!(outcomes, [AckOutcome::NotLeader, AckOutcome::Committed]);
        pending.expire();
    }

    #[test]
    fn the_timeout_leaves_known_outcomes_alone() {
        let (pending, mut done) = PendingAcks::new(2);
        pending.complete(0, AckOutcome::Committed);
        pending.expire();
        let outcomes = done.try_recv().expect("complete");
        assert_eq!(outcomes, [AckOutcome::Committed, AckOutcome::TimedOut]);
    }

    #[test]
    fn waits_that_timed_out_do_not_pile_up() {
        let mut queue = AckQueue::default();
        for offset in 0..10_000 {
            let (pending, _done) = PendingAcks::new(1);
            queue.push(wait(offset, &pending, 0));
            pending.expire();
        }
        assert!(queue.len() <= 2 * PURGE_MIN, "{}", queue.len());
    }

    #[test]
    fn a_high_watermark_takes_the_front_and_no_more() {
        let (pending, _done) = PendingAcks::new(4);
        let mut queue = AckQueue::default();
        for (index, required_offset) in [10, 20, 30, 15].into_iter().enumerate() {
            queue.push(wait(required_offset, &pending, index));
        }
        assert!(queue.take_up_to(9).is_empty());
        let taken: Vec<_> = queue.take_up_to(20).iter().map(|wait| wait.index).collect();
        assert_eq!(taken, [0, 3, 1]);
        assert_eq!(queue.len(), 1);
        assert_eq!(queue.take_all().len(), 1);
    }
}
