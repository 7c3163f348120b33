//! `kcli group list`.

use clap::Args;
use client::admin::{GroupFilter, GroupType, ListedGroup};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Report, Table, Tone, note};

/// States as Kafka writes them.
const STATES: &[&str] = &[
    "Stable",
    "Empty",
    "PreparingRebalance",
    "CompletingRebalance",
    "Assigning",
    "Reconciling",
    "NotReady",
    "Dead",
];

/// List groups.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only groups in these states: stable, empty, reconciling …
    #[arg(long, value_name = "STATE", value_delimiter = ',', num_args = 0..=1, value_parser = state)]
    state: Vec<String>,
    /// Only groups of these types: classic, consumer, share, streams
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', num_args = 0..=1, value_parser = group_type)]
    group_type: Vec<GroupType>,
}

/// Lists them.
pub(crate) async fn run(list: List, context: &Context) -> Result {
    let admin = context.admin().await?;
    let filter = GroupFilter {
        states: list.state,
        types: list.group_type,
    };
    let listing = admin.list_groups(&filter).await?;
    let mut table = Table::new(vec![
        Column::new("GROUP"),
        Column::new("TYPE"),
        Column::new("STATE"),
        Column::new("PROTOCOL"),
        Column::number("COORDINATOR"),
    ]);
    for group in &listing.groups {
        table.push(
            group.group_id.as_str(),
            vec![
                Cell::from(group.group_id.as_str()),
                Cell::from(group.group_type.name()),
                state_cell(&group.state),
                named(&group.protocol_type),
                Cell::from(group.coordinator.to_string()),
            ],
        );
    }
    let json: Vec<Value> = listing.groups.iter().map(to_json).collect();
    context.output.print(&Report::new(&json, table))?;
    for (node_id, error) in &listing.failed {
        note(&format!(
            "error: groups of broker {node_id} are missing: {error}"
        ));
    }
    match listing.failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Failed)),
    }
}

/// A state; those on the way to another one are worth a look.
pub(super) fn state_cell(state: &str) -> Cell {
    match state {
        "" => Cell::from("-"),
        "Stable" => Cell::toned(state, Tone::Good),
        "Empty" => Cell::from(state),
        _ => Cell::toned(state, Tone::Warn),
    }
}

/// A name that may be empty.
pub(super) fn named(name: &str) -> Cell {
    Cell::optional((!name.is_empty()).then_some(name))
}

fn to_json(group: &ListedGroup) -> Value {
    json!({
        "group": group.group_id,
        "type": group.group_type.name(),
        "state": group.state,
        "protocolType": group.protocol_type,
        "coordinator": group.coordinator,
    })
}

/// Kafka's spelling of a state, however it was written.
fn state(text: &str) -> Result<String, String> {
    let plain = text.replace(['-', '_', ' '], "");
    let known = STATES.iter().find(|name| name.eq_ignore_ascii_case(&plain));
    known.map(|name| (*name).to_owned()).ok_or_else(|| {
        let all: Vec<_> = STATES.iter().map(|name| name.to_lowercase()).collect();
        format!("know {}", all.join(", "))
    })
}

fn group_type(text: &str) -> Result<GroupType, String> {
    match text.to_lowercase().as_str() {
        "classic" => Ok(GroupType::Classic),
        "consumer" => Ok(GroupType::Consumer),
        "share" => Ok(GroupType::Share),
        "streams" => Ok(GroupType::Streams),
        _ => Err("know classic, consumer, share and streams".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_may_be_written_in_any_way() {
        for text in [
            "PreparingRebalance",
            "preparing-rebalance",
            "preparingrebalance",
        ] {
            assert_eq!(state(text).as_deref(), Ok("PreparingRebalance"));
        }
        assert!(state("sleeping").is_err_and(|text| text.contains("stable, empty")));
    }
}
