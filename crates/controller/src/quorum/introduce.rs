//! How nodes get to know each other's disks.
//!
//! A voter is a node and its disk (KIP-853). `controller.quorum.voters` names nodes only, and a node
//! that starts with an empty store cannot tell whether this is the first start or its disk was wiped.
//! In the second case it must not vote: it may have promised something that it has forgotten. So an
//! empty node asks the others first:
//!
//! ```text
//!   most of the first voters are as new as this node ─▶ found the quorum together, unless one that
//!                                                       answers remembers an older one
//!   the leader knows this node by another disk       ─▶ wiped: this node stops
//!   the leader does not know this node               ─▶ it gets the log, without a vote
//!   otherwise                                        ─▶ ask again
//! ```
//!
//! and the first leader puts the disks on record before it decides anything. A voter whose disk is not
//! on record by then gets no entries until it is, so nothing ever rests on a disk that nobody knows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rpc::proto::quorum::v1 as wire;
use rpc::transport::Connector;
use tokio::time::{sleep, timeout};
use tonic::Status;
use types::{DirectoryId, NodeId};

use super::change;
use super::config::Voter;
use super::local::{Local, is_majority, leading_vote};
use super::peers::directory_id_to_wire;
use super::raft_types::{Membership, VoterNode, node_id, raft_id};
use super::service::malformed;
use super::start::StopReason;
use super::wire::directory_id_from_wire;

/// Pause between two rounds of questions.
const ROUND_PAUSE: Duration = Duration::from_millis(100);
/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// What another node says of itself and of this one.
#[derive(Debug, Clone)]
struct Acquaintance {
    node_id: NodeId,
    directory_id: DirectoryId,
    is_founding: bool,
    /// The disk by which this node is known there; `None` if it is not a member.
    known_as: Option<DirectoryId>,
    is_voter: bool,
    is_leader: bool,
    leader: Option<(NodeId, String)>,
}

/// Answers who this node is, and whom it takes the sender for.
pub(super) fn answer(
    local: &Local,
    request: wire::IntroduceRequest,
) -> Result<wire::IntroduceResponse, Status> {
    let directory_id = directory_id_from_wire(&request.directory_id).map_err(|e| malformed(&e))?;
    let Ok(sender) = u64::try_from(request.node_id) else {
        return Err(Status::invalid_argument("a node id is never negative"));
    };
    let metrics = local.metrics().borrow().clone();
    let membership = metrics.membership_config.membership();
    let is_leader = leading_vote(&metrics).is_some();
    let known = membership.get_node(&sender);
    let own_cluster_id = local.cluster_id.get().unwrap_or_default();
    let same_cluster = request.cluster_id.is_empty()
        || own_cluster_id.is_empty()
        || request.cluster_id == own_cluster_id;
    if is_leader && request.wants_log && same_cluster {
        let node = VoterNode {
            address: request.address,
            directory_id,
        };
        let wants_vote = request.wants_vote;
        let (local, sender) = (local.clone(), node_id(sender));
        let changes = local.tasks.clone();
        // The sender asks again if this is in vain, and need not wait.
        changes.spawn(async move {
            change::on_wish(&local, sender, node, wants_vote).await;
        });
    }
    let leader = metrics.current_leader;
    let leader_node = leader.and_then(|leader| membership.get_node(&leader));
    Ok(wire::IntroduceResponse {
        cluster_id: own_cluster_id,
        node_id: local.identity.node_id.0,
        directory_id: directory_id_to_wire(local.identity.directory_id),
        is_founding: is_founding(local, membership),
        known_directory_id: known.map_or_else(bytes::Bytes::new, |node| {
            bytes::Bytes::copy_from_slice(node.directory_id.0.as_bytes())
        }),
        is_voter: membership.voter_ids().any(|id| id == sender),
        is_leader: is_leader && is_sure(local, membership),
        leader_id: leader.map_or(NodeId::NONE, node_id).0,
        leader_address: leader_node.map_or_else(String::new, |node| node.address.clone()),
    })
}

