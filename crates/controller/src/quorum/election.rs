//! When this node stands for election, and how it asks first whether that makes sense.
//!
//! ```text
//!   silence for 600..1200 ms ──┐
//!   leader gone ─▶ 0..50 ms ───┼─▶ would you vote for me? ─┬─ a majority would ─▶ openraft elects
//!   leader resigned ─▶ now ────┘   (changes nothing)       └─ no ─▶ a pause, then again
//! ```
//!
//! A node that cannot reach a majority, or one that is alone in not hearing the leader, so never
//! raises its term, and disturbs nobody when it comes back. openraft 0.9 has no pre-vote and would
//! stand at each timeout; its own timer is switched off.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openraft::error::Fatal;
use rand::RngExt as _;
use rpc::proto::quorum::v1 as wire;
use tokio::time::{Instant, sleep_until, timeout};
use types::DirectoryId;

use super::config::Timing;
use super::contact::Loss;
use super::local::{Local, ServerMetrics, is_majority, is_nobodys, leading_vote};
use super::peers::Lane;
use super::raft_types::{Membership, Vote, VoterNode};
use super::wire::{log_id_to_wire, vote_to_wire};

/// Followers that see the leader die at the same moment must not all stand at the same moment.
const JITTER_MAX: Duration = Duration::from_millis(50);
/// The others leave the first chance to the successor that a resigning leader has named.
const SUCCESSOR_HEAD_START: Duration = Duration::from_millis(60);
/// A task that wakes so much later than it wanted was not looking.
const LAG_MAX: Duration = Duration::from_millis(250);

/// Stands for election whenever it is time to, until openraft has stopped.
pub(super) async fn stand_when_due(local: Local) {
    let mut timer = Timer::new(&local);
    while let Ok(()) = timer.step().await {}
}

struct Timer<'a> {
    local: &'a Local,
    /// Not before.
    pause_until: Instant,
    luck: Luck,
    /// Candidacies in a row that came to nothing.
    failures: u32,
}

/// What is drawn anew for each attempt.
struct Luck {
    /// How long a silent leader is waited for.
    patience: Duration,
    /// How long one that is gone.
    jitter: Duration,
}

impl Luck {
    fn draw(timing: &Timing) -> Self {
        let (min, max) = (timing.election_timeout_min, timing.election_timeout_max);
        let mut random = rand::rng();
        Self {
            patience: min
                + max
                    .saturating_sub(min)
                    .mul_f64(random.random_range(0.0..1.0)),
            jitter: JITTER_MAX.mul_f64(random.random_range(0.0..1.0)),
        }
    }
}

impl<'a> Timer<'a> {
    fn new(local: &'a Local) -> Self {
        Self {
            local,
            pause_until: Instant::now(),
            luck: Luck::draw(&local.timing),
            failures: 0,
        }
    }

    async fn step(&mut self) -> Result<(), Fatal<u64>> {
        let mut changes = self.local.metrics();
        let metrics = changes.borrow_and_update().clone();
        let may_stand = leading_vote(&metrics).is_none() && may_stand(self.local, &metrics);
        let due = match may_stand {
            true => self.due(&metrics),
            // What could change that wakes us; looking again now and then costs nothing.
            false => Instant::now() + self.local.timing.election_timeout_min,
        };
        tokio::select! {
            () = sleep_until(due) => {}
            () = self.local.contact.news() => {
                self.pause_until = Instant::now();
                return Ok(());
            }
            changed = changes.changed() => {
                return changed.map_err(|_stopped| Fatal::Stopped);
            }
        }
        if !may_stand {
            return Ok(());
        }
        if due.elapsed() > LAG_MAX {
            // While this node was held up, the leader may have spoken.
            self.local.contact.forgive();
            self.pause_until = Instant::now() + JITTER_MAX;
            return Ok(());
        }
        if Instant::now() < self.due(&metrics) {
            return Ok(());
        }
        self.stand(&metrics).await
    }

    /// When to stand, if nothing happens before.
    fn due(&self, metrics: &ServerMetrics) -> Instant {
        let membership = metrics.membership_config.membership();
        if membership.voter_ids().count() == 1 {
            return self.pause_until;
        }
        let (loss, heard_at, voted_at) = self.local.contact.state();
        let Luck { patience, jitter } = self.luck;
        if is_nobodys(&metrics.vote) {
            // Whoever has just stepped down leaves it to the others.
            return self.pause_until + patience;
        }
        let wait = match loss {
            Loss::None => {
                let last_sign = voted_at.map_or(heard_at, |voted_at| voted_at.max(heard_at));
                return (last_sign + patience).max(self.pause_until);
            }
            Loss::Resigned {
                successor: Some(id),
            } if id == self.local.identity.node_id => Duration::ZERO,
            Loss::Resigned { successor: Some(_) } => SUCCESSOR_HEAD_START + jitter,
            Loss::Resigned { successor: None } | Loss::Gone => jitter,
        };
        // Whoever got this node's vote gets some time to win.
        let after_vote = voted_at.map(|at| at + patience / 2);
        (self.pause_until + wait).max(after_vote.unwrap_or(self.pause_until))
    }

