//! Which broker coordinates a group: asked once, kept until it proves wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::Str;
use protocol::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};

use crate::client::Lane;
use crate::connection::BrokerConnection;
use crate::{Client, Error, Result};

/// `key_type` of groups.
const GROUP: i8 = 0;
/// The first version that asks for many groups at once.
const MANY_SINCE: i16 = 4;

impl Client {
    /// The connection to a group's coordinator, apart from the one that records take.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<Arc<BrokerConnection>> {
        let node_id = self.coordinator_id(group).await?;
        self.broker_on(Lane::Group, node_id).await
    }

    /// The node id of a group's coordinator, which is among the known brokers then.
    ///
    /// # Errors
    /// One answer that names none; another try may help.
    pub(crate) async fn coordinator_id(&self, group: &str) -> Result<i32> {
        let mut found = self.find_coordinators(&[group]).await?;
        let found = found.remove(group);
        found.unwrap_or_else(|| Err(nothing_about(group)))
    }

    /// The coordinators of several groups, each with its own result. One try.
    pub(crate) async fn find_coordinators(
        &self,
        groups: &[&str],
    ) -> Result<BTreeMap<String, Result<i32>>> {
        let mut found = BTreeMap::new();
        let mut open = Vec::new();
        for group in groups {
            let known = self.coordinators().lock().get(*group).copied();
            match known {
                Some(node_id) => drop(found.insert((*group).to_owned(), Ok(node_id))),
                None => open.push(*group),
            }
        }
        if open.is_empty() {
            return Ok(found);
        }
        let connection = self.any_broker().await?;
        let version = connection.version(protocol::ApiKey::FindCoordinator)?;
        for request in requests(&open, version) {
            let response = connection.request_version(&request, version).await?;
            found.extend(answers(&request, &response, version));
        }
        let cluster = self.cluster();
        let is_unknown = |node_id: &i32| !cluster.brokers.contains_key(node_id);
        if found.values().flatten().any(is_unknown) {
            self.refresh(&[], false).await?;
        }
        let mut known = self.coordinators().lock();
        for (group, node_id) in &found {
            if let Ok(node_id) = node_id {
                known.insert(group.clone(), *node_id);
            }
        }
        Ok(found)
    }

    /// Says that the group's coordinator is another one, or cannot be reached.
    pub(crate) fn forget_coordinator(&self, group: &str) {
        self.coordinators().lock().remove(group);
    }
}

fn requests(groups: &[&str], version: i16) -> Vec<FindCoordinatorRequest> {
    let many = |groups: &[&str]| FindCoordinatorRequest {
        key_type: GROUP,
        coordinator_keys: groups.iter().map(|group| Str::from(*group)).collect(),
        ..FindCoordinatorRequest::default()
    };
    let one = |group: &&str| FindCoordinatorRequest {
        key: Str::from(*group),
        ..FindCoordinatorRequest::default()
    };
    match version >= MANY_SINCE {
        true => vec![many(groups)],
        false => groups.iter().map(one).collect(),
    }
}

fn answers(
    request: &FindCoordinatorRequest,
    response: &FindCoordinatorResponse,
    version: i16,
) -> Vec<(String, Result<i32>)> {
    let answer = |key: &str, code, message: Option<&Str>, node_id| {
        let what = || format!("find the coordinator of group {key}");
        let refused = Error::check(code, message.map(|text| &**text), what);
        (key.to_owned(), refused.map(|()| node_id))
    };
    if version < MANY_SINCE {
        let (code, message) = (response.error_code, response.error_message.as_ref());
        return vec![answer(&request.key, code, message, response.node_id)];
    }
    let all = response.coordinators.iter();
    all.map(|c| answer(&c.key, c.error_code, c.error_message.as_ref(), c.node_id))
        .collect()
}

pub(crate) fn nothing_about(group: &str) -> Error {
    Error::Malformed {
        what: format!("answer about group {group}"),
        reason: "it does not name the group".to_owned(),
    }
}