/// Whether the disks of the first voters are not on record yet, as far as this node knows.
fn is_founding(local: &Local, membership: &Membership) -> bool {
    let own = membership.get_node(&local.id());
    match own {
        Some(own) => own.directory_id == DirectoryId::ZERO,
        None => membership.nodes().next().is_none(),
    }
}

/// Whether a leader's word holds: a majority follows it.
fn is_sure(local: &Local, membership: &Membership) -> bool {
    let within = local.timing.election_timeout_max;
    local.followers.has_majority(membership, local.id(), within)
}

/// What a node with an empty store found out.
pub(super) enum Outcome {
    /// It is one of the first voters: the quorum begins.
    Found,
    /// A leader has taken it in.
    Joined,
}

/// Asks the other first voters until it is clear what this node is.
///
/// # Errors
/// This node must not take part: see [`StopReason`].
pub(super) async fn find_out(local: &Local, voters: &[Voter]) -> Result<Outcome, StopReason> {
    let own = local.id();
    let ids: BTreeSet<u64> = voters.iter().map(|v| raft_id(v.node_id)).collect();
    let all = Membership::new(vec![ids], BTreeMap::<u64, VoterNode>::new());
    let mut is_told = false;
    loop {
        if !local.standing.is_on_probation() {
            return Ok(Outcome::Joined);
        }
        let others = voters.iter().filter(|v| raft_id(v.node_id) != own);
        let asked = others.map(|voter| ask(local, &voter.connector, Wish::None));
        let answers = futures_util::future::join_all(asked).await;
        let mut founders = BTreeSet::from([own]);
        let (mut leader, mut remembers) = (None, None);
        for answer in answers.into_iter().flatten() {
            if !answer.is_founding {
                remembers = Some(answer.node_id);
            }
            if answer.is_voter && answer.known_as == Some(local.identity.directory_id) {
                // On record with this very disk, which has promised nothing yet.
                local.standing.confirm();
                return Ok(Outcome::Joined);
            }
            let may_found = answer.is_founding
                && answer
                    .known_as
                    .is_none_or(|id| id == DirectoryId::ZERO || id == local.identity.directory_id);
            if may_found {
                founders.insert(raft_id(answer.node_id));
            }
            if answer.is_leader {
                check_known(local, &answer)?;
                leader = leader.or_else(|| answer.leader.clone());
            }
        }
        if let Some((_, address)) = leader {
            // A quorum that does not count on this node, or has it on record: the leader sends the
            // log.
            let _taken_in = ask(local, &Connector::tcp(address), Wish::Log).await;
        } else if let Some(controller) = remembers {
            // However many disks are empty: what it remembers was decided. Its quorum has to come back.
            if !std::mem::replace(&mut is_told, true) {
                tracing::warn!(
                    %controller,
                    "a controller knows the quorum already, and none leads; this one has an empty \
                     metadata directory and waits for those that hold the metadata log"
                );
            }
        } else if is_majority(&all, &founders) {
            local.standing.confirm();
            return Ok(Outcome::Found);
        }
        sleep(ROUND_PAUSE).await;
    }
}

/// Asks for the log whenever no leader sends it: for a controller that is not among the voters, or is
/// no longer. Runs until this node stops.
///
/// # Errors
/// Another disk votes under this node's id.
pub(super) async fn keep_in_touch(
    local: &Local,
    known: &[Connector],
    joins_by_itself: bool,
) -> Result<(), StopReason> {
    let mut pause = ROUND_PAUSE;
    let mut hinted = None;
    loop {
        sleep(pause).await;
        let leads = leading_vote(&local.metrics().borrow()).is_some();
        let wish = match joins_by_itself {
            true => Wish::Vote,
            false => Wish::Log,
        };
        let is_content = !joins_by_itself || votes(local);
        if leads || (local.contact.is_fresh(SILENCE_MAX) && is_content) {
            pause = SILENCE_MAX;
            continue;
        }
        pause = (pause * 2).min(SILENCE_MAX);
        let ways = hinted.take().into_iter().chain(known.iter().cloned());
        for way in ways.chain(members(local)) {
            let Some(answer) = ask(local, &way, wish).await else {
                continue;
            };
            if answer.is_leader {
                check_known(local, &answer)?;
                break;
            }
            if let Some((_, address)) = answer.leader {
                hinted = Some(Connector::tcp(address));
            }
        }
    }
}

