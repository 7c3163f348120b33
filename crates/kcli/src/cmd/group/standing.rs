//! How far a group has read: what it has committed, beside where the logs end and who reads.

use std::collections::{BTreeMap, BTreeSet};

use client::admin::{CommittedOffset, GroupDescription};
use client::{Admin, Error, IsolationLevel, OffsetSpec};
use types::{Offset, TopicPartition};

use crate::failure::Result;

/// Offsets that groups have committed, by partition.
pub(super) type Committed = BTreeMap<TopicPartition, CommittedOffset>;

/// A group and how far it has read.
#[derive(Debug, Clone)]
pub(in crate::cmd) struct Standing {
    pub(in crate::cmd) group: GroupDescription,
    /// By topic and partition: those with a committed offset, and those that a member reads.
    pub(in crate::cmd) partitions: Vec<Progress>,
}

/// How far it has read one partition.
#[derive(Debug, Clone)]
pub(in crate::cmd) struct Progress {
    pub(in crate::cmd) partition: TopicPartition,
    /// `None` if nothing is committed.
    pub(super) committed: Option<CommittedOffset>,
    /// End of the log (exclusive), as a consumer sees it. `None` if nobody leads the partition, or the
    /// topic is gone.
    pub(super) log_end: Option<Offset>,
    /// Which member reads it, by its place in the description.
    reader: Option<usize>,
}

impl Standing {
    /// The member that reads a partition.
    pub(super) fn reader(&self, progress: &Progress) -> Option<&client::admin::GroupMember> {
        self.group.members.get(progress.reader?)
    }

    /// Events not yet read, over all partitions of which that is known. `None` if it is known of none.
    pub(in crate::cmd) fn total_lag(&self) -> Option<i64> {
        let mut known = self.partitions.iter().filter_map(Progress::lag).peekable();
        known.peek()?;
        Some(known.sum())
    }
}

impl Progress {
    /// Events not yet read. `None` if nothing is committed or the end is not known.
    pub(in crate::cmd) fn lag(&self) -> Option<i64> {
        let committed = self.committed.as_ref()?.offset;
        Some((self.log_end? - committed).max(0))
    }
}

/// How far groups have read, each with its own result.
pub(in crate::cmd) async fn standings(
    admin: &Admin,
    names: &[String],
) -> Result<Vec<(String, Result<Standing, Error>)>> {
    let groups: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut described = admin.describe_groups(&groups).await?;
    let mut committed = committed(admin, &groups).await?;
    let mut wanted = BTreeSet::new();
    for offsets in committed.values().flatten() {
        wanted.extend(offsets.keys().cloned());
    }
    for group in described.values().flatten() {
        wanted.extend(
            group
                .members
                .iter()
                .flat_map(|m| m.assignment.iter().cloned()),
        );
    }
    let ends = offsets_at(admin, &wanted, OffsetSpec::Latest).await?;
    let results = names.iter().map(|name| {
        let group = described
            .remove(name)
            .unwrap_or_else(|| Err(not_there(name)));
        let offsets = committed
            .remove(name)
            .unwrap_or_else(|| Err(not_there(name)));
        let standing = group.and_then(|group| Ok(standing(group, offsets?, &ends)));
        (name.clone(), standing)
    });
    Ok(results.collect())
}

fn not_there(group: &str) -> Error {
    Error::refused(
        types::ErrorCode::GroupIdNotFound.to_wire(),
        None,
        format!("group {group}"),
    )
}

fn standing(
    group: GroupDescription,
    mut committed: Committed,
    ends: &BTreeMap<TopicPartition, Offset>,
) -> Standing {
    let mut readers = BTreeMap::new();
    for (place, member) in group.members.iter().enumerate() {
        readers.extend(
            member
                .assignment
                .iter()
                .map(|partition| (partition.clone(), place)),
        );
    }
    let all: BTreeSet<_> = committed.keys().chain(readers.keys()).cloned().collect();
    let partitions = all.into_iter().map(|partition| Progress {
        committed: committed.remove(&partition),
        log_end: ends.get(&partition).copied(),
        reader: readers.get(&partition).copied(),
        partition,
    });
    Standing {
        partitions: partitions.collect(),
        group,
    }
}

/// What groups have committed, each with its own result. Transactions that have not ended yet count as
/// not committed.
pub(super) async fn committed(
    admin: &Admin,
    groups: &[&str],
) -> Result<BTreeMap<String, Result<Committed, Error>>> {
    let asked: Vec<_> = groups.iter().map(|group| (*group, None)).collect();
    let answered = admin.committed_offsets(&asked).await?;
    let groups = answered.into_iter().map(|(group, result)| {
        let offsets = result.and_then(|by_partition| {
            let each = by_partition.into_iter();
            each.map(|(partition, result)| Ok((partition, result?)))
                .collect()
        });
        (group, offsets)
    });
    Ok(groups.collect())
}

/// Offsets of a place in the logs, of those partitions that are there and have a leader; -1 where there
/// is no such record.
pub(super) async fn offsets_at(
    admin: &Admin,
    partitions: &BTreeSet<TopicPartition>,
    place: OffsetSpec,
) -> Result<BTreeMap<TopicPartition, Offset>> {
    let cluster = admin.client().all_topics().await?;
    let is_led = |key: &&TopicPartition| {
        let topic = cluster.topics.get(&key.topic);
        topic
            .and_then(|topic| topic.partition(key.partition))
            .is_some_and(|partition| partition.has_leader())
    };
    let asked: Vec<_> = partitions
        .iter()
        .filter(is_led)
        .map(|key| (key.clone(), place))
        .collect();
    let found = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await?;
    let known = found
        .into_iter()
        .filter_map(|(key, result)| Some((key, result.ok()?.offset)));
    Ok(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(committed: Option<i64>, log_end: Option<i64>) -> Progress {
        Progress {
            partition: TopicPartition::new("t", 0),
            committed: committed.map(|offset| CommittedOffset {
                offset,
                leader_epoch: -1,
                metadata: String::new(),
            }),
            log_end,
            reader: None,
        }
    }

    #[test]
    fn lag_is_known_where_both_ends_are() {
        assert_eq!(progress(Some(3), Some(10)).lag(), Some(7));
        assert_eq!(progress(None, Some(10)).lag(), None);
        assert_eq!(progress(Some(3), None).lag(), None);
        // Records were lost by an unclean election: nothing is left to read.
        assert_eq!(progress(Some(12), Some(10)).lag(), Some(0));
    }
}
