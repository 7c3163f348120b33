//! `ListPartitionReassignments` (key 46). Changes nothing, but is answered by the controller, whose
//! image is the newest.

use metadata::MetadataImage;
use protocol::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use types::{ErrorCode, NodeId};

use super::{AdminApi, RequestContext};
use crate::decide::{Decision, Ongoing, list_partition_reassignments};

pub(super) struct Api;

impl AdminApi for Api {
    type Request = ListPartitionReassignmentsRequest;
    type Response = ListPartitionReassignmentsResponse;

    fn evaluate(
        image: &MetadataImage,
        _context: &RequestContext<'_>,
        _version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let found = list_partition_reassignments(image, request.topics.as_deref());
        let topics = found
            .into_iter()
            .map(|(name, ongoing)| OngoingTopicReassignment {
                name,
                partitions: ongoing.iter().map(partition).collect(),
            });
        Decision::only(ListPartitionReassignmentsResponse {
            error_message: None,
            topics: topics.collect(),
            ..ListPartitionReassignmentsResponse::default()
        })
    }

    fn refuse(_version: i16, _request: &Self::Request, code: ErrorCode) -> Self::Response {
        ListPartitionReassignmentsResponse {
            error_code: code.to_wire(),
            error_message: None,
            ..ListPartitionReassignmentsResponse::default()
        }
    }
}

fn partition(ongoing: &Ongoing) -> OngoingPartitionReassignment {
    let ids = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect();
    OngoingPartitionReassignment {
        partition_index: ongoing.index,
        replicas: ids(&ongoing.partition.replicas),
        adding_replicas: ids(&ongoing.partition.adding_replicas),
        removing_replicas: ids(&ongoing.partition.removing_replicas),
    }
}
