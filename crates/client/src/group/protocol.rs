//! The bytes that members of a classic consumer group give each other through the coordinator: what
//! each subscribes to, and what the leader has assigned to it (`ConsumerProtocol`).
//!
//! A version stands in front; a version above ours only adds at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use protocol::Str;
use protocol::wire::{DecodeError, EncodeError, Part, Reader, Writer};
use types::TopicPartition;

/// The protocol type of consumer groups.
pub(crate) const TYPE: &str = "consumer";
/// The version we write and the highest we know.
const VERSION: i16 = 3;

/// What one member subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Topics by name.
    pub(crate) topics: Vec<Arc<str>>,
    /// For the assignor; ours need none.
    pub(crate) user_data: Option<Bytes>,
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
            user_data: None,
            owned: Vec::new(),
            generation: -1,
            rack: None,
        }
    }
}

/// Some partitions of one topic.
#[derive(Debug, Clone)]
struct Topic {
    name: Str,
    partitions: Vec<i32>,
}

impl Part for Topic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            name: r.string()?,
            partitions: r.array(version)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.array(&self.partitions, version)
    }

    fn encoded_len(&self) -> usize {
        10 + self.name.len() + 4 * self.partitions.len()
    }
}

/// Reads a subscription.
pub(crate) fn subscription(bytes: &Bytes) -> Result<Subscription, DecodeError> {
    let mut r = Reader::new(bytes.clone());
    let version = r.i16()?;
    let topics: Vec<Str> = r.array(version)?;
    let mut subscription = Subscription {
        topics: topics.iter().map(|name| Arc::from(&**name)).collect(),
        user_data: r.nullable_bytes()?,
        ..Subscription::default()
    };
    if version >= 1 {
        subscription.owned = partitions(&r.array(version)?);
    }
    if version >= 2 {
        subscription.generation = r.i32()?;
    }
    if version >= 3 {
        subscription.rack = r.nullable_string()?.map(|rack| rack.to_string());
    }
    Ok(subscription)
}

/// Reads an assignment. No bytes at all mean no partitions: that is what a coordinator gives to a
/// member its leader has forgotten.
pub(crate) fn assignment(bytes: &Bytes) -> Result<Vec<TopicPartition>, DecodeError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut r = Reader::new(bytes.clone());
    let version = r.i16()?;
    Ok(partitions(&r.array(version)?))
}

fn partitions(topics: &[Topic]) -> Vec<TopicPartition> {
    let all = topics.iter().flat_map(|topic| {
        let name: Arc<str> = Arc::from(&*topic.name);
        let partitions = topic.partitions.iter();
        partitions.map(move |index| TopicPartition::new(Arc::clone(&name), *index))
    });
    all.collect()
}

fn by_topic(partitions: &[TopicPartition]) -> Vec<Topic> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for key in partitions {
        topics.entry(&key.topic).or_default().push(key.partition);
    }
    let topics = topics.into_iter().map(|(name, partitions)| Topic {
        name: Str::from(name),
        partitions,
    });
    topics.collect()
}

/// Writes a subscription.
pub(crate) fn encode_subscription(subscription: &Subscription) -> Result<Bytes, EncodeError> {
    let mut w = Writer::with_capacity(256);
    w.i16(VERSION);
    let topics: Vec<Str> = subscription
        .topics
        .iter()
        .map(|t| Str::from(&**t))
        .collect();
    w.array(&topics, VERSION)?;
    w.nullable_bytes(subscription.user_data.as_ref())?;
    w.array(&by_topic(&subscription.owned), VERSION)?;
    w.i32(subscription.generation);
    let rack = subscription.rack.as_deref().map(Str::from);
    w.nullable_string(rack.as_ref())?;
    Ok(w.finish().to_bytes())
}

/// Writes an assignment.
pub(crate) fn encode_assignment(partitions: &[TopicPartition]) -> Result<Bytes, EncodeError> {
    let mut w = Writer::with_capacity(256);
    w.i16(VERSION);
    w.array(&by_topic(partitions), VERSION)?;
    w.nullable_bytes(None)?;
    Ok(w.finish().to_bytes())
}
