//! From words to offsets: where each partition's reading begins and ends.

use std::collections::BTreeMap;

use client::{Admin, IsolationLevel, OffsetSpec};
use types::{Offset, TopicPartition};

use super::args::Consume;
use crate::failure::{Failure, Result};
use crate::offset_spec::{Point, Range};
use crate::topics;

/// One partition's part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Where to begin reading.
    pub(super) from: Offset,
    /// The first offset wanted: later than that, if it has not been written yet.
    pub(super) first: Offset,
    /// The first offset no longer wanted.
    pub(super) to: Option<Offset>,
    /// The oldest record there is.
    pub(super) log_start: Offset,
}

/// The partitions of all topics asked for.
pub(super) async fn partitions(consume: &Consume, admin: &Admin) -> Result<Vec<TopicPartition>> {
    let mut names = consume.topics.clone();
    if let Some(regex) = &consume.regex {
        let cluster = admin.client().all_topics().await?;
        let matching = cluster
            .topics
            .values()
            .filter(|t| !t.is_internal && regex.is_match(&t.name));
        names.extend(matching.map(|topic| topic.name.to_string()));
        names.sort();
        names.dedup();
    }
    let mut partitions = Vec::new();
    for name in &names {
        let topic = topics::find(admin.client(), name).await?;
        let wanted = consume.partitions.clone();
        let wanted = wanted.unwrap_or_else(|| topic.partitions.iter().map(|p| p.index).collect());
        for index in wanted {
            if topic.partition(index).is_none() {
                let count = topic.partitions.len();
                return Err(Failure::failed(format!(
                    "topic {name} has no partition {index}: it has {count}"
                )));
            }
            partitions.push(TopicPartition::new(name.as_str(), index));
        }
    }
    if partitions.is_empty() {
        return Err(Failure::failed("no topic matches"));
    }
    Ok(partitions)
}

/// Where each partition's reading begins and ends.
pub(super) async fn parts(
    admin: &Admin,
    partitions: &[TopicPartition],
    range: Range,
    isolation_level: IsolationLevel,
) -> Result<BTreeMap<TopicPartition, Part>> {
    let look_up = async |spec| offsets(admin, partitions, spec, isolation_level).await;
    let starts = look_up(OffsetSpec::Earliest).await?;
    let ends = look_up(OffsetSpec::Latest).await?;
    let time_of = |point: Option<Point>| match point {
        Some(Point::Time(ms)) => Some(OffsetSpec::Timestamp(ms)),
        _ => None,
    };
    let from_times = match time_of(Some(range.from)) {
        Some(spec) => look_up(spec).await?,
        None => BTreeMap::new(),
    };
    let to_times = match time_of(range.to) {
        Some(spec) => look_up(spec).await?,
        None => BTreeMap::new(),
    };
    let part = |partition: &TopicPartition| {
        let (start, end) = (starts[partition], ends[partition]);
        let from = range
            .from
            .resolve(from_times.get(partition).copied(), start, end);
        let to = range
            .to
            .map(|to| to.resolve(to_times.get(partition).copied(), start, end));
        let first = match range.from {
            Point::At(offset) => offset.max(from),
            _ => from,
        };
        Part {
            from,
            first,
            to,
            log_start: start,
        }
    };
    Ok(partitions
        .iter()
        .map(|partition| (partition.clone(), part(partition)))
        .collect())
}

async fn offsets(
    admin: &Admin,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
    isolation_level: IsolationLevel,
) -> Result<BTreeMap<TopicPartition, Offset>> {
    let asked: Vec<_> = partitions.iter().map(|p| (p.clone(), spec)).collect();
    let mut found = admin.list_offsets(&asked, isolation_level).await?;
    let mut offsets = BTreeMap::new();
    for partition in partitions {
        let result = found.remove(partition);
        let result = result.ok_or_else(|| Failure::failed(format!("no offsets of {partition}")))?;
        offsets.insert(partition.clone(), result?.offset);
    }
    Ok(offsets)
}
