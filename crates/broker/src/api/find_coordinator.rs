//! `FindCoordinator` (10): who coordinates a group or a transaction. Nobody does yet, which is said
//! in the words of a Kafka whose coordinator is just not available, so that clients wait and retry.

use net::server::Reply;
use protocol::Str;
use protocol::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use types::{ErrorCode, NodeId};

use super::Ctx;

pub(crate) fn handle(ctx: &Ctx<'_>, request: FindCoordinatorRequest) -> Reply {
    ctx.respond(&response(request, ctx.version()))
}

/// Group and transaction in every version, share group state since version 6.
fn code(key_type: i8, key: &str, version: i16) -> ErrorCode {
    match key_type {
        0 | 1 => ErrorCode::CoordinatorNotAvailable,
        2 if version >= 6 && is_share_key(key) => ErrorCode::CoordinatorNotAvailable,
        _ => ErrorCode::InvalidRequest,
    }
}

/// `group:topic id:partition`.
fn is_share_key(key: &str) -> bool {
    let mut parts = key.rsplitn(3, ':');
    let partition = parts.next().and_then(|part| part.parse::<u32>().ok());
    let topic_id = parts
        .next()
        .and_then(|part| part.parse::<types::Uuid>().ok());
    let group = parts.next().unwrap_or_default();
    partition.is_some() && topic_id.is_some() && !group.is_empty()
}

fn message(code: ErrorCode) -> Str {
    Str::from_static(match code {
        ErrorCode::CoordinatorNotAvailable => "The coordinator is not available.",
        _ => "The key type is not one that this version has.",
    })
}

fn response(request: FindCoordinatorRequest, version: i16) -> FindCoordinatorResponse {
    let nobody = NodeId::NONE.0;
    if version < 4 {
        let code = code(request.key_type, &request.key, version);
        return FindCoordinatorResponse {
            error_code: code.to_wire(),
            error_message: (version >= 1).then(|| message(code)),
            node_id: nobody,
            port: -1,
            ..FindCoordinatorResponse::default()
        };
    }
    let coordinator = |key: Str| {
        let code = code(request.key_type, &key, version);
        Coordinator {
            key,
            node_id: nobody,
            host: Str::default(),
            port: -1,
            error_code: code.to_wire(),
            error_message: Some(message(code)),
        }
    };
    FindCoordinatorResponse {
        coordinators: request
            .coordinator_keys
            .into_iter()
            .map(coordinator)
            .collect(),
        ..FindCoordinatorResponse::default()
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::api::testing;

    fn ask(key_type: i8, version: i16) -> FindCoordinatorResponse {
        let keys = ["g1", "", "g1:J7s9e8PPTKOO47PxzI39VA:0"].map(Str::from_static);
        let request = FindCoordinatorRequest {
            key: keys[0].clone(),
            key_type,
            coordinator_keys: keys.to_vec(),
        };
        let response = response(request, version);
        testing::encode(&response, version);
        response
    }

    #[test]
    fn old_versions_answer_for_one_key() {
        for version in 0..=3 {
            let response = ask(0, version);
            assert_eq!(
                (response.error_code, response.node_id, response.port),
                (15, -1, -1)
            );
        }
        assert_eq!(ask(2, 3).error_code, 42);
    }

    #[test]
    fn new_versions_answer_for_each_key() {
        let codes = |key_type, version| -> Vec<i16> {
            let coordinators = ask(key_type, version).coordinators;
            coordinators.iter().map(|it| it.error_code).collect()
        };
        assert_eq!(codes(0, 4), [15, 15, 15]);
        assert_eq!(codes(1, 6), [15, 15, 15]);
        assert_eq!(codes(2, 4), [42, 42, 42]);
        assert_eq!(codes(2, 6), [42, 42, 15]);
        assert_eq!(codes(9, 6), [42, 42, 42]);
    }
}
