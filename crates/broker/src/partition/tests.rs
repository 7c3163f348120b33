//! What tests may do to a partition that nothing else does yet.

use replication::AckError;
use types::{LeaderEpoch, NodeId, Offset};

use super::{AckOutcome, Partition, Role, complete};

impl Partition {
    /// A follower has written everything below `log_end_offset`.
    pub(crate) fn on_follower_ack(
        &self,
        follower: NodeId,
        leader_epoch: LeaderEpoch,
        log_end_offset: Offset,
    ) -> Result<(), AckError> {
        let mut state = self.state.lock();
        let Role::Leader(leader) = &mut state.role else {
            panic!("only a leader is told");
        };
        let advanced = leader.on_ack(follower, leader_epoch, log_end_offset)?;
        let waits = state.on_high_watermark(advanced);
        drop(state);
        complete(waits, AckOutcome::Committed);
        Ok(())
    }

    /// Fetches that wait here.
    pub(crate) fn watcher_count(&self) -> usize {
        self.state.lock().watchers.len()
    }
}
