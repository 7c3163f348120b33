//! The groups of a cluster: each broker knows those it coordinates.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};

use super::super::Admin;
use super::GroupType;
use crate::ask::Whom;
use crate::{Error, Result};

/// How often all brokers are asked when one of them goes meanwhile.
const ROUNDS_MAX: u32 = 3;

/// Which groups to list; nothing means all.
#[derive(Debug, Clone, Default)]
pub struct GroupFilter {
    /// Only groups in one of these states, as Kafka writes them: `Stable`, `Empty`, ….
    pub states: Vec<String>,
    /// Only groups of one of these types.
    pub types: Vec<GroupType>,
}

/// A group in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its name.
    pub group_id: String,
    /// `consumer`, `connect`, …; empty for a group that only keeps offsets.
    pub protocol_type: String,
    /// As Kafka writes it; empty from brokers that do not tell.
    pub state: String,
    /// The protocol it lives by.
    pub group_type: GroupType,
    /// The broker that coordinates it.
    pub coordinator: i32,
}

/// What the brokers listed.
#[derive(Debug, Clone, Default)]
pub struct GroupListing {
    /// By name.
    pub groups: Vec<ListedGroup>,
    /// Brokers that could not be asked: their groups are missing above.
    pub failed: Vec<(i32, Error)>,
}

impl Admin {
    /// Lists the groups of all brokers.
    ///
    /// # Errors
    /// No broker at all could be asked, each tried for `default.api.timeout.ms` at most; one that is
    /// too old for the filter.
    pub async fn list_groups(&self, filter: &GroupFilter) -> Result<GroupListing> {
        let mut rounds_left = ROUNDS_MAX;
        loop {
            rounds_left -= 1;
            let listing = self.list_groups_once(filter).await?;
            // A broker that has gone has left its groups to others, which may have answered before.
            let is_gone = |(_, error): &(i32, Error)| matches!(error, Error::UnknownBroker { .. });
            if rounds_left == 0 || !listing.failed.iter().any(is_gone) {
                return Ok(listing);
            }
        }
    }

    async fn list_groups_once(&self, filter: &GroupFilter) -> Result<GroupListing> {
        self.client.refresh(&[], false).await?;
        let mut by_name = BTreeMap::new();
        let mut listing = GroupListing::default();
        let brokers: Vec<i32> = self.client.cluster().brokers.keys().copied().collect();
        let asked = brokers
            .iter()
            .map(|node_id| self.list_groups_of(*node_id, filter));
        let answers = futures_util::future::join_all(asked).await;
        let has_answer = answers.iter().any(Result::is_ok);
        for (node_id, answer) in brokers.into_iter().zip(answers) {
            match answer {
                Ok(groups) => {
                    by_name.extend(groups.into_iter().map(|g| (g.group_id.clone(), g)));
                }
                Err(error) if !has_answer => return Err(error),
                Err(error) => listing.failed.push((node_id, error)),
            }
        }
        listing.groups = by_name.into_values().collect();
        Ok(listing)
    }

    async fn list_groups_of(&self, node_id: i32, filter: &GroupFilter) -> Result<Vec<ListedGroup>> {
        let names = |names: &mut dyn Iterator<Item = &str>| names.map(Str::from).collect();
        let request = ListGroupsRequest {
            states_filter: names(&mut filter.states.iter().map(String::as_str)),
            types_filter: names(&mut filter.types.iter().map(GroupType::name)),
        };
        let check = |response: &ListGroupsResponse| {
            let what = || format!("list groups of broker {node_id}");
            Error::check(response.error_code, None, what)
        };
        let make = |_version| request.clone();
        let asked = self.client.ask(Whom::Node(node_id), make, check).await;
        let (_version, response) = asked?;
        check(&response)?;
        let groups = response.groups.into_iter().map(|group| ListedGroup {
            group_id: group.group_id.to_string(),
            protocol_type: group.protocol_type.to_string(),
            state: group.group_state.to_string(),
            group_type: GroupType::from_name(&group.group_type),
            coordinator: node_id,
        });
        Ok(groups.collect())
    }
}
