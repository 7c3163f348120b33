//! Taking up what the controller decided: leading, following, stopping.
//!
//! ```text
//!            ┌──── another leader epoch, whoever leads ────┐
//!            ▼                                             │
//!        Follower ◄───────── newer epoch ─────────► Leader ┘
//!            │                                         │
//!            └──── disk failed, replica removed ───────┴──► Stopped
//! ```

use std::sync::Arc;

use metadata::PartitionRegistration;
use replication::{Follower, Leader, Registration, Start};
use smallvec::SmallVec;
use types::{LeaderEpoch, NodeId};

use super::leading::Leading;
use super::led::Led;
use super::tail::Tail;
use super::{AckOutcome, Partition, Role, State, Stop, complete};

/// A few nodes.
pub(crate) type Nodes = SmallVec<[NodeId; 4]>;

/// What the controller decided about a partition, as this broker sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assignment<'a> {
    pub(crate) local: NodeId,
    pub(crate) registration: &'a PartitionRegistration,
    /// The effective minimum, capped by the number of replicas.
    pub(crate) min_isr: usize,
}

impl Assignment<'_> {
    fn to_registration(self) -> Registration {
        Registration {
            partition_epoch: self.registration.partition_epoch,
            replicas: self.registration.replicas.clone(),
            isr: self.registration.isr.clone(),
            min_isr: self.min_isr,
        }
    }
}

impl Partition {
    /// The controller decided something about the partition: leads, follows, or takes note of another
    /// ISR. Decisions older than the one in force change nothing. Returns the nodes that followed this
    /// broker before or do now: their connections have to look at the partition.
    ///
    /// # Errors
    /// The epoch's start cannot be written down; the partition then serves nothing.
    pub(crate) fn assign(&self, assignment: Assignment<'_>) -> Result<Nodes, storage::Error> {
        let registration = assignment.registration;
        let mut state = self.state.lock();
        let mut nodes = state.followers();
        if registration.leader_epoch < state.leader_epoch()
            || matches!(state.role, Role::Stopped(Stop::Final))
        {
            return Ok(Nodes::new());
        }
        if registration.leader != Some(assignment.local) {
            state.follow(registration.leader_epoch, registration.leader);
            return Ok(nodes);
        }
        nodes.extend(registration.replicas.iter().copied());
        let State { role, .. } = &mut *state;
        if let Role::Leader(leading) = role
            && leading.leader.leader_epoch() == registration.leader_epoch
        {
            let advanced = leading
                .leader
                .wake()
                .on_registration(assignment.to_registration());
            leading.drop_strangers();
            let effects = state.on_high_watermark(advanced);
            drop(state);
            effects.carry_out();
            return Ok(nodes);
        }
        self.lead(&mut state, assignment).inspect_err(|error| {
            self.shared.room.on_failed_write(error);
            state.leave(Role::Stopped(Stop::CannotLead(registration.leader_epoch)));
        })?;
        Ok(nodes)
    }

    fn lead(&self, state: &mut State, assignment: Assignment<'_>) -> Result<(), storage::Error> {
        let leader_epoch = assignment.registration.leader_epoch;
        let (log_end_offset, recovery_point) = {
            let mut log = self.log.lock();
            let log_end_offset = log.log_end_offset();
            log.assign_epoch_start(leader_epoch, log_end_offset)?;
            (log_end_offset, log.recovery_point())
        };
        let leader = Leader::new(Start {
            local: assignment.local,
            leader_epoch,
            registration: assignment.to_registration(),
            log_end_offset,
            high_watermark: state.high_watermark,
            durable_offset: state.syncs.counted(recovery_point),
        });
        state.high_watermark = leader.high_watermark();
        let leader = Led::new(leader, self.key(), Arc::clone(&self.shared.isr_watch));
        let tail = Tail::new(Arc::clone(&self.shared.tail_budget));
        // Whoever waits was promised by an earlier leader, or may read more now.
        state.leave(Role::Leader(Box::new(Leading::new(leader, tail))));
        self.on_unsynced(state, log_end_offset, recovery_point);
        Ok(())
    }

    /// `min.insync.replicas` changed.
    pub(crate) fn set_min_isr(&self, min_isr: usize) {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return;
        };
        let advanced = leading.leader.wake().on_min_isr(min_isr);
        let effects = state.on_high_watermark(advanced);
        drop(state);
        effects.carry_out();
    }

    /// Serves nothing any more, for good: its log directory failed, or the replica is being removed.
    pub(crate) fn stop(&self) {
        self.state.lock().leave(Role::Stopped(Stop::Final));
    }

    /// Serves nothing any more: the replica is being removed, or the broker stops. Whoever still asks is
    /// sent to look for the partition elsewhere. Returns the nodes that followed this broker.
    pub(crate) fn retire(&self) -> Nodes {
        let mut state = self.state.lock();
        let nodes = state.followers();
        let leader_epoch = state.leader_epoch();
        // Nobody is the leader that it would follow.
        let high_watermark = state.high_watermark;
        state.leave(Role::Follower(Follower::new(
            leader_epoch,
            None,
            high_watermark,
        )));
        nodes
    }

    /// Whether this broker was elected and could not begin.
    pub(crate) fn is_waiting_to_lead(&self) -> bool {
        matches!(self.state.lock().role, Role::Stopped(Stop::CannotLead(_)))
    }

    /// Whether this broker leads the partition, in an epoch that has that node among its replicas.
    pub(crate) fn is_led_for(&self, follower: NodeId) -> bool {
        match &self.state.lock().role {
            Role::Leader(leading) => leading.leader.follower(follower).is_some(),
            Role::Follower(_) | Role::Stopped(_) => false,
        }
    }
}

impl State {
    /// Who follows this broker; nobody if it does not lead.
    fn followers(&self) -> Nodes {
        match &self.role {
            Role::Leader(leading) => leading.leader.followers().map(|(node, _)| node).collect(),
            Role::Follower(_) | Role::Stopped(_) => Nodes::new(),
        }
    }

    fn follow(&mut self, leader_epoch: LeaderEpoch, leader: Option<NodeId>) {
        if let Role::Follower(follower) = &mut self.role
            && follower.leader_epoch() == leader_epoch
        {
            follower.on_leader(leader);
            return;
        }
        let follower = Follower::new(leader_epoch, leader, self.high_watermark);
        self.leave(Role::Follower(follower));
    }

    /// Another role, or another epoch in it: everybody who waits must look elsewhere, or again.
    fn leave(&mut self, role: Role) {
        if let Role::Leader(leading) = &self.role
            && let Some(observer) = &leading.observer
        {
            observer.on_resigned();
        }
        self.role = role;
        self.is_isr_queued = false;
        self.watchers.wake_all();
        complete(self.acks.take_all(), AckOutcome::NotLeader);
        complete(self.syncs.leave(), AckOutcome::NotLeader);
    }
}
