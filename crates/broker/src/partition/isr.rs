//! Who should be in sync, asked of the leader's state machine and told to it.

use std::time::Duration;

use replication::{Answer, Limits, Proposal};
use types::{BrokerEpoch, NodeId};

use super::{Partition, Role};

impl Partition {
    /// Notes that the partition's ISR is to be looked at. Returns whether that is news.
    pub(crate) fn queue_isr(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().is_isr_queued, true)
    }

    /// A look at the ISR begins: the partition may be queued again. Returns whether this broker leads it,
    /// and not alone.
    pub(crate) fn begin_isr_look(&self, now: Duration) -> bool {
        let mut state = self.state.lock();
        state.is_isr_queued = false;
        let Role::Leader(leading) = &mut state.role else {
            return false;
        };
        let is_alone = leading.leader.followers().next().is_none();
        if is_alone {
            leading.leader.rest(now);
        }
        !is_alone
    }

    /// The ISR cannot be looked at now.
    pub(crate) fn look_at_isr_later(&self) {
        self.shared.isr_watch.add(self.key());
    }

    /// The change of the ISR that the leader wants, if there is one. It is in flight then, until
    /// [`Partition::on_isr_answer`].
    pub(crate) fn propose_isr(
        &self,
        now: Duration,
        limits: Limits,
        is_eligible: &dyn Fn(NodeId, BrokerEpoch) -> bool,
    ) -> Option<Proposal> {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return None;
        };
        let proposal = leading.leader.look(now, limits, is_eligible);
        // A candidate that is not eligible would be looked at with each of its acknowledgements; the next
        // look at everything will do.
        let is_in_vain = proposal.is_none() && leading.leader.has_candidate();
        state.is_isr_queued = is_in_vain;
        proposal
    }

    /// Whether that proposal is still in flight: in the same leader epoch, without newer metadata.
    pub(crate) fn is_in_flight(&self, proposal: &Proposal) -> bool {
        match &self.state.lock().role {
            Role::Leader(leading) => leading.leader.in_flight() == Some(proposal),
            Role::Follower(_) | Role::Stopped(_) => false,
        }
    }

    /// The controller answered a proposal, or did not.
    pub(crate) fn on_isr_answer(&self, proposal: &Proposal, answer: Answer) {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return;
        };
        if leading.leader.leader_epoch() != proposal.leader_epoch {
            return;
        }
        let advanced = leading.leader.wake().on_answer(proposal, answer);
        leading.drop_strangers();
        let effects = state.on_high_watermark(advanced);
        drop(state);
        effects.carry_out();
    }
}
