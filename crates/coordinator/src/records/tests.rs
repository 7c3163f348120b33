//! Against what a real Kafka wrote, and against anything at all.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::Str;
use protocol::data::consumer_group_member_metadata::{
    ClassicMemberMetadata, ClassicProtocol, ConsumerGroupMemberMetadataValue,
};
use protocol::data::group_metadata::{GroupMetadataValue, MemberMetadata};
use protocol::data::offset_commit::OffsetCommitValue;
use types::Uuid;

use super::RecordError;
use crate::record::{ConsumerPart, Record};

fn bytes_of(hex: &str) -> Bytes {
    let byte = |i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// What Kafka 4.3.1 wrote into `__consumer_offsets`: commits without a group, classic groups with a static
/// and a dynamic member, a consumer group whose second member subscribes a regular expression, a classic
/// group that becomes a consumer group and a classic one again, and deletions.
fn kafka_log() -> Vec<(Bytes, Option<Bytes>)> {
    let lines = include_str!("kafka_log.tsv").lines().skip(1);
    let record = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let value = (cells[2] != "null").then(|| bytes_of(cells[2]));
        (bytes_of(cells[1]), value)
    };
    lines.map(record).collect()
}

fn decode(index: usize) -> Record {
    let (key, value) = kafka_log().swap_remove(index);
    let record = Record::decode(&key, value.as_ref()).expect("Kafka wrote it");
    record.expect("of a known type")
}

#[test]
fn what_kafka_writes_is_read_and_written_back_byte_for_byte() {
    let log = kafka_log();
    assert_eq!(log.len(), 75);
    for (offset, (key, value)) in log.into_iter().enumerate() {
        let record = Record::decode(&key, value.as_ref());
        let record = record.unwrap_or_else(|error| panic!("{offset}: {error}"));
        let record = record.expect("of a known type");
        assert_eq!(record.encode(), Ok((key, value)), "{offset}: {record:?}");
    }
}

#[test]
fn a_commit_of_kafka_says_what_was_committed() {
    let Record::OffsetCommit {
        group,
        topic,
        partition,
        value: Some(value),
    } = decode(0)
    else {
        panic!("not a commit");
    };
    assert_eq!((&*group, &*topic, partition), ("simple", "t", 0));
    assert_eq!((value.offset, value.leader_epoch), (5, 3));
    assert_eq!(value.metadata, "hola");
    assert_eq!(value.expire_timestamp, -1);
    assert!(!value.topic_id.is_zero());
    let (group, topic) = (Arc::from("simple"), Arc::from("t"));
    let tombstone = Record::OffsetCommit {
        group,
        topic,
        partition: 0,
        value: None,
    };
    assert_eq!(decode(68), tombstone);
}

#[test]
fn a_classic_group_of_kafka_says_who_was_in_it() {
    let Record::ClassicGroup {
        group,
        value: Some(value),
    } = decode(3)
    else {
        panic!("not a group");
    };
    assert_eq!(&*group, "classic");
    assert_eq!(
        (value.protocol_type.as_ref(), value.generation),
        ("consumer", 1)
    );
    assert_eq!(value.protocol.as_deref(), Some("range"));
    let member = &value.members[0];
    assert_eq!(member.group_instance_id.as_deref(), Some("inst"));
    assert_eq!(value.leader.as_ref(), Some(&member.member_id));
}

#[test]
fn a_member_that_speaks_the_classic_protocol_in_a_consumer_group_keeps_what_it_said() {
    let Record::ConsumerGroup {
        group,
        part: ConsumerPart::Member(_, Some(member)),
    } = decode(41)
    else {
        panic!("not a member");
    };
    assert_eq!(&*group, "up");
    let classic = member.classic_member_metadata.expect("a classic member");
    assert_eq!(classic.session_timeout_ms, 45_000);
    assert_eq!(classic.supported_protocols[0].name, "range");
}

#[test]
fn offsets_that_expire_are_written_in_the_version_that_can_say_so() {
    let value = OffsetCommitValue {
        offset: 7,
        commit_timestamp: 1_000,
        expire_timestamp: 2_000,
        ..OffsetCommitValue::default()
    };
    let record = Record::OffsetCommit {
        group: Arc::from("g"),
        topic: Arc::from("t"),
        partition: 3,
        value: Some(value),
    };
    let (key, bytes) = record.encode().expect("short names");
    let bytes = bytes.expect("a value");
    assert_eq!(bytes[..2], [0, 1]);
    assert_eq!(Record::decode(&key, Some(&bytes)), Ok(Some(record)));
}

#[test]
fn keys_of_old_times_are_read() {
    let key = bytes_of("00000001670001740000000a");
    let value = bytes_of("0000000000000000002a00016d0000000000000064");
    let Ok(Some(Record::OffsetCommit {
        partition: 10,
        value: Some(value),
        ..
    })) = Record::decode(&key, Some(&value))
    else {
        panic!("not read");
    };
    assert_eq!((value.offset, value.commit_timestamp), (42, 100));
    assert_eq!((value.leader_epoch, value.metadata.as_ref()), (-1, "m"));
}

