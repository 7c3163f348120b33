//! `RemoveRaftVoter` (key 81).

use protocol::Str;
use protocol::messages::remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};
use types::{DirectoryId, ErrorCode};

use super::{Error, check_cluster, code, deadline, node_id};
use crate::quorum::{ChangeError, Quorum};

pub(super) async fn answer(
    quorum: &Quorum,
    request: RemoveRaftVoterRequest,
) -> Result<RemoveRaftVoterResponse, Error> {
    if let Err(unfit) = check_cluster(quorum, request.cluster_id.as_deref()) {
        return Ok(refused(unfit.code(), &unfit));
    }
    let directory_id = DirectoryId(request.voter_directory_id);
    let removed = match node_id(request.voter_id) {
        Some(id) => quorum.remove_voter(id, directory_id, deadline(None)).await,
        None => Err(ChangeError::NotFound(types::NodeId::NONE, directory_id)),
    };
    match removed {
        Ok(()) => Ok(RemoveRaftVoterResponse::default()),
        Err(error) => Ok(refused(code(&error)?, &error)),
    }
}

fn refused(code: ErrorCode, error: &dyn std::error::Error) -> RemoveRaftVoterResponse {
    RemoveRaftVoterResponse {
        error_code: code.to_wire(),
        error_message: Some(Str::from(error.to_string())),
        ..RemoveRaftVoterResponse::default()
    }
}
