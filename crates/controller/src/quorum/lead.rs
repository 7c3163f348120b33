//! What a leader does beside replicating: it shows those who follow that it lives, and steps down when
//! it has lost the majority.
//!
//! Signs of life have streams of their own, so that no disk stands in front of them. They stop when
//! openraft's task is stuck: a leader that cannot decide had better be replaced.

use std::sync::Arc;
use std::time::Duration;

use openraft::error::Fatal;
use parking_lot::Mutex;
use rpc::proto::quorum::v1 as wire;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::{Status, Streaming};
use types::NodeId;

use super::contact::{self, LeaderKey, Loss};
use super::local::{Local, leading_vote};
use super::raft_types::Vote;
use super::wire::vote_to_wire;

/// How long a follower that has heard of this leader first waits for it to know of itself.
const PATIENCE_WITH_ITSELF: Duration = Duration::from_millis(200);
/// Between two looks whether openraft's task gets on, beside the rest of a heartbeat's interval.
const PULSE_INTERVAL: Duration = Duration::from_millis(400);
/// Without a pulse for so long there are no more signs of life.
const PULSE_SILENCE_MAX: Duration = Duration::from_secs(6);
/// A task that wakes so much later than it wanted was not looking.
const LAG_MAX: Duration = Duration::from_millis(250);

/// One follower's stream, as long as this node leads.
pub(super) struct FollowerStream {
    pub(super) local: Local,
    pub(super) from: u64,
    /// Whom the follower takes for its leader.
    pub(super) leader: LeaderKey,
    pub(super) requests: Streaming<wire::FollowRequest>,
    pub(super) beats: mpsc::Sender<Result<wire::Beat, Status>>,
}

impl FollowerStream {
    pub(super) async fn run(mut self) {
        match self.own_reign().await {
            Some(vote) => self.beat(vote).await,
            // It is not this node any more, or never was.
            None => self.say_last(None).await,
        }
    }

    /// The vote with which this node leads, if that is what the follower means.
    async fn own_reign(&self) -> Option<Vote> {
        let mut metrics = self.local.metrics();
        let leading = metrics.wait_for(|metrics| {
            leading_vote(metrics).is_some_and(|vote| contact::key(&vote) >= self.leader)
        });
        let metrics = timeout(PATIENCE_WITH_ITSELF, leading).await.ok()?.ok()?;
        leading_vote(&metrics)
    }

    async fn beat(&mut self, vote: Vote) {
        let mut metrics = self.local.metrics();
        let mut resigned = self.local.resigned.subscribe();
        let opened = Instant::now();
        let mut next_beat = opened;
        self.local.followers.on_beat(self.from);
        loop {
            tokio::select! {
                request = self.requests.message() => match request {
                    Ok(Some(answer)) => {
                        self.local.followers.on_beat(self.from);
                        if let Some(sent_at) = sent_at(opened, answer.beat_sent_ms) {
                            self.local.followers.on_answer(self.from, sent_at);
                        }
                    }
                    Ok(None) | Err(_) => return,
                },
                _ = metrics.changed() => {
                    if leading_vote(&metrics.borrow_and_update()) != Some(vote) {
                        let resigned = *resigned.borrow();
                        let own = resigned.filter(|r| r.term == vote.leader_id.term);
                        return self.say_last(own.and_then(|r| r.successor)).await;
                    }
                }
                _ = resigned.changed() => {
                    let resigned = *resigned.borrow_and_update();
                    if let Some(own) = resigned.filter(|r| r.term == vote.leader_id.term) {
                        return self.say_last(own.successor).await;
                    }
                }
                () = sleep_until(next_beat) => {
                    next_beat = self.local.next_beat();
                    if self.local.pulse.is_alive() {
                        // A follower that does not take its beats has enough of them already.
                        let _is_taken = self.beats.try_send(Ok(wire::Beat {
                            vote: Some(vote_to_wire(&vote)),
                            resigned: false,
                            successor: NodeId::NONE.0,
                            sent_ms: sent_ms(opened),
                        }));
                    }
                }
            }
        }
    }

    async fn say_last(&self, successor: Option<NodeId>) {
        let (term, node) = self.leader;
        let beat = wire::Beat {
            vote: Some(vote_to_wire(&Vote::new_committed(term, node))),
            resigned: true,
            successor: successor.unwrap_or(NodeId::NONE).0,
            sent_ms: 0,
        };
        // Who does not listen any more needs no last word.
        let _is_taken = timeout(PATIENCE_WITH_ITSELF, self.beats.send(Ok(beat))).await;
    }
}

/// Now, as a beat says it: rounded down, and never 0.
fn sent_ms(opened: Instant) -> u64 {
    let ms = u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX);
    ms.saturating_add(1)
}

/// When the beat was sent that an answer names; `None` if it names none that can be.
fn sent_at(opened: Instant, sent_ms: u64) -> Option<Instant> {
    let since = Duration::from_millis(sent_ms.checked_sub(1)?);
    (since <= opened.elapsed()).then_some(opened + since)
}

/// Whether openraft's task gets on. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn is_alive(&self) -> bool {
        self.0.lock().elapsed() < PULSE_SILENCE_MAX
    }

    fn feel(&self) {
        *self.0.lock() = Instant::now();
    }
}

/// Feels the pulse until openraft has stopped.
pub(super) async fn feel_pulse(local: Local) {
    while let Ok(responds) = local.core_responds().await {
        if responds {
            local.pulse.feel();
        }
        sleep_until(local.next_beat() + PULSE_INTERVAL).await;
    }
}

/// Steps down whenever no majority follows any more. Others may lead by then, and who waits for an
/// answer here had better ask them.
pub(super) async fn check_majority(local: Local) {
    let mut metrics = local.metrics();
    loop {
        let leading = metrics.wait_for(|metrics| leading_vote(metrics).is_some());
        let vote = match leading.await {
            Ok(metrics) => leading_vote(&metrics),
            Err(_stopped) => return,
        };
        let Some(vote) = vote else { continue };
        if reign(&local, vote).await.is_err() {
            return;
        }
    }
}

async fn reign(local: &Local, vote: Vote) -> Result<(), Fatal<u64>> {
    let within = local.timing.election_timeout_max;
    let mut grace_until = Instant::now() + within * 2;
    loop {
        let metrics = local.metrics().borrow().clone();
        if leading_vote(&metrics) != Some(vote) {
            // Whoever has deposed this leader need not have won.
            let loss = Loss::Resigned { successor: None };
            local.contact.lost(contact::key(&vote), loss);
            return Ok(());
        }
        let membership = metrics.membership_config.membership();
        let has_majority = local.followers.has_majority(membership, local.id(), within);
        if has_majority || Instant::now() < grace_until {
            local.contact.heard(&vote);
        } else {
            tracing::warn!(
                term = vote.leader_id.term,
                "no majority of the voters follows any more; stepping down"
            );
            local
                .contact
                .lost(contact::key(&vote), Loss::Resigned { successor: None });
            return local.resign(vote, None).await;
        }
        let planned = local.next_beat();
        sleep_until(planned).await;
        // While this node was held up, it could not take in what others said.
        if planned.elapsed() > LAG_MAX {
            grace_until = Instant::now() + within;
        }
    }
}
