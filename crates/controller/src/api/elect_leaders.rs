//! `ElectLeaders` (key 43).

use metadata::MetadataImage;
use protocol::Str;
use protocol::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};
use types::{ErrorCode, PartitionIndex};

use super::{AdminApi, RequestContext, worded};
use crate::decide::{Decision, Election, ElectionRefusal as Refusal, elect_leaders};

/// From this version on, the kind of election is asked for and the answer has a code of its own.
const KINDS_FROM: i16 = 1;

pub(super) struct Api;

impl AdminApi for Api {
    type Request = ElectLeadersRequest;
    type Response = ElectLeadersResponse;

    fn timeout_ms(request: &Self::Request) -> Option<i32> {
        Some(request.timeout_ms)
    }

    fn evaluate(
        image: &MetadataImage,
        _context: &RequestContext<'_>,
        version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let election = match (version, request.election_type) {
            (..KINDS_FROM, _) | (_, 0) => Election::Preferred,
            (_, 1) => Election::Unclean,
            _ => {
                return Decision::only(ElectLeadersResponse {
                    error_code: ErrorCode::InvalidRequest.to_wire(),
                    ..ElectLeadersResponse::default()
                });
            }
        };
        let asked = request.topic_partitions.as_deref();
        let Decision { records, response } = elect_leaders(image, election, asked);
        let replica_election_results =
            response
                .into_iter()
                .map(|(topic, answers)| ReplicaElectionResult {
                    topic,
                    partition_result: answers.iter().map(result).collect(),
                });
        let replica_election_results = replica_election_results.collect();
        Decision {
            records,
            response: ElectLeadersResponse {
                replica_election_results,
                ..ElectLeadersResponse::default()
            },
        }
    }

    fn refuse(version: i16, request: &Self::Request, code: ErrorCode) -> Self::Response {
        let topics = request.topic_partitions.iter().flatten();
        let results = topics.map(|topic| ReplicaElectionResult {
            topic: topic.topic.clone(),
            partition_result: topic
                .partitions
                .iter()
                .map(|index| PartitionResult {
                    partition_id: *index,
                    error_code: code.to_wire(),
                    error_message: None,
                })
                .collect(),
        });
        ElectLeadersResponse {
            error_code: if version >= KINDS_FROM {
                code
            } else {
                ErrorCode::None
            }
            .to_wire(),
            replica_election_results: results.collect(),
            ..ElectLeadersResponse::default()
        }
    }
}

fn result((index, result): &(PartitionIndex, Result<(), Refusal>)) -> PartitionResult {
    let (error_code, error_message): (i16, Option<Str>) = worded(result, code);
    PartitionResult {
        partition_id: *index,
        error_code,
        error_message,
    }
}

const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::UnknownTopic(_) | Refusal::UnknownPartition { .. } => {
            ErrorCode::UnknownTopicOrPartition
        }
        Refusal::NotNeeded => ErrorCode::ElectionNotNeeded,
        Refusal::PreferredNotAvailable => ErrorCode::PreferredLeaderNotAvailable,
        Refusal::NoneAvailable => ErrorCode::EligibleLeadersNotAvailable,
    }
}
