//! `UnregisterBroker` (key 64).

use metadata::MetadataImage;
use protocol::messages::unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse};
use types::{ErrorCode, NodeId};

use super::{AdminApi, RequestContext, worded};
use crate::decide::{Decision, HeartbeatRefusal as Refusal, unregister_broker};

pub(super) struct Api;

impl AdminApi for Api {
    type Request = UnregisterBrokerRequest;
    type Response = UnregisterBrokerResponse;

    fn evaluate(
        image: &MetadataImage,
        _context: &RequestContext<'_>,
        _version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let decided = unregister_broker(image, NodeId(request.broker_id));
        let (error_code, error_message) = worded(&decided, code);
        Decision {
            records: decided.map_or_else(|_refusal| Vec::new(), |decision| decision.records),
            response: UnregisterBrokerResponse {
                error_code,
                error_message,
                ..UnregisterBrokerResponse::default()
            },
        }
    }

    fn refuse(_version: i16, _request: &Self::Request, code: ErrorCode) -> Self::Response {
        UnregisterBrokerResponse {
            error_code: code.to_wire(),
            error_message: None,
            ..UnregisterBrokerResponse::default()
        }
    }
}

const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::NotRegistered(_) => ErrorCode::BrokerIdNotRegistered,
        Refusal::StaleEpoch { .. } => ErrorCode::StaleBrokerEpoch,
    }
}
