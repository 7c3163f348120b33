//! Where the reading of one partition stands.
//!
//! ```text
//! next_offset ≤ fetch_offset
//!   handed out    fetched, waiting      to be fetched
//! ```

use std::time::Duration;

use tokio::time::Instant;
use types::Offset;

/// Fetched answers of one partition that may wait to be handed out.
const WAITING_MAX: usize = 2;

/// How long metadata may be older than what was read before it is believed: a topic that was created
/// again begins with the first epoch.
const OUTDATED_WITHIN: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Position {
    /// Offset of the next record to hand out.
    pub(super) next_offset: Offset,
    /// Offset of the next record to fetch.
    pub(super) fetch_offset: Offset,
    /// Epoch of the leader that appended the last record handed out, -1 if unknown.
    pub(super) leader_epoch: i32,
    /// The same of the last record fetched.
    pub(super) fetched_epoch: i32,
    /// Epoch of the leader that has confirmed that record, -1 if none had to.
    pub(super) validated_epoch: i32,
    pub(super) high_watermark: Option<Offset>,
    /// A follower that the leader sent us to.
    pub(super) preferred_replica: Option<i32>,
    /// Fetched answers that wait.
    pub(super) waiting_count: usize,
    /// Counts assignments, so that an answer to an earlier one is told apart.
    pub(super) generation: u64,
    /// The offset is in doubt, and a broker is being asked.
    pub(super) is_resetting: bool,
    /// Since when the broker has said that what comes next is damaged.
    pub(super) damaged_since: Option<Instant>,
    /// Since when metadata names a leader of an earlier epoch than that of the last record.
    outdated_since: Option<Instant>,
    asked_generation: Option<u64>,
}

impl Position {
    pub(super) fn new(offset: Offset, generation: u64) -> Self {
        Self {
            next_offset: offset,
            fetch_offset: offset,
            leader_epoch: -1,
            fetched_epoch: -1,
            validated_epoch: -1,
            high_watermark: None,
            preferred_replica: None,
            waiting_count: 0,
            generation,
            is_resetting: false,
            damaged_since: None,
            outdated_since: None,
            asked_generation: None,
        }
    }

    /// Whether another answer may be fetched.
    pub(super) fn has_room(&self) -> bool {
        self.waiting_count < WAITING_MAX && !self.is_resetting
    }

    /// Whether a leader of this epoch has been deposed: the last record is from a later one (KIP-320).
    /// It may not know of that itself, and call the position out of range.
    pub(super) fn is_past(&mut self, leader_epoch: i32, now: Instant) -> bool {
        if leader_epoch < 0 || leader_epoch >= self.fetched_epoch {
            self.outdated_since = None;
            return false;
        }
        let since = *self.outdated_since.get_or_insert(now);
        now.duration_since(since) < OUTDATED_WITHIN
    }

    /// Whether an answer is awaited.
    pub(super) fn is_asked(&self) -> bool {
        self.asked_generation.is_some()
    }

    /// A fetch goes out; returns from where.
    pub(super) fn on_asked(&mut self) -> Offset {
        self.asked_generation = Some(self.generation);
        self.fetch_offset
    }

    /// Its answer is there; whether it is about this assignment.
    pub(super) fn on_answered(&mut self) -> bool {
        self.asked_generation.take() == Some(self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_that_stays_older_than_the_last_record_is_of_a_topic_created_again() {
        let mut position = Position::new(7, 0);
        let start = Instant::now();
        assert!(!position.is_past(0, start), "nothing was read");
        position.fetched_epoch = 3;
        assert!(position.is_past(2, start));
        assert!(!position.is_past(3, start) && !position.is_past(4, start));
        assert!(!position.is_past(-1, start), "the broker does not tell");
        assert!(position.is_past(2, start));
        assert!(!position.is_past(2, start + OUTDATED_WITHIN));
    }
}
