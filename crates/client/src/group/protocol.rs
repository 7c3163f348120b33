//! The bytes that members of a classic consumer group give each other through the coordinator: what
//! each subscribes to, and what the leader has assigned to it.
//!
//! A version stands in front; one above ours only adds at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use protocol::data::consumer_protocol_assignment::{
    ConsumerProtocolAssignment, TopicPartition as Assigned,
};
use protocol::data::consumer_protocol_subscription::{
    ConsumerProtocolSubscription, TopicPartition as Owned,
};
use protocol::wire::{DecodeError, EncodeError, Reader, Writer};
use protocol::{Message, Str};
use types::TopicPartition;

/// The protocol type of consumer groups.
pub(crate) const TYPE: &str = "consumer";
/// The version we write, and the highest we know.
const VERSION: i16 = *ConsumerProtocolSubscription::VERSIONS.end();

/// What one member subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Topics by name.
    pub(crate) topics: Vec<Arc<str>>,
    /// What the member still reads (since version 1).
    pub(crate) owned: Vec<TopicPartition>,
    /// The generation it got that in, -1 if unknown (since version 2).
    pub(crate) generation: i32,
    /// `client.rack` (since version 3).
    pub(crate) rack: Option<String>,
}

impl Default for Subscription {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            owned: Vec::new(),
            generation: -1,
            rack: None,
        }
    }
}

impl Subscription {
    /// Reads what a member has sent with its join.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let read: ConsumerProtocolSubscription = versioned(bytes)?;
        let owned = read.owned_partitions.iter();
        Ok(Self {
            topics: read.topics.iter().map(|name| Arc::from(&**name)).collect(),
            owned: flat(owned.map(|topic| (&*topic.topic, &*topic.partitions))),
            generation: read.generation_id,
            rack: read.rack_id.map(|rack| rack.to_string()),
        })
    }

    /// Writes what goes with a join. The generation also stands where older members of sticky groups
    /// look for it.
    pub(crate) fn encode(&self) -> Result<Bytes, EncodeError> {
        let owned = by_topic(&self.owned).into_iter();
        let generation = Bytes::copy_from_slice(&self.generation.to_be_bytes());
        let written = ConsumerProtocolSubscription {
            topics: self.topics.iter().map(|name| Str::from(&**name)).collect(),
            user_data: (self.generation >= 0).then_some(generation),
            owned_partitions: owned
                .map(|(topic, partitions)| Owned { topic, partitions })
                .collect(),
            generation_id: self.generation,
            rack_id: self.rack.as_deref().map(Str::from),
        };
        prefixed(&written)
    }
}

/// Reads an assignment. No bytes at all mean no partitions: that is what a coordinator gives to a
/// member that its leader has forgotten.
pub(crate) fn decode_assignment(bytes: &Bytes) -> Result<Vec<TopicPartition>, DecodeError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let read: ConsumerProtocolAssignment = versioned(bytes)?;
    let topics = read.assigned_partitions.iter();
    Ok(flat(
        topics.map(|topic| (&*topic.topic, &*topic.partitions)),
    ))
}

/// Writes an assignment.
pub(crate) fn encode_assignment(partitions: &[TopicPartition]) -> Result<Bytes, EncodeError> {
    let topics = by_topic(partitions).into_iter();
    prefixed(&ConsumerProtocolAssignment {
        assigned_partitions: topics
            .map(|(topic, partitions)| Assigned { topic, partitions })
            .collect(),
        user_data: None,
    })
}

fn versioned<M: Message>(bytes: &Bytes) -> Result<M, DecodeError> {
    let mut r = Reader::new(bytes.clone());
    let version = r.i16()?.clamp(0, VERSION);
    let mut rest = bytes.clone();
    rest.advance(2);
    M::decode(&mut Reader::new(rest), version)
}

fn prefixed<M: Message>(message: &M) -> Result<Bytes, EncodeError> {
    let mut w = Writer::with_capacity(message.encoded_len());
    message.encode(&mut w, VERSION)?;
    let body = w.finish().to_bytes();
    let mut bytes = BytesMut::with_capacity(2 + body.len());
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes.freeze())
}

fn flat<'a>(topics: impl Iterator<Item = (&'a str, &'a [i32])>) -> Vec<TopicPartition> {
    let all = topics.flat_map(|(name, partitions)| {
        let name: Arc<str> = Arc::from(name);
        let partitions = partitions.iter();
        partitions.map(move |index| TopicPartition::new(Arc::clone(&name), *index))
    });
    all.collect()
}

fn by_topic(partitions: &[TopicPartition]) -> BTreeMap<Str, Vec<i32>> {
    let mut topics: BTreeMap<Str, Vec<i32>> = BTreeMap::new();
    for key in partitions {
        let name = Str::from(&*key.topic);
        topics.entry(name).or_default().push(key.partition);
    }
    topics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_read_as_it_was_written() {
        let subscription = Subscription {
            topics: vec!["a".into(), "b".into()],
            owned: vec![TopicPartition::new("a", 0), TopicPartition::new("a", 2)],
            generation: 7,
            rack: Some("r".to_owned()),
        };
        let bytes = subscription.encode().expect("fits");
        assert_eq!(Subscription::decode(&bytes), Ok(subscription));
    }

    #[test]
    fn an_old_subscription_has_neither_partitions_nor_a_generation() {
        let bytes = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff");
        let read = Subscription::decode(&bytes).expect("version 0");
        assert_eq!((&*read.topics[0], read.generation), ("t", -1));
    }

    #[test]
    fn a_version_from_the_future_is_read_as_far_as_it_is_known() {
        let assigned = vec![TopicPartition::new("t", 1)];
        let mut bytes = encode_assignment(&assigned).expect("fits").to_vec();
        bytes[1] = 9;
        bytes.extend_from_slice(b"more");
        assert_eq!(decode_assignment(&bytes.into()), Ok(assigned));
    }

    #[test]
    fn no_bytes_are_no_partitions_and_half_an_assignment_is_an_error() {
        assert_eq!(decode_assignment(&Bytes::new()), Ok(vec![]));
        assert!(decode_assignment(&Bytes::from_static(b"\0\x03\0\0")).is_err());
    }
}
