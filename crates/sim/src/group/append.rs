//! What a shard decided becomes one batch, and the shard hears that it did.

use bytes::Bytes;
use coordinator::{ConsumerPart, Record, Shard, Surroundings};
use metadata::MetadataImage;
use types::{LeaderEpoch, NodeId, Offset};

use super::hosted::{Hosted, surroundings};
use crate::broker::Role;
use crate::log;
use crate::message::Key;
use crate::say;
use crate::world::World;

impl World {
    /// Lets a shard that serves decide, and appends what it decided.
    pub(super) fn step_shard(
        &mut self,
        id: NodeId,
        key: Key,
        hosted: &mut Hosted,
        image: &MetadataImage,
        decide: impl FnOnce(&mut Shard, &Surroundings<'_>) -> Vec<Record>,
    ) {
        let settings = self.group_settings();
        let at = surroundings(self.now, image, &settings);
        let Some(shard) = hosted.shard.as_mut().filter(|shard| shard.is_active()) else {
            return;
        };
        let records = decide(shard, &at);
        if records.is_empty() {
            return;
        }
        match self.append_batch(id, key, hosted.leader_epoch, &records) {
            Some(end_offset) => shard.on_appended(&records, end_offset),
            // It knows more than its log: it is dropped, and the log read anew.
            None => hosted.shard = None,
        }
    }

    /// Appends one batch as the leader of that epoch. Returns where it ends.
    fn append_batch(
        &mut self,
        id: NodeId,
        key: Key,
        leader_epoch: LeaderEpoch,
        records: &[Record],
    ) -> Option<Offset> {
        let value = self.clients.fresh_value();
        let bytes: Vec<(Bytes, Option<Bytes>)> = records
            .iter()
            .map(|record| record.encode().expect("names here are short"))
            .collect();
        self.groups.batches.insert(value, bytes.into());
        self.wake_leader(id, key);
        let (replica, log) = self.replica(id, key)?;
        let Role::Leader(leader) = &mut replica.role else {
            return None;
        };
        if leader.leader_epoch() != leader_epoch {
            return None;
        }
        let offset = log.append(log::Record {
            epoch: leader_epoch,
            value,
            producer: 0,
            sequence: 0,
            is_torn: false,
        });
        log.write();
        let end = log.end();
        let moved = leader.on_append(end);
        say!(self, id, "{} {offset}: {}", self.name(key), show(records));
        for record in records {
            self.note_appended(key, offset, value, record);
        }
        self.ask_sync(id, key);
        self.on_moved(id, key, moved);
        self.wake_streams(id, key);
        Some(end)
    }

    /// Shows a batch of the log to a shard that loads.
    pub(super) fn replay_batch(&self, shard: &mut Shard, value: u64) {
        for (key, value) in self
            .groups
            .batches
            .get(&value)
            .into_iter()
            .flat_map(|it| it.iter())
        {
            let record = Record::decode(key, value.as_ref());
            let record = record.expect("the real code wrote it");
            if let Some(record) = record {
                shard.replay(&record);
            }
        }
    }

    /// What happens in truth when a record is appended.
    fn note_appended(&mut self, key: Key, offset: Offset, batch: u64, record: &Record) {
        match record {
            Record::OffsetCommit {
                partition,
                value: Some(value),
                ..
            } => self
                .truth
                .register
                .on_appended(key, *partition, value.offset, offset, batch),
            Record::ConsumerGroup {
                part: ConsumerPart::Member(member, None),
                ..
            } => self.truth.owners.on_buried(member),
            Record::OffsetCommit { .. }
            | Record::ClassicGroup { .. }
            | Record::ConsumerGroup { .. } => {}
        }
    }
}

fn show(records: &[Record]) -> String {
    let lines = records.iter().map(|record| match record {
        Record::OffsetCommit {
            group,
            partition,
            value,
            ..
        } => {
            let offset = value.as_ref().map(|value| value.offset);
            format!("{group} {partition} = {offset:?}")
        }
        Record::ClassicGroup { group, value } => {
            let members = value.as_ref().map(|value| {
                let members = value.members.iter();
                let ids = members.map(|it| format!("{}:{:?}", it.member_id, it.assignment));
                (value.generation, ids.collect::<Vec<_>>())
            });
            format!("{group} {members:?}")
        }
        Record::ConsumerGroup { group, part } => format!("{group} {part:?}"),
    });
    lines.collect::<Vec<_>>().join("; ")
}
