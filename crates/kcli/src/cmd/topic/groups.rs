//! Who reads a topic: `kcli topic describe --section groups`.

use client::Admin;
use client::admin::GroupFilter;
use serde_json::{Value, json};

use crate::cmd::group::standing::{Progress, Standing, standings};
use crate::failure::Result;
use crate::output::{Cell, Column, Table};

/// A group that has committed offsets of a topic, or reads it.
#[derive(Debug)]
pub(super) struct Reader {
    group: String,
    state: String,
    member_count: usize,
    partition_count: usize,
    /// `None` if nothing is committed.
    lag: Option<i64>,
}

/// All groups of the cluster and how far each has read.
pub(super) async fn all(admin: &Admin) -> Result<Vec<Standing>> {
    let listing = admin.list_groups(&GroupFilter::default()).await?;
    if let Some((_, error)) = listing.failed.into_iter().next() {
        return Err(error.into());
    }
    let names: Vec<_> = listing
        .groups
        .into_iter()
        .map(|group| group.group_id)
        .collect();
    let standings = standings(admin, &names).await?.into_iter();
    // One that was deleted meanwhile, or is no consumer's, reads nothing.
    Ok(standings
        .filter_map(|(_, standing)| standing.ok())
        .collect())
}

/// Those of them that read a topic.
pub(super) fn readers(topic: &str, all: &[Standing]) -> Vec<Reader> {
    let reader = |standing: &Standing| {
        let parts = standing.partitions.iter();
        let parts: Vec<_> = parts
            .filter(|part| *part.partition.topic == *topic)
            .collect();
        let known = parts.iter().filter_map(|part| Progress::lag(part));
        let members = standing.group.members.iter();
        let reads = |member: &&client::admin::GroupMember| {
            member
                .assignment
                .iter()
                .any(|partition| *partition.topic == *topic)
        };
        (!parts.is_empty()).then(|| Reader {
            group: standing.group.group_id.clone(),
            state: standing.group.state.clone(),
            member_count: members.filter(reads).count(),
            partition_count: parts.len(),
            lag: known.reduce(|sum, lag| sum + lag),
        })
    };
    all.iter().filter_map(reader).collect()
}

/// For people.
pub(super) fn table(topic: &str, readers: &[Reader]) -> Table {
    let mut table = Table::new(vec![
        Column::new("READ BY"),
        Column::new("STATE"),
        Column::number("MEMBERS"),
        Column::number("PARTITIONS"),
        Column::number("LAG"),
    ]);
    for reader in readers {
        table.push(
            topic,
            vec![
                Cell::from(reader.group.as_str()),
                Cell::from(reader.state.as_str()),
                Cell::from(reader.member_count.to_string()),
                Cell::from(reader.partition_count.to_string()),
                Cell::optional(reader.lag),
            ],
        );
    }
    table
}

/// For programs.
pub(super) fn json(readers: &[Reader]) -> Value {
    let one = |reader: &Reader| {
        json!({
            "group": reader.group,
            "state": reader.state,
            "members": reader.member_count,
            "partitions": reader.partition_count,
            "lag": reader.lag,
        })
    };
    readers.iter().map(one).collect()
}
