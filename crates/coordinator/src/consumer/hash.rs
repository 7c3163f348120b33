//! The hash of all that an assignment depends on, as Kafka 4.1 and later write it in the group's
//! record (KIP-1101): a new coordinator sees by it whether topics changed in the meantime.
//!
//! XXH3 over what hash4j's stream writes: numbers little-endian, text as UTF-16 code units
//! (little-endian) followed by their count.

use std::sync::Arc;

use metadata::{MetadataImage, TopicImage};
use twox_hash::XxHash3_64;

/// The hash of these topics; 0 if none of them exists. Names come in order and once each.
pub(crate) fn of_topics<'a>(
    names: impl IntoIterator<Item = &'a Arc<str>>,
    image: &MetadataImage,
) -> i64 {
    let mut hasher = Hasher::default();
    let mut is_empty = true;
    for topic in names.into_iter().filter_map(|name| image.topic(name)) {
        is_empty = false;
        hasher.bytes(&of_topic(topic, image).to_le_bytes());
    }
    if is_empty { 0 } else { hasher.finish() }
}

fn of_topic(topic: &TopicImage, image: &MetadataImage) -> i64 {
    let mut hasher = Hasher::default();
    hasher.bytes(&[VERSION]);
    let id = topic.id();
    let (high, low) = id.0.as_bytes().split_at(8);
    for half in [high, low] {
        // Read big-endian, written little-endian.
        let mut half = half.to_vec();
        half.reverse();
        hasher.bytes(&half);
    }
    hasher.text(topic.name());
    hasher.count(topic.partition_count());
    for (index, partition) in topic.partitions() {
        hasher.bytes(&index.to_le_bytes());
        let replicas = partition.replicas.iter();
        let mut racks: Vec<&str> = replicas
            .filter_map(|node| image.broker(*node)?.rack.as_deref())
            .collect();
        racks.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
        for rack in racks {
            hasher.count(rack.encode_utf16().count());
            hasher.text(rack);
        }
    }
    hasher.finish()
}

/// The version of the layout.
const VERSION: u8 = 0;

#[derive(Default)]
struct Hasher {
    written: Vec<u8>,
}

impl Hasher {
    fn bytes(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
    }

    fn count(&mut self, count: usize) {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        self.bytes(&count.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        let mut count = 0;
        for unit in text.encode_utf16() {
            self.bytes(&unit.to_le_bytes());
            count += 1;
        }
        self.count(count);
    }

    fn finish(&self) -> i64 {
        XxHash3_64::oneshot(&self.written).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metadata::{replay, v1};

    /// What a real 4.3.1 wrote for a group that reads one topic of two partitions.
    #[test]
    fn a_group_has_the_hash_that_kafka_writes() {
        let topic_id = 0x6c5c_d003_7aff_4fd3_9e02_4e7f_e2cb_be21_u128
            .to_be_bytes()
            .to_vec();
        let topic = v1::Topic {
            name: "t".to_owned(),
            topic_id: topic_id.clone().into(),
        };
        let partition = |index| v1::Partition {
            topic_id: topic_id.clone().into(),
            index,
            replicas: vec![1],
            isr: vec![1],
            leader: Some(1),
            ..v1::Partition::default()
        };
        let records = [topic.into(), partition(0).into(), partition(1).into()];
        let (image, _) = replay(&MetadataImage::empty(), 0, &records).unwrap();
        let names = [Arc::from("t"), Arc::from("unknown")];
        let expected = 0xfa5a_5bda_b097_d7da_u64.cast_signed();
        assert_eq!(of_topics(&names, &image), expected);
        assert_eq!(of_topics(&names[1..], &image), 0);
    }

    /// What hash4j 0.22 says of the same writes, as Kafka makes them.
    #[test]
    fn hashes_are_those_of_kafka() {
        let mut topic = Hasher::default();
        topic.bytes(&[VERSION]);
        topic.bytes(&0x0102_0304_0506_0708_u64.to_le_bytes());
        topic.bytes(&0x090a_0b0c_0d0e_0f10_u64.to_le_bytes());
        topic.text("foo");
        topic.count(2);
        topic.count(0);
        for rack in ["rack1", "rack2"] {
            topic.count(rack.len());
            topic.text(rack);
        }
        topic.count(1);
        assert_eq!(topic.finish(), -8_522_674_488_918_800_215);

        let mut other = Hasher::default();
        other.bytes(&[VERSION]);
        other.bytes(&0x0102_0304_0506_0708_u64.to_le_bytes());
        other.bytes(&0x090a_0b0c_0d0e_0f10_u64.to_le_bytes());
        other.text("bärß😀");
        other.count(0);
        assert_eq!(other.finish(), 2_747_293_589_600_602_355);

        let mut group = Hasher::default();
        group.bytes(&other.finish().to_le_bytes());
        group.bytes(&topic.finish().to_le_bytes());
        assert_eq!(group.finish(), -5_396_921_979_763_162_507);
    }
}