/// A node that hears from a leader this often needs not ask for one.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// The ways to the others in this node's own log.
fn members(local: &Local) -> Vec<Connector> {
    let membership = local.membership();
    let others = membership.nodes().filter(|(id, _)| **id != local.id());
    let ways = others.map(|(id, node)| local.peers.connector(*id, &node.address));
    ways.collect()
}

/// A leader that knows this node by another disk.
fn check_known(local: &Local, answer: &Acquaintance) -> Result<(), StopReason> {
    match answer.known_as {
        Some(known)
            if answer.is_voter
                && known != DirectoryId::ZERO
                && known != local.identity.directory_id =>
        {
            Err(StopReason::ReplacedDisk {
                node_id: local.identity.node_id,
                voter: known,
                own: local.identity.directory_id,
                address: local.own_address.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// What a node asks for besides an introduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    None,
    Log,
    Vote,
}

fn votes(local: &Local) -> bool {
    let own = local.id();
    local.membership().voter_ids().any(|id| id == own)
}

/// `None` for no answer, or one from another cluster or from this node itself.
async fn ask(local: &Local, way: &Connector, wish: Wish) -> Option<Acquaintance> {
    let request = wire::IntroduceRequest {
        cluster_id: local.cluster_id.get().unwrap_or_default(),
        node_id: local.identity.node_id.0,
        directory_id: directory_id_to_wire(local.identity.directory_id),
        address: local.own_address.clone(),
        wants_log: wish != Wish::None,
        wants_vote: wish == Wish::Vote,
    };
    let mut client = local.peers.stranger(way);
    let asked = timeout(ANSWER_TIMEOUT, client.introduce(request)).await;
    let answer = asked.ok()?.ok()?.into_inner();
    let own_cluster_id = local.cluster_id.get();
    let other_cluster =
        own_cluster_id.is_some_and(|own| !answer.cluster_id.is_empty() && own != answer.cluster_id);
    if other_cluster {
        tracing::warn!(
            cluster_id = answer.cluster_id,
            node = answer.node_id,
            "a controller belongs to another cluster"
        );
        return None;
    }
    let directory_id = directory_id_from_wire(&answer.directory_id).ok()?;
    let known_as = match answer.known_directory_id.is_empty() {
        true => None,
        false => Some(directory_id_from_wire(&answer.known_directory_id).ok()?),
    };
    let leader = NodeId(answer.leader_id);
    Some(Acquaintance {
        node_id: NodeId(answer.node_id),
        directory_id,
        is_founding: answer.is_founding,
        known_as,
        is_voter: answer.is_voter,
        is_leader: answer.is_leader,
        leader: (leader != NodeId::NONE).then_some((leader, answer.leader_address)),
    })
    .filter(|answer| (answer.node_id, directory_id) != own_key(local))
}

fn own_key(local: &Local) -> (NodeId, DirectoryId) {
    (local.identity.node_id, local.identity.directory_id)
}

/// The disk of a member, as it says itself.
pub(super) async fn disk_of(local: &Local, id: u64, node: &VoterNode) -> Option<DirectoryId> {
    let connector = local.peers.connector(id, &node.address);
    let answer = ask(local, &connector, Wish::None).await?;
    let is_it = raft_id_of(answer.node_id) == Some(id);
    (is_it && answer.directory_id != DirectoryId::ZERO).then_some(answer.directory_id)
}

fn raft_id_of(node_id: NodeId) -> Option<u64> {
    u64::try_from(node_id.0).ok()
}
