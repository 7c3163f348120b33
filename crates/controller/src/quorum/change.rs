//! Changes of who is in the quorum, one at a time.
//!
//! ```text
//!   observer ─▶ gets the log ─▶ has it all ─▶ both sets decide ─▶ voter
//!   voter ─▶ both sets decide ─▶ observer ─▶ silent for long ─▶ forgotten
//! ```
//!
//! A change that its leader did not live to finish is finished by the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::error::{ClientWriteError, RaftError};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};
use types::{DirectoryId, NodeId};

use super::contact::{self, Loss};
use super::local::{Local, leading_vote};
use super::raft_types::{Membership, VoterNode, node_id, raft_id};

/// Members at most, voters and observers together.
const MEMBERS_MAX: usize = 64;
/// An observer that has not been heard of for so long is forgotten. It is taken in again when it asks.
const OBSERVER_SILENCE_MAX: Duration = Duration::from_secs(300);
/// How long admitting an observer may take.
const ADMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Its one permit is held while a change is under way. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ChangeLock(Arc<Semaphore>);

impl ChangeLock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    fn try_lock(&self) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire().ok()
    }
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeError {
    /// Another node leads, or nobody does. The change may still be made.
    #[error("this node is not the active controller")]
    NotLeader,
    /// Another change was not finished in time.
    #[error("another change of the voters is under way")]
    Busy,
    /// The new voter does not have the log yet. It stays an observer.
    #[error("controller {0} has not caught up with the metadata log in time; is it running?")]
    Lagging(NodeId),
    /// The change was begun and is not committed yet. It may still be.
    #[error("the change is not committed yet")]
    Uncommitted,
    /// The id is that of a voter.
    #[error("controller {0} is a voter already")]
    Duplicate(NodeId),
    /// No voter has this id and this directory.
    #[error("no voter has the id {0} and the directory id {1}")]
    NotFound(NodeId, DirectoryId),
    /// Nobody would be left.
    #[error("controller {0} is the only voter")]
    LastVoter(NodeId),
    /// There is no room.
    #[error("the quorum has {MEMBERS_MAX} members already")]
    Full,
    /// This node has stopped.
    #[error("this controller has stopped: {0}")]
    Stopped(String),
}

type Result<T> = std::result::Result<T, ChangeError>;

/// Makes a voter of a controller, once it has the log.
pub(super) async fn add_voter(
    local: &Local,
    id: NodeId,
    node: VoterNode,
    deadline: Instant,
) -> Result<()> {
    let _one_at_a_time = lock(local, deadline).await?;
    let membership = leaders_membership(local)?;
    let raft_id = raft_id(id);
    if is_voter(&membership, raft_id) {
        return Err(ChangeError::Duplicate(id));
    }
    observe(local, &membership, raft_id, node, deadline).await?;
    catch_up(local, id, deadline).await?;
    let voters = ChangeMembers::AddVoterIds(BTreeSet::from([raft_id]));
    commit(local, voters, deadline).await?;
    tracing::info!(controller = id.0, "is a voter now");
    warn_about_number(local);
    Ok(())
}

/// Takes a voter's vote. It goes on as an observer as long as it runs. If it is this node, another one
/// leads afterwards.
pub(super) async fn remove_voter(
    local: &Local,
    id: NodeId,
    directory_id: DirectoryId,
    deadline: Instant,
) -> Result<()> {
    let _one_at_a_time = lock(local, deadline).await?;
    let membership = leaders_membership(local)?;
    let raft_id = raft_id(id);
    let node = membership.get_node(&raft_id);
    if !is_voter(&membership, raft_id) || node.is_none_or(|n| n.directory_id != directory_id) {
        return Err(ChangeError::NotFound(id, directory_id));
    }
    if membership.voter_ids().count() == 1 {
        return Err(ChangeError::LastVoter(id));
    }
    let voters = ChangeMembers::RemoveVoters(BTreeSet::from([raft_id]));
    commit(local, voters, deadline).await?;
    tracing::info!(controller = id.0, "is no voter any more");
    warn_about_number(local);
    if raft_id == local.id() {
        step_down(local).await;
    }
    Ok(())
}

/// Takes in a controller that asks for the log, puts its new address on record, or gives it a vote if it
/// asks for one. Whoever asks in vain asks again.
pub(super) async fn on_wish(local: &Local, id: NodeId, node: VoterNode, wants_vote: bool) {
    if node.directory_id == DirectoryId::ZERO || node.address.is_empty() {
        return;
    }
    let deadline = Instant::now() + ADMIT_TIMEOUT;
    let Some(one_at_a_time) = local.changes.try_lock() else {
        return;
    };
    let Ok(membership) = leaders_membership(local) else {
        return;
    };
    let known = membership.get_node(&raft_id(id));
    let is_voter = is_voter(&membership, raft_id(id));
    if is_voter && known.is_none_or(|known| known.directory_id != node.directory_id) {
        // Another disk's vote is not touched: the sender finds out and stops.
        return;
    }
    if known != Some(&node) {
        match observe(local, &membership, raft_id(id), node.clone(), deadline).await {
            Ok(()) => tracing::info!(controller = id.0, address = node.address, "is known"),
            Err(error) => {
                tracing::debug!(controller = id.0, %error, "cannot be taken in yet");
                return;
            }
        }
    }
    drop(one_at_a_time);
    if wants_vote
        && !is_voter
        && let Err(error) = add_voter(local, id, node, deadline).await
    {
        tracing::debug!(controller = id.0, %error, "cannot vote yet");
    }
}

