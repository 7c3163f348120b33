//! G3: a partition has one owner in a generation, and whoever lost it commits nothing more.
//!
//! An owner is a client, whatever member ids it had. A client that hangs believes to own what was given to
//! another one meanwhile; so owners are compared by generation or epoch, and in consumer groups, where
//! nothing is given before it was given up, also by time, unless the group gave the silent one up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use types::{Offset, PartitionIndex};

use crate::world::World;

/// Its name in reports.
pub const NAME: &str = "one owner per partition and generation";

/// A partition of a group.
type Place = (u8, PartitionIndex);

/// Who owned what in truth.
#[derive(Debug, Default)]
pub struct Owners {
    /// To whom partitions of classic groups were given, by generation.
    generations: BTreeMap<(Place, i32), u32>,
    /// When clients learnt that they own a partition, and in which generation or epoch.
    given: BTreeMap<Place, Vec<(Duration, u32, i32)>>,
    /// Who believes to own what now.
    owned: BTreeMap<u32, BTreeSet<PartitionIndex>>,
    /// Member ids that are no members any more.
    buried: BTreeSet<String>,
}

impl Owners {
    /// A client owns nothing any more, and knows it.
    pub fn on_dropped(&mut self, client: u32) {
        self.owned.remove(&client);
    }

    /// A member of a consumer group was removed by a record.
    pub fn on_buried(&mut self, member: &str) {
        self.buried.insert(member.to_owned());
    }
}

impl World {
    /// A client learns what it owns.
    pub fn check_given(
        &mut self,
        client: u32,
        group: u8,
        epoch: i32,
        partitions: &BTreeSet<PartitionIndex>,
    ) {
        let is_modern = self.member(client).plan.is_modern;
        let now = self.now;
        let before = self.truth.owners.owned.insert(client, partitions.clone());
        let before = before.unwrap_or_default();
        let is_excused = self
            .key_of(group)
            .is_none_or(|key| self.truth.is_excused(key));
        for partition in partitions.iter().copied().filter(|_| !is_excused) {
            let place = (group, partition);
            if is_modern {
                if !before.contains(&partition) {
                    self.check_alone(client, place);
                }
            } else {
                let owners = &mut self.truth.owners.generations;
                let owner = *owners.entry((place, epoch)).or_insert(client);
                if owner != client {
                    let text = format!(
                        "{partition} of group {group} belongs to {owner} and {client} in generation {epoch}"
                    );
                    self.violated(NAME, text);
                }
            }
            let given = self.truth.owners.given.entry(place).or_default();
            given.push((now, client, epoch));
        }
    }

    /// Nobody else in the consumer group has it, but for whom the group gave up.
    fn check_alone(&mut self, client: u32, (group, partition): Place) {
        let owners = &self.truth.owners;
        let other = owners.owned.iter().find(|(other, owned)| {
            let member = self.groups.members.get(other);
            **other != client
                && owned.contains(&partition)
                && member.is_some_and(|member| {
                    member.plan.group == group && !owners.buried.contains(&member.id)
                })
        });
        if let Some((other, _)) = other {
            let text = format!(
                "{partition} of group {group} was given to {client} before {other} gave it up"
            );
            self.violated(NAME, text);
        }
    }

    /// A commit that a client sent at `sent_at` was acknowledged.
    pub fn check_committed(
        &mut self,
        client: u32,
        group: u8,
        partition: PartitionIndex,
        offset: Offset,
        epoch: i32,
        sent_at: Duration,
    ) {
        let Some(key) = self
            .key_of(group)
            .filter(|key| !self.truth.is_excused(*key))
        else {
            return;
        };
        let given = self.truth.owners.given.get(&(group, partition));
        let later = given
            .into_iter()
            .flatten()
            .find(|(at, owner, later)| *at < sent_at && *owner != client && *later > epoch);
        if let Some((at, owner, later)) = later {
            let text = format!(
                "{offset} of {partition} in group {group} was taken from {client} of epoch {epoch}, sent at \
                 {sent_at:?}, although {owner} owned the partition in epoch {later} at {at:?}"
            );
            self.violated(NAME, text);
        }
        self.note_committed(key, partition, offset);
    }
}
