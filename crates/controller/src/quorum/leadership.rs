//! Who leads, as far as this node knows.

use openraft::ServerState;
use tokio::sync::watch;
use types::NodeId;

use super::local::ServerMetrics;
use super::raft_types::node_id;

/// Who leads, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// Grows with every election.
    pub(crate) term: u64,
    /// The leader of that term.
    pub(crate) leader: Option<NodeId>,
    /// Whether it is this node.
    pub(crate) is_self: bool,
}

/// Follows who leads.
#[derive(Debug, Clone)]
pub(crate) struct LeadershipWatch(pub(super) watch::Receiver<ServerMetrics>);

impl LeadershipWatch {
    /// Who leads now.
    pub(crate) fn current(&mut self) -> Leadership {
        leadership(&self.0.borrow_and_update())
    }

    /// Resolves when something may have changed since [`LeadershipWatch::current`]. Never once the
    /// node has stopped.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

pub(super) fn leadership(metrics: &ServerMetrics) -> Leadership {
    let vote = &metrics.vote;
    Leadership {
        term: vote.leader_id.term,
        leader: metrics.current_leader.map(node_id),
        is_self: metrics.state == ServerState::Leader
            && vote.committed
            && vote.leader_id.node_id == metrics.id,
    }
}
