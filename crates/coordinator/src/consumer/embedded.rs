//! What the classic consumer protocol puts into bytes: subscriptions and assignments.
//!
//! A version in two bytes, then the message. Versions after the newest that is known are read as that
//! one: they only append fields.

use bytes::{Buf, Bytes};
use protocol::Message;
use protocol::data::consumer_protocol_assignment::{ConsumerProtocolAssignment, TopicPartition};
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::wire::{Reader, Writer};

/// Reads a subscription; `None` if it is not one.
pub(crate) fn subscription(bytes: &Bytes) -> Option<ConsumerProtocolSubscription> {
    read(bytes, *ConsumerProtocolSubscription::VERSIONS.end())
}

/// Reads an assignment; `None` if it is not one. No bytes at all assign nothing.
pub(crate) fn assignment(bytes: &Bytes) -> Option<ConsumerProtocolAssignment> {
    if bytes.is_empty() {
        return Some(ConsumerProtocolAssignment::default());
    }
    read(bytes, *ConsumerProtocolAssignment::VERSIONS.end())
}

/// Writes an assignment for a member that subscribed with `subscribed`: in the same version, which it
/// is sure to understand.
pub(crate) fn assign(topics: Vec<TopicPartition>, subscribed: &Bytes) -> Bytes {
    let newest = *ConsumerProtocolAssignment::VERSIONS.end();
    let version = version(subscribed).map_or(0, |version| version.min(newest));
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: topics,
        user_data: None,
    };
    let mut writer = Writer::with_capacity(2 + assignment.encoded_len());
    writer.i16(version);
    match assignment.encode(&mut writer, version) {
        Ok(()) => writer.finish().pieces().flatten().copied().collect(),
        // A topic's name is never too long for its length field.
        Err(_) => Bytes::new(),
    }
}

fn version(bytes: &Bytes) -> Option<i16> {
    let mut head = bytes.get(..2)?;
    let version = head.get_i16();
    (version >= 0).then_some(version)
}

fn read<T: Message>(bytes: &Bytes, newest: i16) -> Option<T> {
    let version = version(bytes)?.min(newest);
    let mut reader = Reader::new(bytes.slice(2..));
    T::decode(&mut reader, version).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Str;

    #[test]
    fn an_assignment_is_written_in_the_version_of_the_subscription() {
        let topic = TopicPartition {
            topic: Str::from("t"),
            partitions: vec![1, 2],
        };
        for (subscribed, version) in [(&[0, 1][..], 1), (&[0, 99], 3), (&[], 0)] {
            let subscribed = Bytes::copy_from_slice(subscribed);
            let bytes = assign(vec![topic.clone()], &subscribed);
            assert_eq!(bytes[..2], [0, version]);
            assert_eq!(
                assignment(&bytes).unwrap().assigned_partitions,
                std::slice::from_ref(&topic)
            );
        }
    }

    #[test]
    fn bytes_that_are_neither_are_nothing() {
        for junk in [
            &[][..],
            &[0],
            &[0xff, 0xff, 0, 0],
            &[0, 0, 0x7f, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(
                subscription(&Bytes::copy_from_slice(junk)),
                None,
                "{junk:?}"
            );
        }
        assert!(assignment(&Bytes::from_static(&[0, 0, 0x7f])).is_none());
    }
}
