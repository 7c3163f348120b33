//! The topics that members read, out of the bytes that they exchange.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use protocol::Message;
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::wire::Reader;

use super::state::Group;

/// All topics that the group's members subscribe in this generation. `None` if that cannot be told: other
/// protocol types, or metadata that no consumer writes.
pub(super) fn of(group: &Group) -> Option<BTreeSet<Arc<str>>> {
    if !group.is_of_consumers() {
        return None;
    }
    let protocol = group.protocol.as_deref().unwrap_or_default();
    let mut topics = BTreeSet::new();
    for member in group.members.iter() {
        topics.extend(parse(member.metadata(protocol))?);
    }
    Some(topics)
}

/// The topics of one member. Every version of the metadata begins with what version 0 says.
fn parse(mut metadata: Bytes) -> Option<Vec<Arc<str>>> {
    if metadata.remaining() < 2 || metadata.get_i16() < 0 {
        return None;
    }
    let mut reader = Reader::new(metadata);
    let subscription = ConsumerProtocolSubscription::decode(&mut reader, 0).ok()?;
    let topics = subscription.topics.iter();
    Some(topics.map(|topic| Arc::from(&**topic)).collect())
}

impl Group {
    /// Whether members read the topic. One that cannot tell says that they do, so that nothing is taken
    /// from them.
    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => !self.members.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(version: i16, topics: &[&str], rest: &[u8]) -> Bytes {
        let mut bytes = version.to_be_bytes().to_vec();
        bytes.extend(i32::try_from(topics.len()).unwrap().to_be_bytes());
        for topic in topics {
            bytes.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
            bytes.extend(topic.as_bytes());
        }
        bytes.extend((-1_i32).to_be_bytes());
        bytes.extend(rest);
        bytes.into()
    }

    #[test]
    fn topics_are_read_out_of_any_version() {
        let wanted: Vec<Arc<str>> = vec!["a".into(), "b".into()];
        assert_eq!(parse(bytes(0, &["a", "b"], b"")), Some(wanted.clone()));
        let newer = bytes(99, &["a", "b"], b"what the future adds");
        assert_eq!(parse(newer), Some(wanted));
    }

    #[test]
    fn what_no_consumer_writes_tells_nothing() {
        for junk in [
            &b""[..],
            b"\x00",
            b"\xff\xff\x00\x00\x00\x00",
            b"\x00\x00\x7f\xff\xff\xff",
        ] {
            assert_eq!(parse(Bytes::from_static(junk)), None, "{junk:?}");
        }
    }
}
