//! `kcli quorum voters`, `add-voter` and `remove-voter`.

use std::time::Duration;

use clap::Args;
use client::admin::{QuorumDescription, QuorumReplica, Resource, ResourceKind};
use client::{Address, Admin};
use serde_json::{Value, json};
use tokio::time::Instant;
use types::{ErrorCode, Uuid};

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};
use crate::output::{Cell, Column, Report, Table, Tone};
use crate::when;

pub(super) const ADD_EXAMPLES: &str = "\
Examples:
  kcli quorum add-voter 4                                   a running controller that follows already
  kcli quorum add-voter 4 --endpoint k4.internal:9093       where its controller listener is
  kcli quorum add-voter 4 --endpoint CONTROLLER://k4:9093 --directory-id 4bPt0xYVQQyuCDrvVSaBVQ

Start the controller first: it must follow the quorum as an observer before it may vote.";

pub(super) const REMOVE_EXAMPLES: &str = "\
Examples:
  kcli quorum remove-voter 4                                its disk is looked up
  kcli quorum remove-voter 4 --directory-id 4bPt0xYVQQyuCDrvVSaBVQ -y";

/// Names and addresses.
type Listeners = Vec<(String, Address)>;

/// How long a change may take to show.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Make a running controller a voter.
#[derive(Debug, Args)]
pub(crate) struct AddVoter {
    /// Its node id
    #[arg(value_name = "ID")]
    id: i32,
    /// Where the voters reach it, as HOST:PORT or LISTENER://HOST:PORT; several with commas
    #[arg(long, value_name = "ENDPOINT", value_delimiter = ',')]
    endpoint: Vec<String>,
    /// The id of its metadata directory (from its meta.properties) [default: looked up among the observers]
    #[arg(long, value_name = "UUID")]
    directory_id: Option<Uuid>,
}

/// Take the vote from a node.
#[derive(Debug, Args)]
pub(crate) struct RemoveVoter {
    /// Its node id
    #[arg(value_name = "ID")]
    id: i32,
    /// The id of its metadata directory [default: looked up among the voters]
    #[arg(long, value_name = "UUID")]
    directory_id: Option<Uuid>,
}

/// Lists voters.
pub(super) async fn list(context: &Context) -> Result {
    let quorum = context.admin().await?.describe_quorum().await?;
    let end = end_of(&quorum);
    let mut table = Table::new(vec![
        Column::number("NODE"),
        Column::new("ROLE"),
        Column::new("ADDRESS"),
        Column::number("LAG"),
        Column::new("LAST FETCH"),
        Column::new("DIRECTORY"),
    ]);
    let mut json: Vec<Value> = Vec::new();
    for voter in &quorum.voters {
        let is_leader = voter.node_id == quorum.leader_id;
        let (role, tone) = match is_leader {
            true => ("leader", Tone::Good),
            false => ("voter", Tone::Plain),
        };
        let own = quorum
            .listeners
            .iter()
            .filter(|l| l.node_id == voter.node_id);
        let own: Vec<String> = own.map(|l| format!("{}://{}", l.name, l.address)).collect();
        let fetched = (voter.last_fetch_ms > 0)
            .then(|| format!("{} ago", when::age(voter.last_fetch_ms, context.now_ms())));
        let lag = (end - voter.log_end_offset).max(0);
        let row = vec![
            Cell::from(voter.node_id.to_string()),
            Cell::toned(role, tone),
            Cell::list(&own),
            Cell::from(lag.to_string()),
            Cell::optional(fetched),
            Cell::optional(known(voter.directory_id)),
        ];
        table.push(voter.node_id.to_string(), row);
        json.push(json!({
            "nodeId": voter.node_id,
            "isLeader": is_leader,
            "directoryId": known(voter.directory_id).map(|id| id.to_string()),
            "endpoints": own,
            "lag": lag,
            "lastFetchTimestamp": voter.last_fetch_ms,
            "lastCaughtUpTimestamp": voter.last_caught_up_ms,
        }));
    }
    context.output.print(&Report::new(&json, table))
}

/// A directory id, unless it is the zeros of a quorum that keeps none.
fn known(directory_id: Uuid) -> Option<Uuid> {
    (!directory_id.is_zero()).then_some(directory_id)
}

/// End of the leader's log, or what is committed.
fn end_of(quorum: &QuorumDescription) -> i64 {
    let leader = quorum.voters.iter().find(|v| v.node_id == quorum.leader_id);
    leader.map_or(quorum.high_watermark, |leader| leader.log_end_offset)
}

