//! `AddRaftVoter` (key 80).

use protocol::Str;
use protocol::messages::add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse};
use types::{DirectoryId, ErrorCode, NodeId, Uuid};

use super::{Error, check_cluster, code, deadline, node_id};
use crate::quorum::{Quorum, VoterNode};

pub(super) async fn answer(
    quorum: &Quorum,
    request: AddRaftVoterRequest,
) -> Result<AddRaftVoterResponse, Error> {
    if let Err(unfit) = check_cluster(quorum, request.cluster_id.as_deref()) {
        return Ok(refused(unfit.code(), &unfit));
    }
    let (id, node) = match voter(&request, quorum.listener_name()) {
        Ok(voter) => voter,
        Err(error) => return Ok(refused(ErrorCode::InvalidRequest, &error)),
    };
    let until = deadline(Some(request.timeout_ms));
    match quorum.add_voter(id, node, until).await {
        Ok(()) => Ok(AddRaftVoterResponse::default()),
        Err(error) => Ok(refused(code(&error)?, &error)),
    }
}

/// What is wrong with a request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Incomplete {
    #[error("Add voter request didn't include a valid voter")]
    Voter,
    #[error(
        "Add voter request didn't include the endpoint ({endpoints}) for the default listener \
         {listener}"
    )]
    Endpoint { endpoints: String, listener: String },
}

/// The voter asked for, with the endpoint that voters talk through.
fn voter(request: &AddRaftVoterRequest, listener: &str) -> Result<(NodeId, VoterNode), Incomplete> {
    let id = node_id(request.voter_id).ok_or(Incomplete::Voter)?;
    if request.voter_directory_id == Uuid::ZERO {
        return Err(Incomplete::Voter);
    }
    let mut endpoints = request.listeners.iter();
    let endpoint = endpoints
        .find(|endpoint| &*endpoint.name == listener && !endpoint.host.is_empty())
        .ok_or_else(|| Incomplete::Endpoint {
            endpoints: named(request),
            listener: listener.to_owned(),
        })?;
    let node = VoterNode {
        address: address(&endpoint.host, endpoint.port),
        directory_id: DirectoryId(request.voter_directory_id),
    };
    Ok((id, node))
}

fn address(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

fn named(request: &AddRaftVoterRequest) -> String {
    let endpoints = request.listeners.iter();
    let endpoints = endpoints.map(|it| format!("{}://{}:{}", it.name, it.host, it.port));
    endpoints.collect::<Vec<_>>().join(",")
}

fn refused(code: ErrorCode, error: &dyn std::error::Error) -> AddRaftVoterResponse {
    AddRaftVoterResponse {
        error_code: code.to_wire(),
        error_message: Some(Str::from(error.to_string())),
        ..AddRaftVoterResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use protocol::messages::add_raft_voter::Listener;

    use super::*;

    fn request() -> AddRaftVoterRequest {
        AddRaftVoterRequest {
            voter_id: 4,
            voter_directory_id: Uuid::ONE,
            listeners: vec![Listener {
                name: "CONTROLLER".into(),
                host: "::1".into(),
                port: 9093,
            }],
            ..AddRaftVoterRequest::default()
        }
    }

    #[test]
    fn a_voter_is_known_by_the_endpoint_of_the_default_listener() {
        let (id, node) = voter(&request(), "CONTROLLER").expect("complete");
        assert_eq!((id, &*node.address), (NodeId(4), "[::1]:9093"));
    }

    #[test]
    fn a_request_without_id_disk_or_endpoint_is_incomplete() {
        let nobody = AddRaftVoterRequest {
            voter_id: -1,
            ..request()
        };
        let no_disk = AddRaftVoterRequest {
            voter_directory_id: Uuid::ZERO,
            ..request()
        };
        for request in [nobody, no_disk] {
            assert_eq!(voter(&request, "CONTROLLER"), Err(Incomplete::Voter));
        }
        let elsewhere = voter(&request(), "OTHER");
        assert!(matches!(elsewhere, Err(Incomplete::Endpoint { .. })));
    }
}
