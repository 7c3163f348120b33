//! G1 and G2: a committed offset is a register. What was acknowledged stays; what is shown was committed,
//! and nothing older than what was acknowledged before it was asked for.
//!
//! Every committed offset has a number of its own, and stands in the log once. So the place in the log
//! tells which of two is newer.

use std::collections::BTreeMap;

use coordinator::{Answer, Request};
use types::{NodeId, Offset, PartitionIndex};

use crate::message::Key;
use crate::world::World;

/// Its name in reports.
pub const NAME: &str = "committed offsets stay and never go back";

/// What happened to the offsets of one partition of a group.
type Place = (Key, PartitionIndex);

/// What was committed in truth.
#[derive(Debug, Default)]
pub struct Register {
    /// Where each committed offset stands in the log, and the number of its batch.
    appended: BTreeMap<(Place, Offset), (Offset, u64)>,
    /// Where the newest one that was acknowledged stands.
    acked: BTreeMap<Place, Offset>,
    count: u64,
}

impl Register {
    /// A committed offset was appended at `at`.
    pub fn on_appended(
        &mut self,
        key: Key,
        partition: PartitionIndex,
        offset: Offset,
        at: Offset,
        batch: u64,
    ) {
        self.appended
            .insert(((key, partition), offset), (at, batch));
    }

    /// Where the newest acknowledged commit stands in the log; -1 for none.
    #[must_use]
    pub fn floor(&self, key: Key, partition: PartitionIndex) -> Offset {
        self.acked.get(&(key, partition)).copied().unwrap_or(-1)
    }

    /// How many commits were acknowledged.
    #[must_use]
    pub const fn acked_count(&self) -> u64 {
        self.count
    }
}

impl World {
    /// A coordinator answers: what it shows must be in its log, below what any leader called committed.
    pub fn check_group_answer(&mut self, id: NodeId, key: Key, request: &Request, answer: &Answer) {
        let (Request::OffsetFetch { .. }, Answer::OffsetFetch(answer)) = (request, answer) else {
            return;
        };
        if self.truth.is_excused(key) {
            return;
        }
        let partitions: Vec<(PartitionIndex, Offset)> = answer
            .topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .map(|it| (it.partition_index, it.committed_offset))
            .collect();
        for (partition, offset) in partitions.into_iter().filter(|(_, offset)| *offset >= 0) {
            let place = self
                .truth
                .register
                .appended
                .get(&((key, partition), offset))
                .copied();
            let exposed = self.truth.exposed(key);
            let found = self.replica(id, key).and_then(|(_, log)| {
                let (at, _) = place?;
                log.get(at).map(|record| record.value)
            });
            let is_committed =
                place.is_some_and(|(at, batch)| at < exposed && found == Some(batch));
            if !is_committed {
                let text = format!(
                    "{id} shows {offset} for {partition}, which stands at {place:?} (offset, batch); \
                     its log has {found:?} there, and {exposed} is the high watermark"
                );
                self.violated(NAME, text);
            }
        }
    }

    /// A member learns what is committed. `floor`: see [`Register::floor`], when it asked.
    pub fn check_fetched(
        &mut self,
        group: u8,
        partition: PartitionIndex,
        offset: Offset,
        floor: Offset,
    ) {
        let Some(key) = self
            .key_of(group)
            .filter(|key| !self.truth.is_excused(*key))
        else {
            return;
        };
        let place = self
            .truth
            .register
            .appended
            .get(&((key, partition), offset));
        let at = place.map_or(-1, |(at, _)| *at);
        if at < floor {
            let text = format!(
                "{offset} of {partition} in group {group}, which stands at {at}, was shown after the one \
                 at {floor} had been acknowledged"
            );
            self.violated(NAME, text);
        }
    }

    /// A commit was acknowledged: from now on it is a record like any other.
    pub fn note_committed(&mut self, key: Key, partition: PartitionIndex, offset: Offset) {
        let register = &mut self.truth.register;
        register.count += 1;
        let Some((at, batch)) = register.appended.get(&((key, partition), offset)).copied() else {
            let text = format!("{offset} of {partition} was acknowledged and never appended");
            return self.violated(NAME, text);
        };
        let newest = register.acked.entry((key, partition)).or_insert(-1);
        *newest = at.max(*newest);
        self.truth.on_acked(key, at, batch, -1);
    }
}
