//! `ConsumerGroupDescribe` (key 69): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `ConsumerGroupDescribe` request, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupDescribeRequest {
    /// `[]string`.
    pub group_ids: Vec<Str>,
    /// `bool`.
    pub include_authorized_operations: bool,
}

impl Message for ConsumerGroupDescribeRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupDescribeRequest", version, 0..=1, true)?;
        let message = Self {
            group_ids: r.array(version)?,
            include_authorized_operations: r.bool()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupDescribeRequest", version, 0..=1, true)?;
        w.array(&self.group_ids, version)?;
        w.bool(self.include_authorized_operations);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        2 + array_len(&self.group_ids)
    }
}

impl Request for ConsumerGroupDescribeRequest {
    const KEY: ApiKey = ApiKey::ConsumerGroupDescribe;
    type Response = ConsumerGroupDescribeResponse;
}

/// Body of a `ConsumerGroupDescribe` response, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupDescribeResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]DescribedGroup`.
    pub groups: Vec<DescribedGroup>,
}

impl Message for ConsumerGroupDescribeResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupDescribeResponse", version, 0..=1, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            groups: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupDescribeResponse", version, 0..=1, true)?;
        w.i32(self.throttle_time_ms);
        w.array(&self.groups, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.groups)
    }
}

/// `Groups` in `ConsumerGroupDescribeResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedGroup {
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub group_state: Str,
    /// `int32`.
    pub group_epoch: i32,
    /// `int32`.
    pub assignment_epoch: i32,
    /// `string`.
    pub assignor_name: Str,
    /// `[]Member`.
    pub members: Vec<Member>,
    /// `int32`, default -2147483648.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Str::new(),
            group_state: Str::new(),
            group_epoch: 0,
            assignment_epoch: 0,
            assignor_name: Str::new(),
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl Part for DescribedGroup {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            group_id: r.string()?,
            group_state: r.string()?,
            group_epoch: r.i32()?,
            assignment_epoch: r.i32()?,
            assignor_name: r.string()?,
            members: r.array(version)?,
            authorized_operations: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.string(&self.group_id)?;
        w.string(&self.group_state)?;
        w.i32(self.group_epoch);
        w.i32(self.assignment_epoch);
        w.string(&self.assignor_name)?;
        w.array(&self.members, version)?;
        w.i32(self.authorized_operations);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        35 + self.error_message.as_ref().map_or(0, |value| value.len())
            + self.group_id.len()
            + self.group_state.len()
            + self.assignor_name.len()
            + array_len(&self.members)
    }
}

/// `Groups.Members` in `ConsumerGroupDescribeResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// `string`.
    pub member_id: Str,
    /// `string`, nullable.
    pub instance_id: Option<Str>,
    /// `string`, nullable.
    pub rack_id: Option<Str>,
    /// `int32`.
    pub member_epoch: i32,
    /// `string`.
    pub client_id: Str,
    /// `string`.
    pub client_host: Str,
    /// `[]string`.
    pub subscribed_topic_names: Vec<Str>,
    /// `string`, nullable.
    pub subscribed_topic_regex: Option<Str>,
    /// `Assignment`.
    pub assignment: Assignment,
    /// `Assignment`.
    pub target_assignment: Assignment,
    /// `int8`, versions 1+, default -1, ignorable.
    pub member_type: i8,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            member_id: Str::new(),
            instance_id: None,
            rack_id: None,
            member_epoch: 0,
            client_id: Str::new(),
            client_host: Str::new(),
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: None,
            assignment: Assignment::default(),
            target_assignment: Assignment::default(),
            member_type: -1,
        }
    }
}

impl Part for Member {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            member_id: r.string()?,
            instance_id: r.nullable_string()?,
            rack_id: r.nullable_string()?,
            member_epoch: r.i32()?,
            client_id: r.string()?,
            client_host: r.string()?,
            subscribed_topic_names: r.array(version)?,
            subscribed_topic_regex: r.nullable_string()?,
            assignment: Assignment::decode(r, version)?,
            target_assignment: Assignment::decode(r, version)?,
            member_type: r.field_or(version >= 1, -1, Reader::i8)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.member_id)?;
        w.nullable_string(self.instance_id.as_ref())?;
        w.nullable_string(self.rack_id.as_ref())?;
        w.i32(self.member_epoch);
        w.string(&self.client_id)?;
        w.string(&self.client_host)?;
        w.array(&self.subscribed_topic_names, version)?;
        w.nullable_string(self.subscribed_topic_regex.as_ref())?;
        self.assignment.encode(w, version)?;
        self.target_assignment.encode(w, version)?;
        if version >= 1 {
            w.i8(self.member_type);
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        36 + self.member_id.len()
            + self.instance_id.as_ref().map_or(0, |value| value.len())
            + self.rack_id.as_ref().map_or(0, |value| value.len())
            + self.client_id.len()
            + self.client_host.len()
            + array_len(&self.subscribed_topic_names)
            + self
                .subscribed_topic_regex
                .as_ref()
                .map_or(0, |value| value.len())
            + self.assignment.encoded_len()
            + self.target_assignment.encoded_len()
    }
}

/// `Groups.Members.Assignment` in `ConsumerGroupDescribeResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// `[]TopicPartitions`.
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Part for Assignment {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.array(&self.topic_partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(&self.topic_partitions)
    }
}

/// `Groups.Members.Assignment.TopicPartitions` in `ConsumerGroupDescribeResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartitions {
    /// `uuid`.
    pub topic_id: Uuid,
    /// `string`.
    pub topic_name: Str,
    /// `[]int32`.
    pub partitions: Vec<i32>,
}

impl Part for TopicPartitions {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_id: r.uuid()?,
            topic_name: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.string(&self.topic_name)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.topic_name.len() + array_len(&self.partitions)
    }
}
