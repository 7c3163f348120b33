//! One session: its partitions in the order they are served, and what the client was last told.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::messages::fetch::PartitionData;
use types::{ErrorCode, Offset, PartitionIndex};

use super::interest::{Interest, Topic};

/// What the client knows of a partition. `None` until it was told without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    high_watermark: Offset,
    log_start_offset: Offset,
    last_stable_offset: Offset,
}

#[derive(Debug)]
struct Cached {
    interest: Interest,
    told: Option<Told>,
}

/// One session. Owned by the cache, under its lock.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: i32,
    /// The epoch that the next request must carry.
    pub(super) next_epoch: i32,
    pub(super) by_id: bool,
    /// A follower's session, which a consumer's may not push out.
    pub(super) privileged: bool,
    pub(super) created: Duration,
    pub(super) last_used: Duration,
    /// Served in the order of these numbers; moving to the end is taking the next number.
    order: BTreeMap<u64, Cached>,
    positions: HashMap<(Topic, PartitionIndex), u64>,
    next_position: u64,
}

impl Session {
    pub(super) fn new(id: i32, by_id: bool, privileged: bool, now: Duration) -> Self {
        Self {
            id,
            next_epoch: 1,
            by_id,
            privileged,
            created: now,
            last_used: now,
            order: BTreeMap::new(),
            positions: HashMap::new(),
            next_position: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Adds the partition, or changes what the client wants of it; its place stays.
    pub(super) fn want(&mut self, interest: Interest) {
        let position = *self.positions.entry(interest.key()).or_insert_with(|| {
            self.next_position += 1;
            self.next_position
        });
        self.order
            .entry(position)
            .and_modify(|cached| cached.interest = interest.clone())
            .or_insert(Cached {
                interest,
                told: None,
            });
    }

    pub(super) fn forget(&mut self, key: &(Topic, PartitionIndex)) {
        if let Some(position) = self.positions.remove(key) {
            self.order.remove(&position);
        }
    }

    pub(super) fn interests(&self) -> Vec<Interest> {
        self.order
            .values()
            .map(|cached| cached.interest.clone())
            .collect()
    }

    /// Takes note of an answer. Returns whether the client must be told: it brings records, an error,
    /// a hint, or an offset that the client does not know yet.
    pub(super) fn note(&mut self, interest: &Interest, answer: &PartitionData) -> bool {
        let key = interest.key();
        let Some(position) = self.positions.get_mut(&key) else {
            return true;
        };
        let Some(cached) = self.order.get_mut(position) else {
            return true;
        };
        let has_records = answer
            .records
            .as_ref()
            .is_some_and(|records| !records.is_empty());
        let failed = answer.error_code != ErrorCode::None.to_wire();
        let told = (!failed).then_some(Told {
            high_watermark: answer.high_watermark,
            log_start_offset: answer.log_start_offset,
            last_stable_offset: answer.last_stable_offset,
        });
        let changed = told != cached.told;
        cached.told = told;
        let hint = answer.preferred_read_replica >= 0 || answer.diverging_epoch.epoch >= 0;
        if has_records && let Some(cached) = self.order.remove(position) {
            self.next_position += 1;
            *position = self.next_position;
            self.order.insert(self.next_position, cached);
        }
        has_records || failed || changed || hint
    }
}

/// The epoch after this one: 0 is for new sessions, so it wraps to 1.
pub(super) const fn epoch_after(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}
