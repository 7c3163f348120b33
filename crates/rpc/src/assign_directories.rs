//! In which log directories a broker keeps its replicas (KIP-858), as it tells the controller.

use types::{BrokerEpoch, DirectoryId, NodeId, PartitionIndex, TopicId, Uuid};

use crate::Error;
use crate::client::uuid_to_wire;
use crate::proto::control::v1 as wire;
use crate::server::{InvalidRequest, invalid};
use wire::assign_directories_response::Result as Outcome;

/// Most assignments in one request.
pub const ASSIGNMENTS_MAX: usize = 10_000;

/// Where the broker keeps one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryAssignment {
    /// The topic.
    pub topic_id: TopicId,
    /// The partition.
    pub index: PartitionIndex,
    /// The directory.
    pub directory: DirectoryId,
}

/// Why an assignment is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryRefusal {
    /// No topic of that id.
    #[error("there is no topic of that id")]
    UnknownTopicId,
    /// No such partition.
    #[error("the topic has no such partition")]
    UnknownPartition,
    /// The sender is no replica of the partition.
    #[error("the broker is no replica of the partition")]
    NotReplica,
    /// The sender has not registered the directory.
    #[error("the broker has not registered the directory")]
    UnknownDirectory,
}

/// One answer for one assignment; `Ok` once it is committed.
pub type DirectoryAnswer = Result<(), DirectoryRefusal>;

pub(crate) fn request_to_wire(
    broker: NodeId,
    epoch: BrokerEpoch,
    assignments: &[DirectoryAssignment],
) -> wire::AssignDirectoriesRequest {
    let assignment = |given: &DirectoryAssignment| wire::DirectoryAssignment {
        topic_id: uuid_to_wire(given.topic_id.0),
        partition: given.index,
        directory_id: uuid_to_wire(given.directory.0),
    };
    wire::AssignDirectoriesRequest {
        broker_id: broker.0,
        broker_epoch: epoch.0,
        assignments: assignments.iter().map(assignment).collect(),
    }
}

pub(crate) fn request_from_wire(
    request: &wire::AssignDirectoriesRequest,
) -> Result<(NodeId, BrokerEpoch, Vec<DirectoryAssignment>), InvalidRequest> {
    if request.assignments.len() > ASSIGNMENTS_MAX {
        return Err(invalid("the number of assignments"));
    }
    let assignments = request.assignments.iter().map(|given| {
        Ok(DirectoryAssignment {
            topic_id: TopicId(uuid(&given.topic_id, "topic id")?),
            index: given.partition,
            directory: DirectoryId(uuid(&given.directory_id, "directory id")?),
        })
    });
    Ok((
        NodeId(request.broker_id),
        BrokerEpoch(request.broker_epoch),
        assignments.collect::<Result<_, _>>()?,
    ))
}

fn uuid(bytes: &[u8], field: &'static str) -> Result<Uuid, InvalidRequest> {
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_length| invalid(field))?;
    Ok(Uuid::from_bytes(bytes))
}

pub(crate) fn response_to_wire(answers: &[DirectoryAnswer]) -> wire::AssignDirectoriesResponse {
    let outcome = |answer: &DirectoryAnswer| match answer {
        Ok(()) => Outcome::Committed,
        Err(DirectoryRefusal::UnknownTopicId) => Outcome::UnknownTopicId,
        Err(DirectoryRefusal::UnknownPartition) => Outcome::UnknownPartition,
        Err(DirectoryRefusal::NotReplica) => Outcome::NotReplica,
        Err(DirectoryRefusal::UnknownDirectory) => Outcome::UnknownDirectory,
    };
    wire::AssignDirectoriesResponse {
        results: answers.iter().map(|a| outcome(a).into()).collect(),
    }
}

/// Reads the answers to `count` assignments.
pub(crate) fn response_from_wire(
    response: &wire::AssignDirectoriesResponse,
    count: usize,
) -> Result<Vec<DirectoryAnswer>, Error> {
    let given = response.results.len();
    if given != count {
        let message = format!("{given} answers to {count} assignments");
        return Err(Error::Malformed(message));
    }
    response.results().map(answer_from_wire).collect()
}

fn answer_from_wire(outcome: Outcome) -> Result<DirectoryAnswer, Error> {
    Ok(match outcome {
        Outcome::Committed => Ok(()),
        Outcome::UnknownTopicId => Err(DirectoryRefusal::UnknownTopicId),
        Outcome::UnknownPartition => Err(DirectoryRefusal::UnknownPartition),
        Outcome::NotReplica => Err(DirectoryRefusal::NotReplica),
        Outcome::UnknownDirectory => Err(DirectoryRefusal::UnknownDirectory),
        Outcome::Unspecified => {
            let message = "an empty answer to an assignment".to_owned();
            return Err(Error::Malformed(message));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_and_their_answers_survive_the_wire() {
        let given = vec![DirectoryAssignment {
            topic_id: TopicId(Uuid::ONE),
            index: 7,
            directory: DirectoryId(Uuid::from_bytes([9; 16])),
        }];
        let wire = request_to_wire(NodeId(2), BrokerEpoch(4), &given);
        let read = request_from_wire(&wire);
        assert_eq!(read, Ok((NodeId(2), BrokerEpoch(4), given)));

        let answers = vec![
            Ok(()),
            Err(DirectoryRefusal::UnknownTopicId),
            Err(DirectoryRefusal::UnknownPartition),
            Err(DirectoryRefusal::NotReplica),
            Err(DirectoryRefusal::UnknownDirectory),
        ];
        let read = response_from_wire(&response_to_wire(&answers), 5);
        assert_eq!(read.expect("five answers"), answers);
        assert!(response_from_wire(&response_to_wire(&answers), 4).is_err());
    }

    #[test]
    fn a_directory_id_of_another_length_is_refused() {
        let wire = wire::AssignDirectoriesRequest {
            assignments: vec![wire::DirectoryAssignment::default()],
            ..Default::default()
        };
        assert!(request_from_wire(&wire).is_err());
    }
}