/// Adds one.
pub(super) async fn add(add: AddVoter, context: &Context) -> Result {
    let admin = context.admin().await?;
    let quorum = admin.describe_quorum().await?;
    if quorum.voters.iter().any(|voter| voter.node_id == add.id) {
        let item = Item::done(add.id.to_string(), "votes already");
        return items::finish(context, "NODE", &[item]);
    }
    refuse_fixed(&quorum)?;
    let directory_id = match add.directory_id {
        Some(id) => id,
        None => directory_of(&quorum.observers, add.id).ok_or_else(|| {
            Failure::failed(format!("node {} does not follow the quorum", add.id))
                .hint("start its controller first, or name its disk with --directory-id (its meta.properties has it)")
        })?,
    };
    let advertised = match add.endpoint.is_empty() && !is_listed(&quorum, add.id) {
        true => advertised(&admin, add.id).await,
        false => Vec::new(),
    };
    let listeners = listeners(&add, &quorum, advertised)?;
    let (before, after) = (quorum.voters.len(), quorum.voters.len() + 1);
    if after.is_multiple_of(2) {
        context.remark(&format!(
            "note: {after} voters survive no more failures than {}; add another one",
            after - 1
        ));
    }
    let item = |result| {
        Item::done(add.id.to_string(), result)
            .with("DIRECTORY", directory_id.to_string())
            .with("VOTERS", format!("{before} -> {after}"))
    };
    if context.is_dry_run {
        return items::finish(context, "NODE", &[item("would be added")]);
    }
    admin.add_voter(add.id, directory_id, &listeners).await?;
    wait_until(&admin, |quorum| {
        quorum.voters.iter().any(|v| v.node_id == add.id)
    })
    .await;
    items::finish(context, "NODE", &[item("added")])
}

/// Where the new voter is: as given, as the quorum knows it, or as the broker of that node advertises.
fn listeners(
    add: &AddVoter,
    quorum: &QuorumDescription,
    advertised: Listeners,
) -> Result<Listeners> {
    let known = quorum.listeners.iter();
    if add.endpoint.is_empty() {
        let own = known.filter(|listener| listener.node_id == add.id);
        let own: Vec<_> = own.map(|l| (l.name.clone(), l.address.clone())).collect();
        return match (own.is_empty(), advertised.is_empty()) {
            (false, _) => Ok(own),
            (true, false) => Ok(advertised),
            (true, true) => Err(Failure::usage(format!(
                "where do the voters reach node {}?",
                add.id
            ))
            .hint("write --endpoint HOST:PORT, the address of its controller listener")),
        };
    }
    let name_of_all = known.map(|listener| listener.name.as_str()).next();
    let endpoints = add.endpoint.iter().map(|text| {
        let (name, address) = match text.split_once("://") {
            Some((name, address)) => (name, address),
            None => (name_of_all.unwrap_or("CONTROLLER"), text.as_str()),
        };
        let address: Result<Address, _> = address.parse();
        let address = address.map_err(|error: client::ParseAddressError| {
            Failure::usage(format!("--endpoint {text}: {error}"))
        })?;
        Ok((name.to_owned(), address))
    });
    endpoints.collect()
}

fn is_listed(quorum: &QuorumDescription, id: i32) -> bool {
    quorum.listeners.iter().any(|l| l.node_id == id)
}

/// The controller listeners of a node that is a broker, too, as its configuration has them; none if
/// it is no broker or does not say.
async fn advertised(admin: &Admin, id: i32) -> Listeners {
    let Ok(cluster) = admin.describe_cluster().await else {
        return Vec::new();
    };
    let mut up = cluster.brokers.iter().filter(|b| b.is_fenced != Some(true));
    let Some(broker) = up.find(|b| b.broker.id == id) else {
        return Vec::new();
    };
    let resource = Resource {
        kind: ResourceKind::Broker,
        name: id.to_string(),
    };
    let configs = admin.describe_configs(&resource, false).await;
    let configs = configs.unwrap_or_default();
    let value = |name: &str| {
        let config = configs.iter().find(|config| config.name == name);
        config.and_then(|c| c.value.as_deref()).unwrap_or_default()
    };
    controller_listeners(
        value("controller.listener.names"),
        &[value("advertised.listeners"), value("listeners")],
        &broker.broker.address.host,
    )
}

