//! What a leader keeps in order: which disks vote, and what is left of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::error::{ClientWriteError, RaftError};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use types::DirectoryId;

use super::change::{self, ChangeError};
use super::introduce::disk_of;
use super::local::{Local, is_majority, leading_vote};
use super::raft_types::VoterNode;

/// Puts on record the disks of members that are not yet, this leader's own first of all. Committed
/// when this returns.
///
/// # Errors
/// This node no longer leads, or has stopped.
pub(super) async fn record_disks(local: &Local) -> Result<(), RecordError> {
    let membership = local.membership();
    let unknown = membership
        .nodes()
        .filter(|(_, node)| node.directory_id == DirectoryId::ZERO);
    let asked = unknown.map(|(id, node)| async move {
        let directory_id = match *id == local.id() {
            true => Some(local.identity.directory_id),
            false => disk_of(local, *id, node).await,
        };
        Some((
            *id,
            VoterNode {
                directory_id: directory_id?,
                ..node.clone()
            },
        ))
    });
    let found = futures_util::future::join_all(asked).await;
    let nodes: BTreeMap<u64, VoterNode> = found.into_iter().flatten().collect();
    if nodes.is_empty() {
        return Ok(());
    }
    // From then on nothing is sent to disks that are not on record, this change included: it has to
    // bring a majority, or it could never be committed.
    let is_on_record = |(id, node): &(&u64, &VoterNode)| {
        node.directory_id != DirectoryId::ZERO || nodes.contains_key(id)
    };
    let on_record = membership.nodes().filter(is_on_record);
    let on_record: BTreeSet<u64> = on_record.map(|(id, _)| *id).collect();
    if !is_majority(&membership, &on_record) {
        return Err(RecordError::Busy);
    }
    let ids: Vec<u64> = nodes.keys().copied().collect();
    let change = ChangeMembers::SetNodes(nodes);
    // A leader that is deposed meanwhile may never hear what becomes of it.
    let changing = local.raft.change_membership(change, true);
    let Ok(changed) = timeout(RECORD_TIMEOUT, changing).await else {
        return Err(RecordError::Busy);
    };
    match changed {
        Ok(_committed) => {
            tracing::info!(voters = ?ids, "the voters' disks are on record");
            Ok(())
        }
        Err(RaftError::Fatal(error)) => Err(RecordError::Stopped(error.to_string())),
        Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => {
            Err(RecordError::NotLeader)
        }
        Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(_))) => {
            Err(RecordError::Busy)
        }
    }
}

/// How long it may take to put disks on record.
const RECORD_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the disks are not on record.
pub(super) enum RecordError {
    NotLeader,
    Busy,
    Stopped(String),
}

/// What a leader does whenever the membership has changed, and now and then: puts the disks of voters
/// that came later on record, and finishes and tidies what is left of changes.
pub(super) async fn keep_records(local: Local, is_founded: watch::Sender<bool>) {
    let mut metrics = local.metrics();
    let mut leads_since = None;
    loop {
        let (leads, is_recorded) = {
            let metrics = metrics.borrow_and_update();
            let membership = metrics.membership_config.membership();
            let own = membership.get_node(&local.id());
            let is_recorded = own.is_some_and(|node| node.directory_id != DirectoryId::ZERO);
            (leading_vote(&metrics).is_some(), is_recorded)
        };
        is_founded.send_if_modified(|known| std::mem::replace(known, is_recorded) != is_recorded);
        if leads && is_recorded {
            let since = *leads_since.get_or_insert_with(Instant::now);
            if keep_house(&local, since).await.is_break() {
                return;
            }
        } else {
            leads_since = None;
        }
        let until_news = match leads_since {
            Some(_) => CHORE_INTERVAL,
            None => Duration::MAX,
        };
        match timeout(until_news, metrics.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(_stopped)) => return,
        }
    }
}

async fn keep_house(local: &Local, leads_since: Instant) -> ControlFlow<()> {
    if let Err(RecordError::Stopped(_)) = record_disks(local).await {
        return ControlFlow::Break(());
    }
    match change::tidy(local, leads_since).await {
        Err(ChangeError::Stopped(_)) => return ControlFlow::Break(()),
        Err(error) => tracing::debug!(%error, "the membership cannot be tidied yet"),
        Ok(()) => {}
    }
    ControlFlow::Continue(())
}

/// How often a leader looks after the membership if nothing happens.
const CHORE_INTERVAL: Duration = Duration::from_millis(500);
