//! `InitProducerId`: an id for an idempotent producer (KIP-98).
//!
//! Without a transactional id every request gets a new id, as in Kafka. There is no transaction
//! coordinator yet, so a transactional id gets the answer of a cluster whose coordinator is not up.

use std::sync::Arc;

use net::server::Reply;
use protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use tracing::warn;
use types::{ErrorCode, ProducerEpoch, ProducerId};

use super::Ctx;

pub(crate) fn handle(ctx: &Ctx<'_>, request: InitProducerIdRequest) -> Reply {
    if let Some(error) = refusal(&request) {
        return ctx.respond(&failed(error));
    }
    let core = Arc::clone(ctx.core);
    ctx.respond_later(async move {
        let broker = (core.node_id(), core.broker_epoch());
        let timeout = core.config.sockets.request_timeout;
        match core
            .producer_ids
            .next(&core.controllers, broker, timeout)
            .await
        {
            Ok(id) => InitProducerIdResponse {
                producer_id: id.0,
                producer_epoch: ProducerEpoch::ZERO.0,
                ..InitProducerIdResponse::default()
            },
            Err(error) => {
                warn!(%error, "no block of producer ids");
                failed(ErrorCode::CoordinatorLoadInProgress)
            }
        }
    })
}

/// Why the request gets no id, if so.
fn refusal(request: &InitProducerIdRequest) -> Option<ErrorCode> {
    let has_id = request.producer_id != ProducerId::NONE.0;
    let has_epoch = request.producer_epoch != ProducerEpoch::NONE.0;
    match request.transactional_id.as_deref() {
        _ if has_id != has_epoch => Some(ErrorCode::InvalidRequest),
        None => None,
        Some("") => Some(ErrorCode::InvalidRequest),
        Some(_) => Some(ErrorCode::CoordinatorNotAvailable),
    }
}

fn failed(error: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: error.to_wire(),
        producer_id: ProducerId::NONE.0,
        producer_epoch: ProducerEpoch::NONE.0,
        ..InitProducerIdResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use protocol::Str;

    use super::*;

    fn request(
        transactional_id: Option<&'static str>,
        id: i64,
        epoch: i16,
    ) -> InitProducerIdRequest {
        InitProducerIdRequest {
            transactional_id: transactional_id.map(Str::from_static),
            transaction_timeout_ms: 60_000,
            producer_id: id,
            producer_epoch: epoch,
        }
    }

    #[test]
    fn an_idempotent_producer_is_never_refused_whatever_its_timeout() {
        let endless = InitProducerIdRequest {
            transaction_timeout_ms: i32::MAX,
            ..request(None, -1, -1)
        };
        assert_eq!(refusal(&endless), None);
        assert_eq!(refusal(&request(None, 7, 0)), None);
    }

    #[test]
    fn half_an_identity_and_an_empty_transactional_id_are_invalid() {
        assert_eq!(
            refusal(&request(None, 7, -1)),
            Some(ErrorCode::InvalidRequest)
        );
        assert_eq!(
            refusal(&request(None, -1, 3)),
            Some(ErrorCode::InvalidRequest)
        );
        assert_eq!(
            refusal(&request(Some(""), -1, -1)),
            Some(ErrorCode::InvalidRequest)
        );
    }

    #[test]
    fn a_transactional_id_finds_no_coordinator() {
        let answer = refusal(&request(Some("t"), -1, -1));
        assert_eq!(answer, Some(ErrorCode::CoordinatorNotAvailable));
    }
}