    async fn stand(&mut self, metrics: &ServerMetrics) -> Result<(), Fatal<u64>> {
        let Local { raft, timing, .. } = self.local;
        let membership = metrics.membership_config.membership();
        let asked_at = Instant::now();
        let would_win = ask(self.local, metrics.vote, membership).await;
        let (_, _, voted_at) = self.local.contact.state();
        if voted_at.is_some_and(|voted_at| voted_at >= asked_at) {
            // Somebody else was faster and has this node's vote.
            return Ok(());
        }
        self.luck = Luck::draw(timing);
        if !would_win {
            let is_silent_only = self.local.contact.state().0 == Loss::None;
            let pause = match is_silent_only {
                true => self.luck.patience / 2,
                // The others may find out a moment later.
                false => RETRY_PAUSE + self.luck.jitter / 2,
            };
            self.pause_until = Instant::now() + pause;
            return Ok(());
        }
        let before = metrics.vote;
        self.local.contact.stands();
        raft.trigger().elect().await?;
        // The votes are on their way. A late one is as good as any other, so a machine that is slow
        // gets more time at each attempt, instead of ever new elections.
        let patience = self.luck.patience.saturating_mul(1 << self.failures.min(4));
        let mut changes = self.local.metrics();
        let own = self.local.id();
        let is_over = |m: &ServerMetrics| {
            let is_candidate = m.vote.leader_id.node_id == own && !m.vote.committed;
            m.vote > before && !is_candidate
        };
        let decided = timeout(patience.min(ELECTION_TIME_MAX), changes.wait_for(is_over)).await;
        self.failures = match decided {
            Ok(Ok(metrics)) if metrics.current_leader.is_some() => 0,
            Ok(Err(_stopped)) => return Err(Fatal::Stopped),
            Ok(Ok(_)) | Err(_) => self.failures.saturating_add(1),
        };
        self.pause_until = Instant::now() + self.luck.jitter.saturating_mul(1 + self.failures);
        Ok(())
    }
}

/// The longest that a candidate waits for its votes.
const ELECTION_TIME_MAX: Duration = Duration::from_secs(3);
/// Pause after an attempt in vain.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Whether this node votes, with this disk. The log may name it as it once was: a node whose disk was
/// replaced reads of its former self when it copies the log from the start, and might find itself the
/// only voter of long ago.
fn may_stand(local: &Local, metrics: &ServerMetrics) -> bool {
    let membership = metrics.membership_config.membership();
    let own = local.id();
    let is_own_disk = membership.get_node(&own).is_some_and(|node| {
        node.directory_id == local.identity.directory_id || node.directory_id == DirectoryId::ZERO
    });
    let votes = membership.voter_ids().any(|id| id == own);
    votes && is_own_disk && !local.standing.is_on_probation()
}

/// Asks all other voters at once. Returns as soon as a majority is sure.
async fn ask(local: &Local, vote: Vote, membership: &Membership) -> bool {
    let own = local.id();
    let mut would_vote = BTreeSet::from([own]);
    if is_majority(membership, &would_vote) {
        return true;
    }
    let next = Vote::new(vote.leader_id.term + 1, own);
    let others = membership.voter_ids().filter(|id| *id != own);
    let others = others.filter_map(|id| Some((id, membership.get_node(&id)?)));
    let mut answers: FuturesUnordered<_> = others
        .map(|(id, node)| async move { (id, ask_one(local, next, id, node).await) })
        .collect();
    while let Some((id, granted)) = answers.next().await {
        if granted {
            would_vote.insert(id);
            if is_majority(membership, &would_vote) {
                return true;
            }
        }
    }
    false
}

async fn ask_one(local: &Local, vote: Vote, id: u64, node: &VoterNode) -> bool {
    let request = wire::PreVoteRequest {
        envelope: Some(local.peers.envelope_for(id, node)),
        vote: Some(vote_to_wire(&vote)),
        last_log_id: local.last_log_id().as_ref().map(log_id_to_wire),
    };
    let mut client = local.peers.client(id, &node.address, Lane::Signs);
    let patience = local.timing.election_timeout_min;
    match timeout(patience, client.pre_vote(request)).await {
        Ok(Ok(reply)) => reply.into_inner().granted,
        Ok(Err(status)) => {
            tracing::debug!(voter = id, %status, "would not say whether it would vote");
            false
        }
        Err(_elapsed) => false,
    }
}
