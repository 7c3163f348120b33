//! What leaders propose about who is in sync, and what the controller answers: the words, and both
//! directions of their conversion.

use types::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId, Uuid};

use crate::Error;
use crate::client::uuid_to_wire;
use crate::proto::control::v1 as wire;
use crate::server::{InvalidRequest, invalid};
use wire::partition_answer::Answer;
use wire::partition_refusal::Reason;

/// Most updates in one request.
pub const UPDATES_MAX: usize = 10_000;
/// Most members of an ISR, and most replicas of a partition.
const MEMBERS_MAX: usize = 1_000;

/// A member of the proposed ISR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsrMember {
    /// The replica.
    pub node: NodeId,
    /// The broker epoch under which the leader saw it in sync; [`BrokerEpoch::NONE`] if the leader
    /// could not know, which is then not checked.
    pub broker_epoch: BrokerEpoch,
}

/// A proposal for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionUpdate {
    /// The topic.
    pub topic_id: TopicId,
    /// The partition.
    pub index: PartitionIndex,
    /// The epoch the sender leads in.
    pub leader_epoch: LeaderEpoch,
    /// The state that the proposal starts from.
    pub partition_epoch: PartitionEpoch,
    /// Who is in sync, the leader included.
    pub isr: Vec<IsrMember>,
}

/// The partition once the change is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Who leads, if anybody does.
    pub leader: Option<NodeId>,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// Counts the changes.
    pub partition_epoch: PartitionEpoch,
    /// Everyone who should hold the partition, preferred leader first.
    pub replicas: Vec<NodeId>,
    /// Who is in sync.
    pub isr: Vec<NodeId>,
    /// Who is complete without being in sync (KIP-966).
    pub elr: Vec<NodeId>,
}

/// Why the ISR stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionRefusal {
    /// No topic of that id.
    #[error("there is no topic of that id")]
    UnknownTopicId,
    /// No such partition.
    #[error("the topic has no such partition")]
    UnknownPartition,
    /// Another broker leads.
    #[error("another broker leads the partition")]
    NotLeader,
    /// The sender's leadership is over.
    #[error("the leader epoch has been replaced")]
    FencedLeaderEpoch,
    /// The sender has seen metadata that the controller has not.
    #[error("the proposal is from the future of the controller")]
    Ahead,
    /// The partition changed in the meantime.
    #[error("the partition epoch has been replaced")]
    StalePartitionEpoch,
    /// The proposal itself makes no sense.
    #[error("the proposal makes no sense")]
    Invalid,
    /// A member is fenced, shutting down, or not the process that was in sync.
    #[error("broker {0} is fenced, shutting down or has registered again")]
    Ineligible(NodeId),
}

impl PartitionRefusal {
    /// Whether the proposal is certain never to be applied, so that the leader may forget it. After any
    /// other refusal the larger set stays until newer metadata say what became of it.
    #[must_use]
    pub const fn proves_not_applied(self) -> bool {
        matches!(self, Self::Ineligible(_) | Self::Invalid)
    }
}

/// One answer for one partition.
pub type PartitionAnswer = Result<PartitionState, PartitionRefusal>;

pub(crate) fn request_to_wire(
    broker: NodeId,
    epoch: BrokerEpoch,
    updates: &[PartitionUpdate],
) -> wire::AlterPartitionsRequest {
    let member = |member: &IsrMember| wire::IsrMember {
        node_id: member.node.0,
        broker_epoch: member.broker_epoch.0,
    };
    let update = |update: &PartitionUpdate| wire::PartitionUpdate {
        topic_id: uuid_to_wire(update.topic_id.0),
        partition: update.index,
        leader_epoch: update.leader_epoch.0,
        partition_epoch: update.partition_epoch.0,
        isr: update.isr.iter().map(member).collect(),
    };
    wire::AlterPartitionsRequest {
        broker_id: broker.0,
        broker_epoch: epoch.0,
        updates: updates.iter().map(update).collect(),
    }
}

pub(crate) fn request_from_wire(
    request: wire::AlterPartitionsRequest,
) -> Result<(NodeId, BrokerEpoch, Vec<PartitionUpdate>), InvalidRequest> {
    if request.updates.len() > UPDATES_MAX {
        return Err(invalid("the number of updates"));
    }
    let updates = request.updates.into_iter().map(update_from_wire);
    Ok((
        NodeId(request.broker_id),
        BrokerEpoch(request.broker_epoch),
        updates.collect::<Result<_, _>>()?,
    ))
}