/// What a leader does whenever something has changed: finishes what another one has begun, and forgets
/// observers that are gone.
pub(super) async fn tidy(local: &Local, leads_since: Instant) -> Result<()> {
    let deadline = Instant::now() + ADMIT_TIMEOUT;
    let Some(_one_at_a_time) = local.changes.try_lock() else {
        return Ok(());
    };
    let membership = leaders_membership(local)?;
    if let [_, .., goal] = &membership.get_joint_config()[..] {
        tracing::info!(voters = ?goal, "finishing a change of the voters");
        let voters = ChangeMembers::ReplaceAllVoters(goal.clone());
        return commit(local, voters, deadline).await;
    }
    let is_gone = |id: &u64| {
        let heard_at = local.followers.get(*id).fetch_at.unwrap_or(leads_since);
        *id != local.id() && heard_at.max(leads_since).elapsed() > OBSERVER_SILENCE_MAX
    };
    let gone: BTreeSet<u64> = membership.learner_ids().filter(is_gone).collect();
    if gone.is_empty() {
        return Ok(());
    }
    tracing::info!(controllers = ?gone, "observers of the quorum are gone");
    commit(local, ChangeMembers::RemoveNodes(gone), deadline).await
}

/// Lets another voter lead, the one that has most of the log.
pub(super) async fn step_down(local: &Local) {
    let metrics = local.raft.metrics().borrow().clone();
    let Some(vote) = leading_vote(&local.metrics().borrow()) else {
        return;
    };
    let membership = metrics.membership_config.membership();
    let progress = metrics.replication.unwrap_or_default();
    let others = membership.voter_ids().filter(|id| *id != local.id());
    let successor = others.max_by_key(|id| progress.get(id).copied().flatten());
    let successor = successor.map(node_id);
    tracing::info!(term = vote.leader_id.term, ?successor, "stepping down");
    local
        .contact
        .lost(contact::key(&vote), Loss::Resigned { successor });
    if let Err(error) = local.resign(vote, successor).await {
        tracing::debug!(%error, "raft has stopped already");
    }
}

async fn lock(local: &Local, deadline: Instant) -> Result<SemaphorePermit<'_>> {
    match timeout_at(deadline, local.changes.0.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(ChangeError::Busy),
    }
}

fn leaders_membership(local: &Local) -> Result<Membership> {
    let metrics = local.metrics();
    let metrics = metrics.borrow();
    match leading_vote(&metrics) {
        Some(_) => Ok(metrics.membership_config.membership().clone()),
        None => Err(ChangeError::NotLeader),
    }
}

fn is_voter(membership: &Membership, id: u64) -> bool {
    membership.voter_ids().any(|voter| voter == id)
}

/// Makes an observer of a controller. One that observed with another disk begins anew.
async fn observe(
    local: &Local,
    membership: &Membership,
    id: u64,
    node: VoterNode,
    deadline: Instant,
) -> Result<()> {
    match membership.get_node(&id) {
        Some(known) if *known == node => return Ok(()),
        Some(known) if known.directory_id == node.directory_id => {
            let nodes = ChangeMembers::SetNodes(BTreeMap::from([(id, node)]));
            return commit(local, nodes, deadline).await;
        }
        Some(_) => {
            let former = ChangeMembers::RemoveNodes(BTreeSet::from([id]));
            commit(local, former, deadline).await?;
        }
        None if membership.nodes().count() >= MEMBERS_MAX => return Err(ChangeError::Full),
        None => {}
    }
    let nodes = ChangeMembers::AddNodes(BTreeMap::from([(id, node)]));
    commit(local, nodes, deadline).await
}

/// Waits until the controller has everything that there is now.
async fn catch_up(local: &Local, id: NodeId, deadline: Instant) -> Result<()> {
    let goal = local.last_log_id();
    let raft_id = raft_id(id);
    let mut metrics = local.raft.metrics();
    let caught_up = metrics.wait_for(|metrics| match &metrics.replication {
        Some(progress) => progress.get(&raft_id).copied().flatten() >= goal,
        // Somebody else leads; the next step says so.
        None => true,
    });
    match timeout_at(deadline, caught_up).await {
        Ok(_) => Ok(()),
        Err(_elapsed) => Err(ChangeError::Lagging(id)),
    }
}

/// Commits a change, both halves of it if it has two. Removed voters stay as observers.
async fn commit(
    local: &Local,
    change: ChangeMembers<u64, VoterNode>,
    deadline: Instant,
) -> Result<()> {
    loop {
        let changing = local.raft.change_membership(change.clone(), true);
        let changed = timeout_at(deadline, changing).await;
        match changed.map_err(|_elapsed| ChangeError::Uncommitted)? {
            Ok(_committed) => return Ok(()),
            Err(RaftError::Fatal(error)) => return Err(ChangeError::Stopped(error.to_string())),
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => {
                return Err(ChangeError::NotLeader);
            }
            // The change before is not committed yet.
            Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(error))) => {
                tracing::debug!(%error, "the voters cannot be changed yet");
                sleep(RETRY_PAUSE).await;
                if Instant::now() >= deadline {
                    return Err(ChangeError::Busy);
                }
            }
        }
    }
}

/// Pause before a change that another one is in the way of is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

fn warn_about_number(local: &Local) {
    let count = local.membership().voter_ids().count();
    if count.is_multiple_of(2) {
        let survives = (count - 1) / 2;
        tracing::warn!(
            voters = count,
            survives,
            "an even number of voters survives no more failures than one voter less"
        );
    }
}
