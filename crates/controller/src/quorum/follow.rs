//! What a follower does beside storing entries: it listens for its leader's signs of life, and looks
//! at once whether the leader's process is gone when they break off.
//!
//! ```text
//!   a leader is known ─▶ stream of beats ─┬─ beat ─▶ heard, answered
//!                             ▲           ├─ last beat ─▶ resigned
//!                             │           └─ broken ─▶ dial ─┬─ refused ─▶ gone
//!                             └──────── a moment later ◀─────┴─ anything else
//! ```

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::time::Duration;

use rpc::proto::quorum::v1 as wire;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use types::NodeId;

use super::contact::{self, Loss};
use super::local::{Local, ServerMetrics};
use super::peers::Lane;
use super::raft_types::{Vote, VoterNode};
use super::wire::{required_vote, vote_to_wire};

/// How long opening a stream, or a connection, may take.
const OPEN_TIMEOUT: Duration = Duration::from_millis(500);
/// Pause before a broken stream is opened again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// Answers that wait to be sent.
const ANSWERS_MAX: usize = 2;

/// Follows whoever leads, one leader after the other.
pub(super) async fn follow_leaders(local: Local) {
    let mut metrics = local.metrics();
    loop {
        let leader = other_leader(&metrics.borrow_and_update());
        match leader {
            Some(leader) => {
                let following = follow(&local, &leader);
                tokio::select! {
                    never = following => match never {},
                    stopped = until_changed(&mut metrics, &leader) => if stopped.is_break() {
                        return;
                    }
                }
            }
            None => {
                if metrics.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A leader that is another node.
#[derive(Debug, Clone, PartialEq)]
struct Leader {
    vote: Vote,
    id: u64,
    node: VoterNode,
}

fn other_leader(metrics: &ServerMetrics) -> Option<Leader> {
    let id = metrics.current_leader.filter(|id| *id != metrics.id)?;
    let membership = metrics.membership_config.membership();
    let node = membership.get_node(&id)?.clone();
    Some(Leader {
        vote: metrics.vote,
        id,
        node,
    })
}

async fn until_changed(
    metrics: &mut tokio::sync::watch::Receiver<ServerMetrics>,
    leader: &Leader,
) -> ControlFlow<()> {
    let changed = metrics.wait_for(|m| other_leader(m).as_ref() != Some(leader));
    match changed.await {
        Ok(_) => ControlFlow::Continue(()),
        Err(_stopped) => ControlFlow::Break(()),
    }
}

enum Never {}

/// Listens without end; whoever calls gives up when the leader is another one.
async fn follow(local: &Local, leader: &Leader) -> Never {
    loop {
        let broken = listen(local, leader).await;
        if let Err(status) = broken {
            tracing::debug!(leader = leader.id, %status, "no signs of life from the leader");
        }
        if is_gone(local, leader).await
            && local.contact.lost(contact::key(&leader.vote), Loss::Gone)
        {
            let leader = leader.id;
            tracing::info!(leader, "the active controller's process is gone");
        }
        sleep(RETRY_PAUSE).await;
    }
}

/// One stream, to its end.
async fn listen(local: &Local, leader: &Leader) -> Result<(), Status> {
    let (answers, requests) = mpsc::channel(ANSWERS_MAX);
    let request = wire::FollowRequest {
        envelope: Some(local.peers.envelope_for(leader.id, &leader.node)),
        vote: Some(vote_to_wire(&leader.vote)),
        beat_sent_ms: 0,
    };
    let _is_room = answers.try_send(request.clone());
    let mut client = local
        .peers
        .client(leader.id, &leader.node.address, Lane::Signs);
    let opening = client.follow(ReceiverStream::new(requests));
    let opened = timeout(OPEN_TIMEOUT, opening).await;
    let opened = opened.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")))?;
    let mut beats: Streaming<wire::Beat> = opened.into_inner();
    while let Some(beat) = beats.message().await? {
        if on_beat(local, leader, &beat)?.is_break() {
            return Ok(());
        }
        if other_leader(&local.metrics().borrow()).as_ref() != Some(leader) {
            // It would take the answer for a promise that has been broken already.
            return Ok(());
        }
        // A leader that does not read its answers has them already.
        let _is_room = answers.try_send(wire::FollowRequest {
            beat_sent_ms: beat.sent_ms,
            ..request.clone()
        });
    }
    Ok(())
}

fn on_beat(local: &Local, leader: &Leader, beat: &wire::Beat) -> Result<ControlFlow<()>, Status> {
    let vote = required_vote(beat.vote).map_err(|e| Status::internal(e.to_string()))?;
    if beat.resigned {
        let successor = Some(NodeId(beat.successor)).filter(|id| *id != NodeId::NONE);
        let loss = Loss::Resigned { successor };
        if local.contact.lost(contact::key(&leader.vote), loss) {
            let leader = leader.id;
            tracing::info!(leader, "the active controller has stepped down");
        }
        return Ok(ControlFlow::Break(()));
    }
    local.contact.heard(&vote);
    Ok(ControlFlow::Continue(()))
}

/// Whether nobody listens where the leader did. Anything less clear is left to its silence.
async fn is_gone(local: &Local, leader: &Leader) -> bool {
    let connector = local.peers.connector(leader.id, &leader.node.address);
    match timeout(OPEN_TIMEOUT, connector.connect()).await {
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Ok(Ok(_)) | Err(_) => false,
    }
}