fn update_from_wire(update: wire::PartitionUpdate) -> Result<PartitionUpdate, InvalidRequest> {
    if update.isr.len() > MEMBERS_MAX {
        return Err(invalid("the size of the isr"));
    }
    let topic_id = <[u8; 16]>::try_from(&update.topic_id[..]);
    let topic_id = topic_id.map_err(|_length| invalid("topic id"))?;
    let members = update.isr.iter().map(|member| IsrMember {
        node: NodeId(member.node_id),
        broker_epoch: BrokerEpoch(member.broker_epoch),
    });
    Ok(PartitionUpdate {
        topic_id: TopicId(Uuid::from_bytes(topic_id)),
        index: update.partition,
        leader_epoch: LeaderEpoch(update.leader_epoch),
        partition_epoch: PartitionEpoch(update.partition_epoch),
        isr: members.collect(),
    })
}

pub(crate) fn response_to_wire(answers: Vec<PartitionAnswer>) -> wire::AlterPartitionsResponse {
    let answer = |answer: PartitionAnswer| wire::PartitionAnswer {
        answer: Some(match answer {
            Ok(state) => Answer::State(state_to_wire(state)),
            Err(refusal) => Answer::Refusal(refusal_to_wire(refusal)),
        }),
    };
    wire::AlterPartitionsResponse {
        answers: answers.into_iter().map(answer).collect(),
    }
}

fn state_to_wire(state: PartitionState) -> wire::PartitionState {
    let ids = |nodes: Vec<NodeId>| nodes.into_iter().map(|node| node.0).collect();
    wire::PartitionState {
        leader_id: state.leader.unwrap_or(NodeId::NONE).0,
        leader_epoch: state.leader_epoch.0,
        partition_epoch: state.partition_epoch.0,
        replicas: ids(state.replicas),
        isr: ids(state.isr),
        elr: ids(state.elr),
    }
}

fn refusal_to_wire(refusal: PartitionRefusal) -> wire::PartitionRefusal {
    let (reason, node) = match refusal {
        PartitionRefusal::UnknownTopicId => (Reason::UnknownTopicId, NodeId::NONE),
        PartitionRefusal::UnknownPartition => (Reason::UnknownPartition, NodeId::NONE),
        PartitionRefusal::NotLeader => (Reason::NotLeader, NodeId::NONE),
        PartitionRefusal::FencedLeaderEpoch => (Reason::FencedLeaderEpoch, NodeId::NONE),
        PartitionRefusal::Ahead => (Reason::Ahead, NodeId::NONE),
        PartitionRefusal::StalePartitionEpoch => (Reason::StalePartitionEpoch, NodeId::NONE),
        PartitionRefusal::Invalid => (Reason::Invalid, NodeId::NONE),
        PartitionRefusal::Ineligible(node) => (Reason::Ineligible, node),
    };
    wire::PartitionRefusal {
        reason: reason.into(),
        node_id: node.0,
    }
}

/// Reads the answers to `count` updates.
pub(crate) fn response_from_wire(
    response: wire::AlterPartitionsResponse,
    count: usize,
) -> Result<Vec<PartitionAnswer>, Error> {
    if response.answers.len() != count {
        let given = response.answers.len();
        return Err(Error::Malformed(format!(
            "{given} answers to {count} updates"
        )));
    }
    response.answers.into_iter().map(answer_from_wire).collect()
}

fn answer_from_wire(answer: wire::PartitionAnswer) -> Result<PartitionAnswer, Error> {
    match answer.answer {
        Some(Answer::State(state)) => Ok(Ok(state_from_wire(state)?)),
        Some(Answer::Refusal(refusal)) => Ok(Err(refusal_from_wire(refusal)?)),
        None => Err(Error::Malformed("an empty answer to an update".to_owned())),
    }
}

