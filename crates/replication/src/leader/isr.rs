//! Who should be in sync: what the leader proposes to the controller, and what it makes of the answer.
//!
//! ```text
//!  propose ──▶ controller ──▶ Committed    the new ISR counts
//!     │                  ├──▶ NotApplied   forgotten: the old ISR counts
//!     │                  └──▶ Unknown      may have been applied: both count until newer metadata or a
//!     ▼                                    retry of the same proposal tells
//!  both ISRs count for the high watermark
//! ```

use std::time::Duration;

use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionEpoch};

use super::Leader;
use crate::mutant::{self, Mutant};
use crate::{Phase, Progress};

/// How long a follower may be behind before it leaves the ISR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Without having had all that the leader had (`replica.lag.time.max.ms`).
    pub lag_max: Duration,
    /// The same while no stream carries the partition to it: usually shorter, because nothing will come.
    pub disconnected_max: Duration,
}

/// A change of the ISR, asked of the controller: a compare-and-set on the partition epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The epoch that the sender leads in.
    pub leader_epoch: LeaderEpoch,
    /// The registration that the proposal starts from.
    pub partition_epoch: PartitionEpoch,
    /// Who is in sync, in the order of the replicas, each with the process that said so
    /// ([`BrokerEpoch::NONE`] for the leader itself and for members that have no session now).
    pub isr: Vec<(NodeId, BrokerEpoch)>,
}

/// What became of a proposal. Only a definite refusal may be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It certainly has not been applied and never will be.
    NotApplied,
    /// It was applied, may have been, or may yet be: the registration that comes with the metadata tells.
    Unknown,
}

impl Leader {
    /// The ISR that should be, if it is not the one that is and no proposal is in flight. The proposal
    /// is in flight from then on, until [`Leader::on_answer`] or a newer registration.
    ///
    /// `is_eligible` says whether a broker is registered with that broker epoch (any, if `NONE`), not
    /// fenced and not shutting down. To be called when a follower may join ([`Leader::has_candidate`])
    /// and every now and then, at least twice within the shorter limit, unless the leader rests
    /// ([`Leader::rest`]).
    pub fn propose(
        &mut self,
        now: Duration,
        limits: Limits,
        is_eligible: &dyn Fn(NodeId, BrokerEpoch) -> bool,
    ) -> Option<Proposal> {
        let leader_end = self.log_end_offset;
        let mut isr = Vec::with_capacity(self.registration.replicas.len());
        let replicas = self.registration.replicas.clone();
        for node in replicas {
            if node == self.local {
                isr.push((node, BrokerEpoch::NONE));
                continue;
            }
            let Some(progress) = self.followers.get_mut(&node) else {
                continue;
            };
            let look = progress.look(now, leader_end);
            let progress = *progress;
            let epoch = progress
                .session()
                .map_or(BrokerEpoch::NONE, |s| s.broker_epoch);
            let epoch = if mutant::is(Mutant::NoBrokerEpochAtLeader) {
                BrokerEpoch::NONE
            } else {
                epoch
            };
            let belongs = if self.registration.isr.contains(&node) {
                let is_late = look.behind_for > limits.lag_max
                    || look.disconnected_for > limits.disconnected_max;
                !progress.has_lost && !progress.cannot_write && (look.is_at_end || !is_late)
            } else {
                self.may_join(progress) && is_eligible(node, epoch)
            };
            if belongs {
                isr.push((node, epoch));
            }
        }
        let is_same = isr.len() == self.registration.isr.len()
            && isr
                .iter()
                .all(|(node, _)| self.registration.isr.contains(node));
        if self.in_flight.is_some() || is_same {
            return None;
        }
        if mutant::is(Mutant::LeaderShrinksAlone) {
            self.registration
                .isr
                .retain(|node| isr.iter().any(|(member, _)| member == node));
            return None;
        }
        let proposal = Proposal {
            leader_epoch: self.leader_epoch,
            partition_epoch: self.registration.partition_epoch,
            isr,
        };
        self.in_flight = Some(proposal.clone());
        Some(proposal)
    }

    /// Whether [`Leader::propose`] should be asked now rather than at the next look: a follower has
    /// caught up, or one of the ISR cannot write, or came back with less than is committed.
    #[must_use]
    pub fn has_candidate(&self) -> bool {
        self.in_flight.is_none()
            && self.followers.iter().any(|(node, progress)| {
                let is_in_sync = self.registration.isr.contains(node);
                (is_in_sync && (progress.has_lost || progress.cannot_write))
                    || (!is_in_sync && self.may_join(*progress))
            })
    }

    /// The proposal in flight, for a retry.
    #[must_use]
    pub const fn in_flight(&self) -> Option<&Proposal> {
        self.in_flight.as_ref()
    }

    /// The controller answered, or did not. Answers to any but the proposal in flight change nothing. Returns the new high watermark if it moved.
    pub fn on_answer(&mut self, proposal: &Proposal, answer: Answer) -> Option<Offset> {
        self.assert_awake();
        let is_current = self.in_flight.as_ref() == Some(proposal);
        match answer {
            Answer::NotApplied if is_current => self.forget_proposal(),
            Answer::Unknown if is_current && mutant::is(Mutant::RollbackOnTimeout) => {
                self.forget_proposal()
            }
            Answer::NotApplied | Answer::Unknown => None,
        }
    }

    fn forget_proposal(&mut self) -> Option<Offset> {
        self.in_flight = None;
        self.advance()
    }

    /// Whether a follower outside the ISR has all that an in-sync replica must have. The high watermark
    /// of a new leader may be stale, so the start of its epoch counts as well.
    pub(super) fn may_join(&self, progress: Progress) -> bool {
        let floor = if mutant::is(Mutant::NoEpochStartRule) {
            self.high_watermark
        } else {
            self.high_watermark.max(self.epoch_start)
        };
        let is_reconciled =
            progress.phase() == Phase::Following || mutant::is(Mutant::ProgressBeforeReconciled);
        is_reconciled && progress.log_end_offset().is_some_and(|end| end >= floor)
    }
}