#[test]
fn records_of_other_groups_are_passed_over_and_unknown_versions_are_not() {
    let share = bytes_of("000b00016700");
    assert_eq!(Record::decode(&share, Some(&share)), Ok(None));
    let (key, _) = kafka_log().swap_remove(0);
    let newer = bytes_of("000500000000");
    let Err(RecordError::Value { version: 5, .. }) = Record::decode(&key, Some(&newer)) else {
        panic!("read");
    };
    for short in [&b""[..], b"\x01"] {
        let key = Bytes::from_static(short);
        let length = short.len();
        assert_eq!(
            Record::decode(&key, None),
            Err(RecordError::NoType { length })
        );
    }
}

#[test]
fn names_too_long_for_a_key_are_refused() {
    let group: Arc<str> = Arc::from("g".repeat(32_768));
    let record = Record::ClassicGroup { group, value: None };
    let Err(RecordError::Unwritable { record_type: 2, .. }) = record.encode() else {
        panic!("written");
    };
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9._-]{0,20}"
}

fn commit() -> impl Strategy<Value = Record> {
    let value = (
        any::<i64>(),
        any::<i32>(),
        ".{0,30}",
        any::<i64>(),
        any::<[u8; 16]>(),
    );
    let value = value.prop_map(
        |(offset, leader_epoch, metadata, at, id)| OffsetCommitValue {
            offset,
            leader_epoch,
            metadata: metadata.into(),
            commit_timestamp: at,
            expire_timestamp: -1,
            topic_id: Uuid::from_bytes(id),
        },
    );
    (name(), name(), any::<i32>(), proptest::option::of(value)).prop_map(
        |(group, topic, partition, value)| Record::OffsetCommit {
            group: group.into(),
            topic: topic.into(),
            partition,
            value,
        },
    )
}

fn classic_group() -> impl Strategy<Value = Record> {
    let bytes = || vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let member = (
        name(),
        proptest::option::of(name()),
        any::<i32>(),
        bytes(),
        bytes(),
    );
    let member =
        member.prop_map(
            |(id, instance, timeout, subscription, assignment)| MemberMetadata {
                member_id: id.into(),
                group_instance_id: instance.map(Str::from),
                rebalance_timeout: timeout,
                session_timeout: timeout,
                subscription,
                assignment,
                ..MemberMetadata::default()
            },
        );
    let value = (
        any::<i32>(),
        proptest::option::of(name()),
        any::<i64>(),
        vec(member, 0..4),
    );
    let value = value.prop_map(|(generation, protocol, at, members)| GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation,
        protocol: protocol.map(Str::from),
        leader: members.first().map(|member| member.member_id.clone()),
        current_state_timestamp: at,
        members,
    });
    (name(), proptest::option::of(value)).prop_map(|(group, value)| Record::ClassicGroup {
        group: group.into(),
        value,
    })
}

fn member() -> impl Strategy<Value = Record> {
    let classic = (any::<i32>(), name(), vec(any::<u8>(), 0..40));
    let classic = classic.prop_map(
        |(session_timeout_ms, name, metadata)| ClassicMemberMetadata {
            session_timeout_ms,
            supported_protocols: vec![ClassicProtocol {
                name: name.into(),
                metadata: metadata.into(),
            }],
        },
    );
    let optional = || proptest::option::of(name().prop_map(Str::from));
    let value = (
        optional(),
        optional(),
        vec(name(), 0..4),
        proptest::option::of(classic),
    );
    let value = value.prop_map(|(instance_id, rack_id, topics, classic_member_metadata)| {
        ConsumerGroupMemberMetadataValue {
            instance_id,
            rack_id,
            subscribed_topic_names: topics.into_iter().map(Str::from).collect(),
            classic_member_metadata,
            ..ConsumerGroupMemberMetadataValue::default()
        }
    });
    (name(), name(), proptest::option::of(value)).prop_map(|(group, id, value)| {
        let part = ConsumerPart::Member(id.into(), value);
        let group = group.into();
        Record::ConsumerGroup { group, part }
    })
}

/// A record of Kafka's log with bytes replaced and its end cut off.
fn damaged() -> impl Strategy<Value = (Bytes, Option<Bytes>)> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let cut = any::<prop::sample::Index>();
    (0..75_usize, damage, cut, any::<bool>()).prop_map(|(index, damage, cut, of_key)| {
        let (key, value) = kafka_log().swap_remove(index);
        let target = if of_key { Some(&key) } else { value.as_ref() };
        let mut bytes = target.map_or_else(Vec::new, |bytes| bytes.to_vec());
        for (at, byte) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let bytes = Bytes::from(bytes);
        if of_key {
            (bytes, value)
        } else {
            (key, Some(bytes))
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn records_survive_being_written_down(record in prop_oneof![commit(), classic_group(), member()]) {
        let (key, value) = record.encode().expect("short names");
        prop_assert_eq!(Record::decode(&key, value.as_ref()), Ok(Some(record)));
    }

    #[test]
    fn damage_never_panics((key, value) in damaged()) {
        if let Ok(Some(record)) = Record::decode(&key, value.as_ref()) {
            prop_assert!(record.encode().is_ok());
        }
    }

    #[test]
    fn noise_never_panics(record_type in -1..30_i16, noise in vec(any::<u8>(), 0..200)) {
        let mut key = record_type.to_be_bytes().to_vec();
        key.extend(&noise);
        let (key, value) = (Bytes::from(key), Bytes::from(noise));
        drop(Record::decode(&key, Some(&value)));
    }
}