fn state_from_wire(state: wire::PartitionState) -> Result<PartitionState, Error> {
    let longest = state.replicas.len().max(state.isr.len());
    if longest.max(state.elr.len()) > MEMBERS_MAX {
        return Err(Error::Malformed("too many replicas".to_owned()));
    }
    let nodes = |ids: Vec<i32>| ids.into_iter().map(NodeId).collect();
    Ok(PartitionState {
        leader: Some(NodeId(state.leader_id)).filter(|node| node.0 >= 0),
        leader_epoch: LeaderEpoch(state.leader_epoch),
        partition_epoch: PartitionEpoch(state.partition_epoch),
        replicas: nodes(state.replicas),
        isr: nodes(state.isr),
        elr: nodes(state.elr),
    })
}

fn refusal_from_wire(refusal: wire::PartitionRefusal) -> Result<PartitionRefusal, Error> {
    Ok(match refusal.reason() {
        Reason::UnknownTopicId => PartitionRefusal::UnknownTopicId,
        Reason::UnknownPartition => PartitionRefusal::UnknownPartition,
        Reason::NotLeader => PartitionRefusal::NotLeader,
        Reason::FencedLeaderEpoch => PartitionRefusal::FencedLeaderEpoch,
        Reason::Ahead => PartitionRefusal::Ahead,
        Reason::StalePartitionEpoch => PartitionRefusal::StalePartitionEpoch,
        Reason::Invalid => PartitionRefusal::Invalid,
        Reason::Ineligible => PartitionRefusal::Ineligible(NodeId(refusal.node_id)),
        Reason::Unspecified => {
            return Err(Error::Malformed("a refusal without a reason".to_owned()));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update() -> PartitionUpdate {
        PartitionUpdate {
            topic_id: TopicId(Uuid::ONE),
            index: 3,
            leader_epoch: LeaderEpoch(5),
            partition_epoch: PartitionEpoch(9),
            isr: vec![
                IsrMember {
                    node: NodeId(1),
                    broker_epoch: BrokerEpoch(17),
                },
                IsrMember {
                    node: NodeId(2),
                    broker_epoch: BrokerEpoch::NONE,
                },
            ],
        }
    }

    #[test]
    fn a_proposal_survives_the_wire() {
        let updates = vec![update(), update()];
        let wire = request_to_wire(NodeId(1), BrokerEpoch(17), &updates);
        let read = request_from_wire(wire);
        assert_eq!(read, Ok((NodeId(1), BrokerEpoch(17), updates)));
    }

    #[test]
    fn every_answer_survives_the_wire() {
        use PartitionRefusal as Refusal;
        let state = PartitionState {
            leader: None,
            leader_epoch: LeaderEpoch(6),
            partition_epoch: PartitionEpoch(10),
            replicas: vec![NodeId(1), NodeId(2)],
            isr: vec![NodeId(2)],
            elr: vec![NodeId(1)],
        };
        let refusals = [
            Refusal::UnknownTopicId,
            Refusal::UnknownPartition,
            Refusal::NotLeader,
            Refusal::FencedLeaderEpoch,
            Refusal::Ahead,
            Refusal::StalePartitionEpoch,
            Refusal::Invalid,
            Refusal::Ineligible(NodeId(3)),
        ];
        let refusals = refusals.map(Err);
        let answers: Vec<_> = refusals.into_iter().chain([Ok(state)]).collect();
        let read = response_from_wire(response_to_wire(answers.clone()), answers.len());
        assert_eq!(read.expect("what was written"), answers);
    }

    #[test]
    fn answers_that_do_not_match_the_updates_are_refused() {
        let empty = wire::PartitionAnswer { answer: None };
        let nameless = wire::PartitionAnswer {
            answer: Some(Answer::Refusal(wire::PartitionRefusal::default())),
        };
        for answers in [vec![], vec![empty], vec![nameless]] {
            let response = wire::AlterPartitionsResponse { answers };
            assert!(matches!(
                response_from_wire(response, 1),
                Err(Error::Malformed(_))
            ));
        }
    }

    #[test]
    fn proposals_out_of_range_are_refused() {
        let good = || request_to_wire(NodeId(1), BrokerEpoch(1), &[update()]);
        let mut short_id = good();
        short_id.updates[0].topic_id = vec![1; 15].into();
        let mut crowd = good();
        crowd.updates[0].isr = vec![wire::IsrMember::default(); MEMBERS_MAX + 1];
        for request in [short_id, crowd] {
            assert!(request_from_wire(request).is_err());
        }
    }
}