/// Each controller listener from the first of these lists that has it. One that is bound to every
/// address is where the broker is.
fn controller_listeners(names: &str, lists: &[&str], broker_host: &str) -> Listeners {
    let names = names.split(',').map(str::trim).filter(|n| !n.is_empty());
    let found = names.filter_map(|name| {
        let mut listeners = lists.iter().flat_map(|list| list.split(','));
        let endpoint = listeners.find_map(|listener| {
            let (own, endpoint) = listener.trim().split_once("://")?;
            own.eq_ignore_ascii_case(name).then_some(endpoint)
        })?;
        let (host, port) = endpoint.rsplit_once(':')?;
        let host = match host.trim_start_matches('[').trim_end_matches(']') {
            "" | "0.0.0.0" | "::" => broker_host,
            host => host,
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some((name.to_owned(), Address::new(host, port)))
    });
    found.collect()
}

fn directory_of(replicas: &[QuorumReplica], id: i32) -> Option<Uuid> {
    let found = replicas.iter().find(|replica| replica.node_id == id)?;
    (!found.directory_id.is_zero()).then_some(found.directory_id)
}

/// Asks, and removes one.
pub(super) async fn remove(remove: RemoveVoter, context: &Context) -> Result {
    let admin = context.admin().await?;
    let quorum = admin.describe_quorum().await?;
    let voters: Vec<_> = quorum
        .voters
        .iter()
        .map(|voter| voter.node_id.to_string())
        .collect();
    let stranger = || {
        Failure::failed(format!("node {} is no voter", remove.id))
            .hint(format!("voters are {}", voters.join(", ")))
    };
    let directory_id = match remove.directory_id {
        Some(id) => id,
        None => {
            let voter = quorum.voters.iter().find(|v| v.node_id == remove.id);
            voter.ok_or_else(stranger)?.directory_id
        }
    };
    refuse_fixed(&quorum)?;
    let (before, after) = (voters.len(), voters.len().saturating_sub(1));
    let item = |result| {
        Item::done(remove.id.to_string(), result)
            .with("DIRECTORY", directory_id.to_string())
            .with("VOTERS", format!("{before} -> {after}"))
    };
    if context.is_dry_run {
        return items::finish(context, "NODE", &[item("would be removed")]);
    }
    context.confirm(&format!(
        "take the vote from node {}, so that {after} voters are left and {} may fail",
        remove.id,
        after.saturating_sub(1) / 2
    ))?;
    match admin.remove_voter(remove.id, directory_id).await {
        Err(error) if error.code() == Some(ErrorCode::VoterNotFound) => {
            return Err(Failure::from(error).hint(format!("voters are {}", voters.join(", "))));
        }
        removed => removed?,
    }
    wait_until(&admin, |quorum| {
        quorum.voters.iter().all(|v| v.node_id != remove.id)
    })
    .await;
    items::finish(context, "NODE", &[item("removed")])
}

/// Voters without a disk's id stand in the nodes' configuration and cannot change.
fn refuse_fixed(quorum: &QuorumDescription) -> Result {
    match quorum.voters.iter().all(|voter| voter.directory_id.is_zero()) {
        false => Ok(()),
        true => Err(Failure::failed(
            "the voters of this quorum cannot change: they are fixed in its configuration",
        )
        .hint("Apache Kafka takes kraft.version 1 for that, and controller.quorum.bootstrap.servers instead of controller.quorum.voters")),
    }
}

/// Waits until a broker shows the change, so that the next command meets it. Gives up quietly: the
/// order has been carried out.
async fn wait_until(admin: &Admin, is_so: impl Fn(&QuorumDescription) -> bool) {
    let until = Instant::now() + SHOWN_WITHIN;
    while Instant::now() < until {
        if admin
            .describe_quorum()
            .await
            .is_ok_and(|quorum| is_so(&quorum))
        {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_listener_is_found_in_a_brokers_configuration() {
        let found = |names, lists: &[&str]| {
            let found = controller_listeners(names, lists, "k2");
            let text = found.iter().map(|(name, at)| format!("{name}://{at}"));
            text.collect::<Vec<_>>()
        };
        let bound = "PLAINTEXT://:9092, CONTROLLER://:9093";
        assert_eq!(found("CONTROLLER", &["", bound]), ["CONTROLLER://k2:9093"]);
        let named = "PLAINTEXT://a:9092,CONTROLLER://b:1";
        assert_eq!(found("CONTROLLER", &[named, bound]), ["CONTROLLER://b:1"]);
        assert!(found("", &["", bound]).is_empty());
        assert!(found("CONTROLLER", &["PLAINTEXT://a:9092", ""]).is_empty());
    }
}
