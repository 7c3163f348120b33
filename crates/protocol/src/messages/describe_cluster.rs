//! `DescribeCluster` (key 60): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `DescribeCluster` request, versions 0-2.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeClusterRequest {
    /// `bool`.
    pub include_cluster_authorized_operations: bool,
    /// `int8`, versions 1+, default 1.
    pub endpoint_type: i8,
    /// `bool`, versions 2+.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: false,
            endpoint_type: 1,
            include_fenced_brokers: false,
        }
    }
}

impl Message for DescribeClusterRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeClusterRequest", version, 0..=2, true)?;
        let message = Self {
            include_cluster_authorized_operations: r.bool()?,
            endpoint_type: r.field_or(version >= 1, 1, Reader::i8)?,
            include_fenced_brokers: r.field(version >= 2, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeClusterRequest", version, 0..=2, true)?;
        w.bool(self.include_cluster_authorized_operations);
        if version >= 1 {
            w.i8(self.endpoint_type);
        } else {
            w.absent(self.endpoint_type == 1, "EndpointType", version)?;
        }
        if version >= 2 {
            w.bool(self.include_fenced_brokers);
        } else {
            w.absent(
                !self.include_fenced_brokers,
                "IncludeFencedBrokers",
                version,
            )?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        4
    }
}

impl Request for DescribeClusterRequest {
    const KEY: ApiKey = ApiKey::DescribeCluster;
    type Response = DescribeClusterResponse;
}

/// Body of a `DescribeCluster` response, versions 0-2.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeClusterResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `int8`, versions 1+, default 1.
    pub endpoint_type: i8,
    /// `string`.
    pub cluster_id: Str,
    /// `int32`, default -1.
    pub controller_id: i32,
    /// `[]DescribeClusterBroker`.
    pub brokers: Vec<DescribeClusterBroker>,
    /// `int32`, default -2147483648.
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            endpoint_type: 1,
            cluster_id: Str::new(),
            controller_id: -1,
            brokers: Vec::new(),
            cluster_authorized_operations: i32::MIN,
        }
    }
}

impl Message for DescribeClusterResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeClusterResponse", version, 0..=2, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            endpoint_type: r.field_or(version >= 1, 1, Reader::i8)?,
            cluster_id: r.string()?,
            controller_id: r.i32()?,
            brokers: r.array(version)?,
            cluster_authorized_operations: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeClusterResponse", version, 0..=2, true)?;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        if version >= 1 {
            w.i8(self.endpoint_type);
        } else {
            w.absent(self.endpoint_type == 1, "EndpointType", version)?;
        }
        w.string(&self.cluster_id)?;
        w.i32(self.controller_id);
        w.array(&self.brokers, version)?;
        w.i32(self.cluster_authorized_operations);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        26 + self.error_message.as_ref().map_or(0, |value| value.len())
            + self.cluster_id.len()
            + array_len(&self.brokers)
    }
}

/// `Brokers` in `DescribeClusterResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeClusterBroker {
    /// `int32`.
    pub broker_id: i32,
    /// `string`.
    pub host: Str,
    /// `int32`.
    pub port: i32,
    /// `string`, nullable.
    pub rack: Option<Str>,
    /// `bool`, versions 2+.
    pub is_fenced: bool,
}

impl Part for DescribeClusterBroker {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            broker_id: r.i32()?,
            host: r.string()?,
            port: r.i32()?,
            rack: r.nullable_string()?,
            is_fenced: r.field(version >= 2, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.broker_id);
        w.string(&self.host)?;
        w.i32(self.port);
        w.nullable_string(self.rack.as_ref())?;
        if version >= 2 {
            w.bool(self.is_fenced);
        } else {
            w.absent(!self.is_fenced, "IsFenced", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        20 + self.host.len() + self.rack.as_ref().map_or(0, |value| value.len())
    }
}
