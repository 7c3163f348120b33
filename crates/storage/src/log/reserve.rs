//! Blocks for the appends to come, reserved in steps.
//!
//! ```text
//!   0          1 MiB        size                 reserved
//!   │ nothing    │ ▓▓▓▓▓▓▓▓▓▓ │ ░░░░░░░░░░░░░░░░░░░ │       ≤ as much as is written, ≤ 4 MiB, ≤ segment.bytes
//! ```
//!
//! A file that grows over reserved blocks costs a third less CPU than one whose every page has a block to be
//! found for it. The size of the file stays the truth: nobody who reads it sees a difference, recovery least
//! of all. The rest goes back when the segment is rolled or the log closed, when a minute has gone by without
//! a write, and when a log is recovered. It is a help and no promise: a refusal fails nothing, and is not asked
//! about again before the next segment.
//!
//! Only busy logs ask, and only if they are synced in large pieces: batches of 16 KiB that are synced one by one,
//! as a durable topic's are, were no faster with it, rather slower (`docs/adr/0004-log-on-disk.md`).

use std::ops::Range;

use super::Log;
use crate::segment::Segment;

/// Smaller segments reserve nothing: most logs are idle, and their disk space is somebody else's.
const WRITTEN_MIN_BYTES: u64 = 1 << 20;
/// At most so much is reserved beyond the end. Larger steps were not any cheaper.
const STEP_MAX_BYTES: u64 = 4 << 20;
/// What a flush must have to do on average.
const FLUSHED_MIN_BYTES: u64 = 256 << 10;
/// A log that was not written to for so long gives back what it has not used.
const IDLE_MS: i64 = 60_000;

/// How far blocks of the active segment are reserved.
#[derive(Debug, Default)]
pub(super) struct Reservation {
    /// What was reserved ends here. A position, exclusive.
    end: u64,
    /// Nothing is asked before the segment is to grow beyond.
    next: u64,
    /// How much was written when it was looked at last, and the flushes since then.
    looked_at: u64,
    flush_count: u64,
    is_refused: bool,
}

impl Reservation {
    /// Not to be asked for in this segment any more.
    pub(super) fn refused() -> Self {
        Self {
            is_refused: true,
            ..Self::default()
        }
    }

    pub(super) fn on_flush(&mut self) {
        self.flush_count += 1;
    }

    /// Whether flushes have been large since the last look, which is now.
    fn look(&mut self, written_bytes: u64) -> bool {
        let bytes = written_bytes - std::mem::replace(&mut self.looked_at, written_bytes);
        bytes >= FLUSHED_MIN_BYTES * std::mem::take(&mut self.flush_count)
    }

    /// What to reserve before `size_bytes` are written to a segment that holds `written_bytes`.
    fn due(
        &self,
        written_bytes: u64,
        size_bytes: u64,
        segment_bytes_max: u64,
    ) -> Option<Range<u64>> {
        let next_end = written_bytes + size_bytes;
        if self.is_refused || next_end <= self.next || written_bytes < WRITTEN_MIN_BYTES {
            return None;
        }
        let start = written_bytes.max(self.end);
        let step = written_bytes.min(STEP_MAX_BYTES);
        let end = (next_end + step).min(segment_bytes_max);
        (end > next_end).then_some(start..end)
    }
}

impl Log {
    /// Reserves blocks if those that are reserved do not do for `size_bytes` more.
    pub(super) fn maybe_reserve(&mut self, size_bytes: u64) {
        let written_bytes = self.active_segment().size_bytes();
        let segment_bytes_max = self.segment_bytes_max();
        let reservation = &self.active.reservation;
        let Some(due) = reservation.due(written_bytes, size_bytes, segment_bytes_max) else {
            return;
        };
        let reservation = &mut self.active.reservation;
        reservation.next = due.end;
        if !reservation.look(written_bytes) {
            return;
        }
        reservation.end = due.end;
        let result = self.active_segment().reserve(&due);
        if let Err(error) = result {
            tracing::debug!(partition = %self.topic_partition, %error, "no blocks reserved");
            // A part may have been.
            self.give_back_reserved();
            self.active.reservation = Reservation::refused();
        }
    }

    /// Gives back what was reserved and is not used.
    pub(super) fn give_back_reserved(&mut self) {
        if self.active.reservation.end <= self.active_segment().size_bytes() {
            return;
        }
        self.active.reservation.end = 0;
        self.active.reservation.next = 0;
        if let Err(error) = self.active_segment().give_back() {
            tracing::debug!(partition = %self.topic_partition, %error, "blocks not given back");
        }
    }

    /// The same if nothing was written for a while.
    pub(super) fn give_back_if_idle(&mut self) {
        let idle_ms = self
            .now_ms()
            .saturating_sub(self.active_segment().modified_ms());
        // The files of a log that is offline may be another's by now.
        if idle_ms >= IDLE_MS && !self.is_offline() {
            self.give_back_reserved();
        }
    }
}

/// Gives back what a process that was killed had reserved in its active segment. How much it was, nobody
/// knows any more.
pub(super) fn give_back_after_crash(segment: &Segment) {
    if segment.size_bytes() >= WRITTEN_MIN_BYTES
        && let Err(error) = segment.give_back()
    {
        tracing::debug!(dir = %segment.dir().display(), %error, "blocks not given back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_step_is_as_much_as_is_written_and_four_mebibytes_at_most() {
        let none = Reservation::default();
        assert_eq!(none.due(MIB - 1, 100 * MIB, 1 << 30), None);
        assert_eq!(none.due(MIB, 100, 1 << 30), Some(MIB..2 * MIB + 100));
        assert_eq!(none.due(3 * MIB, 0, 1 << 30), Some(3 * MIB..6 * MIB));
        let some = Reservation {
            end: 50 * MIB,
            next: 50 * MIB,
            ..Reservation::default()
        };
        assert_eq!(some.due(49 * MIB, MIB, 1 << 30), None);
        assert_eq!(
            some.due(49 * MIB, MIB + 1, 1 << 30),
            Some(50 * MIB..54 * MIB + 1)
        );
        assert_eq!(some.due(60 * MIB, 0, 1 << 30), Some(60 * MIB..64 * MIB));
        assert_eq!(Reservation::refused().due(9 * MIB, MIB, 1 << 30), None);
    }

    #[test]
    fn flushes_are_to_be_large_since_the_last_look() {
        let mut reservation = Reservation::default();
        assert!(reservation.look(MIB));
        (0..4).for_each(|_| reservation.on_flush());
        assert!(reservation.look(2 * MIB));
        (0..5).for_each(|_| reservation.on_flush());
        assert!(!reservation.look(3 * MIB));
        assert!(reservation.look(3 * MIB));
    }

    #[test]
    fn nothing_is_reserved_beyond_the_segments_end() {
        let none = Reservation::default();
        assert_eq!(none.due(9 * MIB, MIB, 11 * MIB), Some(9 * MIB..11 * MIB));
        assert_eq!(none.due(9 * MIB, 2 * MIB, 11 * MIB), None);
        // A single batch may be larger than the setting, which was made smaller meanwhile.
        assert_eq!(none.due(9 * MIB, 3 * MIB, 11 * MIB), None);
    }
}
