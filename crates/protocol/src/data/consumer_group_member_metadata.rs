//! `consumer_group_member_metadata`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{Message, Str};

/// `ConsumerGroupMemberMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupMemberMetadataKey {
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub member_id: Str,
}

impl Message for ConsumerGroupMemberMetadataKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupMemberMetadataKey", version, 0..=0, false)?;
        Ok(Self {
            group_id: r.string()?,
            member_id: r.string()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupMemberMetadataKey", version, 0..=0, false)?;
        w.string(&self.group_id)?;
        w.string(&self.member_id)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.group_id.len() + self.member_id.len()
    }
}

impl ConsumerGroupMemberMetadataKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 5;
}

/// `ConsumerGroupMemberMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerGroupMemberMetadataValue {
    /// `string`, nullable.
    pub instance_id: Option<Str>,
    /// `string`, nullable.
    pub rack_id: Option<Str>,
    /// `string`.
    pub client_id: Str,
    /// `string`.
    pub client_host: Str,
    /// `[]string`.
    pub subscribed_topic_names: Vec<Str>,
    /// `string`, nullable.
    pub subscribed_topic_regex: Option<Str>,
    /// `int32`, default -1.
    pub rebalance_timeout_ms: i32,
    /// `string`, nullable.
    pub server_assignor: Option<Str>,
    /// `ClassicMemberMetadata`, tag 0, nullable.
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

impl Default for ConsumerGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Some(Str::new()),
            rack_id: Some(Str::new()),
            client_id: Str::new(),
            client_host: Str::new(),
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: Some(Str::new()),
            rebalance_timeout_ms: -1,
            server_assignor: Some(Str::new()),
            classic_member_metadata: Some(ClassicMemberMetadata::default()),
        }
    }
}

impl Message for ConsumerGroupMemberMetadataValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupMemberMetadataValue", version, 0..=0, true)?;
        let mut message = Self {
            instance_id: r.nullable_string()?,
            rack_id: r.nullable_string()?,
            client_id: r.string()?,
            client_host: r.string()?,
            subscribed_topic_names: r.array(version)?,
            subscribed_topic_regex: r.nullable_string()?,
            rebalance_timeout_ms: r.i32()?,
            server_assignor: r.nullable_string()?,
            classic_member_metadata: Some(ClassicMemberMetadata::default()),
        };
        r.tags(|r, tag| {
            match tag {
                0 => {
                    message.classic_member_metadata = r.nullable_tagged_part(version)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupMemberMetadataValue", version, 0..=0, true)?;
        w.nullable_string(self.instance_id.as_ref())?;
        w.nullable_string(self.rack_id.as_ref())?;
        w.string(&self.client_id)?;
        w.string(&self.client_host)?;
        w.array(&self.subscribed_topic_names, version)?;
        w.nullable_string(self.subscribed_topic_regex.as_ref())?;
        w.i32(self.rebalance_timeout_ms);
        w.nullable_string(self.server_assignor.as_ref())?;
        let mut tags = w.begin_tags();
        if !self
            .classic_member_metadata
            .as_ref()
            .is_some_and(|value| *value == ClassicMemberMetadata::default())
        {
            w.tag(&mut tags, 0, |w| {
                w.nullable_tagged_part(self.classic_member_metadata.as_ref(), version)
            })?;
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        42 + self.instance_id.as_ref().map_or(0, |value| value.len())
            + self.rack_id.as_ref().map_or(0, |value| value.len())
            + self.client_id.len()
            + self.client_host.len()
            + array_len(&self.subscribed_topic_names)
            + self
                .subscribed_topic_regex
                .as_ref()
                .map_or(0, |value| value.len())
            + self.server_assignor.as_ref().map_or(0, |value| value.len())
            + self
                .classic_member_metadata
                .as_ref()
                .map_or(0, Part::encoded_len)
    }
}

impl ConsumerGroupMemberMetadataValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}

/// `ClassicMemberMetadata` in `ConsumerGroupMemberMetadataValue`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClassicMemberMetadata {
    /// `int32`.
    pub session_timeout_ms: i32,
    /// `[]ClassicProtocol`.
    pub supported_protocols: Vec<ClassicProtocol>,
}

impl Part for ClassicMemberMetadata {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            session_timeout_ms: r.i32()?,
            supported_protocols: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.session_timeout_ms);
        w.array(&self.supported_protocols, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.supported_protocols)
    }
}

/// `ClassicMemberMetadata.SupportedProtocols` in `ConsumerGroupMemberMetadataValue`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClassicProtocol {
    /// `string`.
    pub name: Str,
    /// `bytes`.
    pub metadata: Bytes,
}

impl Part for ClassicProtocol {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            metadata: r.bytes()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.bytes(&self.metadata)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        11 + self.name.len() + self.metadata.len()
    }
}
