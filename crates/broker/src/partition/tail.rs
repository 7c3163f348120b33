//! The last batches of a partition as they are on disk, kept until the followers that follow closely
//! have taken them: what was just written needs no read.
//!
//! ```text
//!                 horizon            first kept          log end
//!                    ▼                   ▼                  ▼
//!  ───── far ────────┼────── near ───────┼──── in memory ───┤
//!        catch-up lane     page cache        this cache
//! ```
//!
//! Bounded per partition and, by [`TailBudget`], per broker. What does not fit is not kept: it is read
//! from the page cache instead.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use smallvec::SmallVec;
use types::Offset;

/// Bytes kept of one partition.
const PARTITION_BYTES_MAX: usize = 4 << 20;

/// Replicas within so many bytes of the log's end are near: they may catch up beside the others.
const NEAR_BYTES: usize = 8 << 20;
/// How finely the horizon moves.
const MARK_BYTES: usize = NEAR_BYTES / 16;

/// Bytes kept by all partitions of a broker. Shared; a counter, no lock.
#[derive(Debug)]
pub(crate) struct TailBudget {
    used_bytes: AtomicUsize,
    bytes_max: usize,
}

impl TailBudget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            used_bytes: AtomicUsize::new(0),
            bytes_max,
        })
    }

    /// Bytes kept now.
    #[cfg(test)]
    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let used = self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = used.saturating_add(bytes) <= self.bytes_max;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    fn give_back(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One append as it is on disk: its bytes in pieces.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Where the log ended before. A follower whose log ends here may be given these bytes.
    pub(super) start_offset: Offset,
    /// Where it ended afterwards (exclusive).
    pub(super) end_offset: Offset,
    pub(super) pieces: [Bytes; 2],
}

impl Kept {
    fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

/// A run of appends, the next of which would begin at `end_offset`.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) pieces: Vec<Bytes>,
    pub(super) len: usize,
    pub(super) end_offset: Offset,
}

/// Under the partition's lock. Contiguous up to the log's end, or empty.
#[derive(Debug)]
pub(super) struct Tail {
    budget: Arc<TailBudget>,
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// Log ends, each [`MARK_BYTES`] after the one before: the oldest is the horizon.
    marks: SmallVec<[Offset; 2]>,
    since_mark_bytes: usize,
}

impl Tail {
    pub(super) fn new(budget: Arc<TailBudget>) -> Self {
        Self {
            budget,
            kept: VecDeque::new(),
            kept_bytes: 0,
            marks: SmallVec::new(),
            since_mark_bytes: 0,
        }
    }

    /// A leader begins: everything written from here on is near, at first.
    pub(super) fn begin(&mut self, log_end_offset: Offset) {
        self.clear();
        self.marks.clear();
        self.marks.push(log_end_offset);
        self.since_mark_bytes = 0;
    }

    /// Replicas whose log ends below are far behind.
    pub(super) fn horizon(&self) -> Offset {
        self.marks.first().copied().unwrap_or(0)
    }

    /// So many bytes were appended.
    pub(super) fn on_append(&mut self, bytes: usize, log_end_offset: Offset) {
        self.since_mark_bytes += bytes;
        if self.since_mark_bytes < MARK_BYTES {
            return;
        }
        self.since_mark_bytes = 0;
        self.marks.push(log_end_offset);
        if self.marks.len() > NEAR_BYTES / MARK_BYTES {
            self.marks.remove(0);
        }
    }

    /// Keeps what was appended, if there is room for it.
    pub(super) fn keep(&mut self, kept: Kept) {
        let len = kept.len();
        if self
            .kept
            .back()
            .is_some_and(|last| last.end_offset != kept.start_offset)
        {
            self.clear();
        }
        while self.kept_bytes + len > PARTITION_BYTES_MAX && !self.kept.is_empty() {
            self.drop_first();
        }
        if len > PARTITION_BYTES_MAX || !self.budget.take(len) {
            self.clear();
            return;
        }
        self.kept_bytes += len;
        self.kept.push_back(kept);
    }

    /// Appends from that log end on, at most `bytes_max` unless the first alone is larger; `None` if
    /// they are not here.
    pub(super) fn run(&self, from: Offset, bytes_max: usize) -> Option<Run> {
        let first = self.kept.partition_point(|kept| kept.start_offset < from);
        if self.kept.get(first)?.start_offset != from {
            return None;
        }
        let mut run = Run {
            end_offset: from,
            ..Run::default()
        };
        for kept in self.kept.range(first..) {
            if !run.pieces.is_empty() && run.len + kept.len() > bytes_max {
                break;
            }
            run.len += kept.len();
            run.end_offset = kept.end_offset;
            run.pieces.extend(kept.pieces.iter().cloned());
        }
        Some(run)
    }

    /// Nobody needs what ends at or below `offset` any more.
    pub(super) fn release(&mut self, offset: Offset) {
        while self
            .kept
            .front()
            .is_some_and(|kept| kept.end_offset <= offset)
        {
            self.drop_first();
        }
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.budget.give_back(self.kept_bytes);
        self.kept_bytes = 0;
    }

    fn drop_first(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.kept_bytes -= kept.len();
            self.budget.give_back(kept.len());
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(start_offset: Offset, len: usize) -> Kept {
        Kept {
            start_offset,
            end_offset: start_offset + 1,
            pieces: [Bytes::from(vec![1; 16]), Bytes::from(vec![2; len - 16])],
        }
    }

    #[test]
    fn a_run_ends_where_the_frame_does_but_is_never_empty() {
        let budget = TailBudget::new(1 << 20);
        let mut tail = Tail::new(Arc::clone(&budget));
        for offset in 10..14 {
            tail.keep(kept(offset, 100));
        }
        let run = tail.run(11, 200).expect("kept");
        assert_eq!((run.len, run.end_offset, run.pieces.len()), (200, 13, 4));
        assert_eq!(tail.run(13, 10).expect("kept").end_offset, 14);
        assert!(tail.run(9, 200).is_none() && tail.run(14, 200).is_none());
        tail.release(12);
        assert!(tail.run(11, 200).is_none());
        assert_eq!(budget.used_bytes(), 200);
        drop(tail);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn what_does_not_fit_the_broker_is_not_kept() {
        let budget = TailBudget::new(250);
        let mut tails = [
            Tail::new(Arc::clone(&budget)),
            Tail::new(Arc::clone(&budget)),
        ];
        tails[0].keep(kept(0, 100));
        tails[1].keep(kept(0, 100));
        tails[1].keep(kept(1, 100));
        assert!(tails[0].run(0, 100).is_some());
        assert!(tails[1].run(0, 100).is_none(), "a gap would follow");
        assert_eq!(budget.used_bytes(), 100);
    }

    #[test]
    fn the_horizon_follows_the_end_at_a_distance() {
        let mut tail = Tail::new(TailBudget::new(0));
        tail.begin(5);
        assert_eq!(tail.horizon(), 5);
        for offset in 6..100 {
            tail.on_append(MARK_BYTES, offset);
        }
        assert_eq!(tail.horizon(), 100 - 16);
    }
}
