//! Fields of records as the words of the image.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use types::{DirectoryId, NodeId, TopicId, Uuid};

use super::Misfit;
use crate::{Listener, SecurityProtocol, SupportedLevels, v1};

/// A node id, never negative.
pub(super) fn node_id(field: &'static str, id: i32) -> Result<NodeId, Misfit> {
    if id < 0 {
        return Err(illegal(field, &id));
    }
    Ok(NodeId(id))
}

pub(super) fn node_ids(field: &'static str, ids: &[i32]) -> Result<Vec<NodeId>, Misfit> {
    ids.iter().map(|id| node_id(field, *id)).collect()
}

/// Sixteen bytes.
pub(super) fn uuid(field: &'static str, bytes: &Bytes) -> Result<Uuid, Misfit> {
    let array = <[u8; 16]>::try_from(&**bytes);
    let array = array.map_err(|_wrong_length| illegal(field, &format_args!("{bytes:?}")))?;
    Ok(Uuid::from_bytes(array))
}

/// Sixteen bytes that are not all zero.
pub(super) fn topic_id(bytes: &Bytes) -> Result<TopicId, Misfit> {
    let id = uuid("topic_id", bytes)?;
    if id.is_zero() {
        return Err(illegal("topic_id", &id));
    }
    Ok(TopicId(id))
}

/// Directory ids; an empty one stands for "not known".
pub(super) fn directories(ids: &[Bytes]) -> Result<Vec<DirectoryId>, Misfit> {
    let directory = |bytes: &Bytes| match bytes.is_empty() {
        true => Ok(DirectoryId::ZERO),
        false => uuid("directories", bytes).map(DirectoryId),
    };
    ids.iter().map(directory).collect()
}

pub(super) fn listeners(listeners: &[v1::Listener]) -> Result<Vec<Listener>, Misfit> {
    listeners.iter().map(listener).collect()
}

fn listener(listener: &v1::Listener) -> Result<Listener, Misfit> {
    let port = u16::try_from(listener.port);
    let protocol = SecurityProtocol::from_wire(listener.security_protocol);
    Ok(Listener {
        name: listener.name.as_str().into(),
        host: listener.host.as_str().into(),
        port: port.map_err(|_too_large| illegal("listeners.port", &listener.port))?,
        security_protocol: protocol
            .ok_or_else(|| illegal("listeners.security_protocol", &listener.security_protocol))?,
    })
}

pub(super) fn features(
    features: &[v1::SupportedFeature],
) -> Result<BTreeMap<Arc<str>, SupportedLevels>, Misfit> {
    let supported = |feature: &v1::SupportedFeature| {
        let min = level("features.min_level", feature.min_level)?;
        let max = level("features.max_level", feature.max_level)?;
        Ok((feature.name.as_str().into(), SupportedLevels { min, max }))
    };
    features.iter().map(supported).collect()
}

/// A feature level, never negative.
pub(super) fn level(field: &'static str, level: i32) -> Result<i16, Misfit> {
    match i16::try_from(level) {
        Ok(level) if level >= 0 => Ok(level),
        Ok(_) | Err(_) => Err(illegal(field, &level)),
    }
}

/// The error for a field that no record may have.
pub(super) fn illegal(field: &'static str, value: &dyn std::fmt::Display) -> Misfit {
    Misfit::Field {
        field,
        value: value.to_string(),
    }
}
