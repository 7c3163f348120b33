//! Bytes into records. Nothing in them is trusted.

use std::sync::Arc;

use bytes::Bytes;
use protocol::data::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentKey as CurrentKey;
use protocol::data::consumer_group_member_metadata::ConsumerGroupMemberMetadataKey as MemberKey;
use protocol::data::consumer_group_metadata::ConsumerGroupMetadataKey as MetadataKey;
use protocol::data::consumer_group_partition_metadata::{
    ConsumerGroupPartitionMetadataKey as PartitionMetadataKey,
    ConsumerGroupPartitionMetadataValue as PartitionMetadataValue,
};
use protocol::data::consumer_group_regular_expression::ConsumerGroupRegularExpressionKey as RegexKey;
use protocol::data::consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberKey as TargetKey;
use protocol::data::consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataKey as TargetMetadataKey;
use protocol::data::group_metadata::GroupMetadataKey;
use protocol::data::legacy_offset_commit::LegacyOffsetCommitKey;
use protocol::data::offset_commit::OffsetCommitKey;
use protocol::wire::Reader;
use protocol::{Message, Str};

use super::RecordError;
use crate::record::{ConsumerPart, Record};

impl Record {
    /// Reads key and value. `None`: a record of a type that is none of ours, such as those of share
    /// groups.
    ///
    /// # Errors
    /// If the bytes are not what they say they are, or of a version nobody knows.
    pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Option<Self>, RecordError> {
        let mut r = Reader::new(key.clone());
        let length = key.len();
        let record_type = r
            .i16()
            .map_err(|_too_short| RecordError::NoType { length })?;
        let fields = Fields {
            record_type,
            key: r,
            value,
        };
        let record = match record_type {
            // A value for the old key is laid out as version 0 of the new one.
            LegacyOffsetCommitKey::RECORD_TYPE | OffsetCommitKey::RECORD_TYPE => {
                let (key, value) = fields.read::<OffsetCommitKey, _>()?;
                Self::OffsetCommit {
                    group: owned(&key.group),
                    topic: owned(&key.topic),
                    partition: key.partition,
                    value,
                }
            }
            GroupMetadataKey::RECORD_TYPE => {
                let (key, value) = fields.read::<GroupMetadataKey, _>()?;
                let group = owned(&key.group);
                Self::ClassicGroup { group, value }
            }
            _ => match fields.consumer_part()? {
                Some((group_id, part)) => Self::ConsumerGroup {
                    group: owned(&group_id),
                    part,
                },
                None => return Ok(None),
            },
        };
        Ok(Some(record))
    }
}

/// A name of its own: a slice would keep the whole batch it was read from in memory.
fn owned(name: &str) -> Arc<str> {
    Arc::from(name)
}

struct Fields<'a> {
    record_type: i16,
    /// After the type.
    key: Reader,
    value: Option<&'a Bytes>,
}

impl Fields<'_> {
    /// A part of a consumer group, and the group's name.
    fn consumer_part(self) -> Result<Option<(Str, ConsumerPart)>, RecordError> {
        Ok(Some(match self.record_type {
            MetadataKey::RECORD_TYPE => {
                let (key, value) = self.read::<MetadataKey, _>()?;
                (key.group_id, ConsumerPart::Metadata(value))
            }
            PartitionMetadataKey::RECORD_TYPE => {
                let (key, _) = self.read::<PartitionMetadataKey, PartitionMetadataValue>()?;
                (key.group_id, ConsumerPart::PartitionMetadata)
            }
            MemberKey::RECORD_TYPE => {
                let (key, value) = self.read::<MemberKey, _>()?;
                let member = owned(&key.member_id);
                (key.group_id, ConsumerPart::Member(member, value))
            }
            TargetMetadataKey::RECORD_TYPE => {
                let (key, value) = self.read::<TargetMetadataKey, _>()?;
                (key.group_id, ConsumerPart::TargetMetadata(value))
            }
            TargetKey::RECORD_TYPE => {
                let (key, value) = self.read::<TargetKey, _>()?;
                let member = owned(&key.member_id);
                (key.group_id, ConsumerPart::Target(member, value))
            }
            CurrentKey::RECORD_TYPE => {
                let (key, value) = self.read::<CurrentKey, _>()?;
                let member = owned(&key.member_id);
                (key.group_id, ConsumerPart::Current(member, value))
            }
            RegexKey::RECORD_TYPE => {
                let (key, value) = self.read::<RegexKey, _>()?;
                let regex = owned(&key.regular_expression);
                (key.group_id, ConsumerPart::Regex(regex, value))
            }
            _ => return Ok(None),
        }))
    }

    fn read<K: Message, V: Message>(mut self) -> Result<(K, Option<V>), RecordError> {
        let record_type = self.record_type;
        let key = K::decode(&mut self.key, 0).map_err(|source| RecordError::Key {
            record_type,
            source,
        })?;
        let Some(value) = self.value else {
            return Ok((key, None));
        };
        // A copy, for the same reason: what the value holds are slices of it.
        let mut r = Reader::new(Bytes::copy_from_slice(value));
        let version = r.i16().map_err(|_too_short| RecordError::NoVersion {
            record_type,
            length: value.len(),
        })?;
        let value = V::decode(&mut r, version).map_err(|source| RecordError::Value {
            record_type,
            version,
            source,
        })?;
        Ok((key, Some(value)))
    }
}
