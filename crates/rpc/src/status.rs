//! How refusals travel in a gRPC status: Kafka's error code and the hint to the active controller
//! ride in its headers.

use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};
use types::{ErrorCode, NodeId};

const LEADER_ID: &str = "raudal-leader-id";
const LEADER_ADDRESS: &str = "raudal-leader-address";
const ERROR_CODE: &str = "raudal-error-code";

/// Where the active controller is believed to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderHint {
    /// Its node id.
    pub node_id: NodeId,
    /// Its `host:port`; empty if the sender does not know it.
    pub address: String,
}

/// The refusal of a controller that is not the active one.
#[must_use]
pub fn not_leader(hint: Option<&LeaderHint>) -> Status {
    let mut status = refused(
        ErrorCode::NotController,
        "this is not the active controller",
    );
    if let Some(hint) = hint {
        put(&mut status, LEADER_ID, &hint.node_id.to_string());
        put(&mut status, LEADER_ADDRESS, &hint.address);
    }
    status
}

/// A refusal with Kafka's code for it.
#[must_use]
pub fn refused(code: ErrorCode, message: impl Into<String>) -> Status {
    let mut status = Status::new(Code::FailedPrecondition, message);
    put(&mut status, ERROR_CODE, &code.to_wire().to_string());
    status
}

/// Kafka's code in a status, `None` for a failure of the transport.
#[must_use]
pub fn error_code(status: &Status) -> Option<ErrorCode> {
    let code: i16 = get(status.metadata(), ERROR_CODE)?.parse().ok()?;
    ErrorCode::from_wire(code)
}

/// Whether the status says "not the active controller", and where that one is.
#[must_use]
pub fn leader_hint(status: &Status) -> Option<LeaderHint> {
    let node_id = get(status.metadata(), LEADER_ID)?.parse().ok()?;
    let address = get(status.metadata(), LEADER_ADDRESS)
        .unwrap_or_default()
        .to_owned();
    Some(LeaderHint {
        node_id: NodeId(node_id),
        address,
    })
}

fn put(status: &mut Status, key: &'static str, value: &str) {
    if let Ok(value) = AsciiMetadataValue::try_from(value) {
        status.metadata_mut().insert(key, value);
    }
}

fn get<'a>(headers: &'a MetadataMap, key: &str) -> Option<&'a str> {
    headers.get(key)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_survives_the_status() {
        let hint = LeaderHint {
            node_id: NodeId(3),
            address: "10.0.0.3:9093".to_owned(),
        };
        let status = not_leader(Some(&hint));
        assert_eq!(leader_hint(&status), Some(hint));
        assert_eq!(error_code(&status), Some(ErrorCode::NotController));
    }

    #[test]
    fn a_failed_transport_has_no_code() {
        assert_eq!(error_code(&Status::unavailable("refused")), None);
        assert_eq!(leader_hint(&not_leader(None)), None);
    }
}
