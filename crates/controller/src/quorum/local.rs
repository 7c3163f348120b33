//! What the parts of one node share: who it is, what it hears, whom it can reach.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use openraft::error::Fatal;
use openraft::metrics::RaftServerMetrics;
use openraft::raft::VoteRequest;
use openraft::{CommittedLeaderId, ServerState};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use types::{DirectoryId, NodeId};

use super::change::ChangeLock;
use super::config::Timing;
use super::contact::Contact;
use super::durable::Identity;
use super::followers::Followers;
use super::lead::Pulse;
use super::log_store::SharedLog;
use super::peers::Peers;
use super::published::KnownClusterId;
use super::raft_types::{LogId, Membership, Raft, Vote, VoterNode, raft_id};

pub(crate) type ServerMetrics = RaftServerMetrics<u64, VoterNode>;

/// How long openraft's task may be busy with one thing, such as a flush, before it counts as stuck.
const CORE_SILENCE_MAX: Duration = Duration::from_secs(5);

use super::tasks::Tasks;

/// Cheap to clone: everything in it is shared.
#[derive(Clone)]
pub(crate) struct Local {
    pub(crate) raft: Raft,
    pub(crate) log: SharedLog,
    pub(crate) identity: Identity,
    pub(crate) timing: Timing,
    /// Whatever this node does at each heartbeat, it does at a multiple of the interval from here.
    pub(crate) beats_since: Instant,
    pub(crate) cluster_id: KnownClusterId,
    pub(crate) contact: Contact,
    pub(crate) standing: Standing,
    pub(crate) followers: Followers,
    pub(crate) pulse: Pulse,
    pub(crate) peers: Peers,
    /// Everything that runs for this node.
    pub(crate) tasks: Tasks,
    /// Held while the membership is being changed.
    pub(crate) changes: ChangeLock,
    /// `host:port` of this node's controller listener.
    pub(crate) own_address: String,
    /// The last term that this node has given up, and who had better be next.
    pub(crate) resigned: watch::Sender<Option<Resignation>>,
}

/// A leader that steps down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resignation {
    pub(crate) term: u64,
    pub(crate) successor: Option<NodeId>,
}

impl Local {
    pub(crate) fn id(&self) -> u64 {
        raft_id(self.identity.node_id)
    }

    pub(crate) fn metrics(&self) -> watch::Receiver<ServerMetrics> {
        self.raft.server_metrics()
    }

    /// The newest membership in this node's log, committed or not.
    pub(crate) fn membership(&self) -> Membership {
        let metrics = self.metrics();
        let metrics = metrics.borrow();
        metrics.membership_config.membership().clone()
    }

    /// The directory under which the membership knows this node; `None` if it is no member.
    pub(crate) fn known_directory_id(&self) -> Option<DirectoryId> {
        let membership = self.membership();
        membership.get_node(&self.id()).map(|n| n.directory_id)
    }

    /// The next beat, the same for everything that beats here: the node wakes once for all of it.
    pub(crate) fn next_beat(&self) -> Instant {
        Instant::now() + until_multiple(self.beats_since.elapsed(), self.timing.heartbeat_interval)
    }

    /// The end of this node's log.
    pub(crate) fn last_log_id(&self) -> Option<LogId> {
        self.log.read().last_log_id()
    }

    /// Whether openraft's task gets on. A slow disk holds it up for a while.
    ///
    /// # Errors
    /// It has stopped.
    pub(crate) async fn core_responds(&self) -> Result<bool, Fatal<u64>> {
        let looking = self.raft.with_raft_state(|_state| ());
        match timeout(CORE_SILENCE_MAX, looking).await {
            Ok(looked) => looked.map(|()| true),
            Err(_elapsed) => Ok(false),
        }
    }

    /// Gives up leading in the term: openraft 0.9 has no word for it, but it follows every higher
    /// vote. The one used here belongs to the same term and to nobody, so no term is spent, and
    /// nobody can win with it: no node ever asks for it.
    ///
    /// # Errors
    /// openraft has stopped.
    pub(crate) async fn resign(
        &self,
        vote: Vote,
        successor: Option<NodeId>,
    ) -> Result<(), Fatal<u64>> {
        let term = vote.leader_id.term;
        self.resigned
            .send_replace(Some(Resignation { term, successor }));
        let nobody = Vote::new(term, NOBODY);
        let everything = LogId::new(CommittedLeaderId::new(u64::MAX, u64::MAX), u64::MAX);
        let request = VoteRequest::new(nobody, Some(everything));
        match self.raft.vote(request).await {
            Ok(_granted_to_nobody) => Ok(()),
            Err(error) => error.into_fatal().map_or(Ok(()), Err),
        }
    }
}

/// A node that no cluster has: ids are smaller.
pub(crate) const NOBODY: u64 = u64::MAX;

/// Whether the vote is that of a leader which has stepped down.
pub(crate) const fn is_nobodys(vote: &Vote) -> bool {
    vote.leader_id.node_id == NOBODY
}

/// Whether these nodes are a majority of every configuration that counts.
pub(crate) fn is_majority(membership: &Membership, nodes: &BTreeSet<u64>) -> bool {
    let configs = membership.get_joint_config();
    !configs.is_empty()
        && configs
            .iter()
            .all(|config| config.intersection(nodes).count() * 2 > config.len())
}

/// The vote of this node's reign, if it leads.
pub(crate) fn leading_vote(metrics: &ServerMetrics) -> Option<Vote> {
    let leads = metrics.state == ServerState::Leader
        && metrics.vote.committed
        && metrics.vote.leader_id.node_id == metrics.id;
    leads.then_some(metrics.vote)
}

/// Whether this node may take part in elections.
///
/// A voter whose store holds nothing cannot tell a first start from the loss of its disk. It neither
/// votes nor takes entries until the others have told it which of the two it is.
#[derive(Debug, Clone)]
pub(crate) struct Standing(Arc<AtomicBool>);

impl Standing {
    pub(crate) fn new(is_on_probation: bool) -> Self {
        Self(Arc::new(AtomicBool::new(is_on_probation)))
    }

    /// Relaxed: the flag only ever falls, and whoever sees it late waits a moment longer.
    pub(crate) fn is_on_probation(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn confirm(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// From a time to the next multiple of the interval: never zero, never more than the interval.
fn until_multiple(time: Duration, interval: Duration) -> Duration {
    let interval = interval.max(Duration::from_millis(1));
    let past = time.as_nanos() % interval.as_nanos();
    let rest = interval.as_nanos().saturating_sub(past);
    Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_when_the_next_beat_is_gets_the_same_answer_within_an_interval() {
        let ms = Duration::from_millis;
        for time in [300, 301, 342, 399] {
            assert_eq!(ms(time) + until_multiple(ms(time), ms(100)), ms(400));
        }
        assert_eq!(until_multiple(ms(400), ms(100)), ms(100));
        assert_eq!(until_multiple(ms(7), Duration::ZERO), ms(1));
    }
}
