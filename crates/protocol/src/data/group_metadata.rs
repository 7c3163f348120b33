//! `group_metadata`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{Message, Str};

/// `GroupMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupMetadataKey {
    /// `string`.
    pub group: Str,
}

impl Message for GroupMetadataKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("GroupMetadataKey", version, 0..=0, false)?;
        Ok(Self { group: r.string()? })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("GroupMetadataKey", version, 0..=0, false)?;
        w.string(&self.group)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.group.len()
    }
}

impl GroupMetadataKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 2;
}

/// `GroupMetadataValue`, versions 0-4.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupMetadataValue {
    /// `string`.
    pub protocol_type: Str,
    /// `int32`.
    pub generation: i32,
    /// `string`, nullable.
    pub protocol: Option<Str>,
    /// `string`, nullable.
    pub leader: Option<Str>,
    /// `int64`, versions 2+, default -1, ignorable.
    pub current_state_timestamp: i64,
    /// `[]MemberMetadata`.
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: Str::new(),
            generation: 0,
            protocol: Some(Str::new()),
            leader: Some(Str::new()),
            current_state_timestamp: -1,
            members: Vec::new(),
        }
    }
}

impl Message for GroupMetadataValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("GroupMetadataValue", version, 0..=4, version >= 4)?;
        let message = Self {
            protocol_type: r.string()?,
            generation: r.i32()?,
            protocol: r.nullable_string()?,
            leader: r.nullable_string()?,
            current_state_timestamp: r.field_or(version >= 2, -1, Reader::i64)?,
            members: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("GroupMetadataValue", version, 0..=4, version >= 4)?;
        w.string(&self.protocol_type)?;
        w.i32(self.generation);
        w.nullable_string(self.protocol.as_ref())?;
        w.nullable_string(self.leader.as_ref())?;
        if version >= 2 {
            w.i64(self.current_state_timestamp);
        }
        w.array(&self.members, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        28 + self.protocol_type.len()
            + self.protocol.as_ref().map_or(0, |value| value.len())
            + self.leader.as_ref().map_or(0, |value| value.len())
            + array_len(&self.members)
    }
}

impl GroupMetadataValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=4;
}

/// `members` in `GroupMetadataValue`.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberMetadata {
    /// `string`.
    pub member_id: Str,
    /// `string`, versions 3+, nullable, ignorable.
    pub group_instance_id: Option<Str>,
    /// `string`.
    pub client_id: Str,
    /// `string`.
    pub client_host: Str,
    /// `int32`, versions 1+, default -1, ignorable.
    pub rebalance_timeout: i32,
    /// `int32`.
    pub session_timeout: i32,
    /// `bytes`.
    pub subscription: Bytes,
    /// `bytes`.
    pub assignment: Bytes,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: Str::new(),
            group_instance_id: None,
            client_id: Str::new(),
            client_host: Str::new(),
            rebalance_timeout: -1,
            session_timeout: 0,
            subscription: Bytes::new(),
            assignment: Bytes::new(),
        }
    }
}

impl Part for MemberMetadata {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            member_id: r.string()?,
            group_instance_id: r.field(version >= 3, Reader::nullable_string)?,
            client_id: r.string()?,
            client_host: r.string()?,
            rebalance_timeout: r.field_or(version >= 1, -1, Reader::i32)?,
            session_timeout: r.i32()?,
            subscription: r.bytes()?,
            assignment: r.bytes()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.member_id)?;
        if version >= 3 {
            w.nullable_string(self.group_instance_id.as_ref())?;
        }
        w.string(&self.client_id)?;
        w.string(&self.client_host)?;
        if version >= 1 {
            w.i32(self.rebalance_timeout);
        }
        w.i32(self.session_timeout);
        w.bytes(&self.subscription)?;
        w.bytes(&self.assignment)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        39 + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
            + self.client_id.len()
            + self.client_host.len()
            + self.subscription.len()
            + self.assignment.len()
    }
}
