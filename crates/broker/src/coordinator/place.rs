//! Which partition of `__consumer_offsets` a group belongs to, and who leads it.

use std::sync::Arc;

use metadata::{MetadataImage, PartitionRegistration};
use types::PartitionIndex;

/// The topic that keeps groups and their offsets.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The partition that the group belongs to, and its registration; `None` while the topic does not exist.
pub(crate) fn partition_of<'a>(
    image: &'a MetadataImage,
    group_id: &str,
) -> Option<(PartitionIndex, &'a Arc<PartitionRegistration>)> {
    let topic = image.topic(OFFSETS_TOPIC)?;
    let index = index_of(group_id, topic.partition_count())?;
    Some((index, topic.partition(index)?))
}

/// Kafka's own spreading: any client or broker of the cluster must come to the same place.
fn index_of(group_id: &str, partition_count: usize) -> Option<PartitionIndex> {
    let count = i32::try_from(partition_count).ok()?;
    (java_hash(group_id) & i32::MAX).checked_rem(count)
}

/// Java's `String.hashCode`, which counts UTF-16 units.
fn java_hash(text: &str) -> i32 {
    let add = |hash: i32, unit: u16| hash.wrapping_mul(31).wrapping_add(i32::from(unit));
    text.encode_utf16().fold(0, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The numbers are those of a JVM.
    #[test]
    fn texts_hash_as_in_java() {
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("hello"), 99_162_322);
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
        assert_eq!(java_hash("\u{1f600}"), 1_772_899);
    }

    #[test]
    fn every_group_has_a_place_and_no_topic_has_none() {
        assert_eq!(index_of("polygenelubricants", 50), Some(0));
        assert_eq!(index_of("hello", 50), Some(22));
        assert_eq!(index_of("hello", 0), None);
    }
}
