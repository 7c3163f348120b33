//! How much a message would unfold to, counted before it is decoded: two bytes of protobuf are enough
//! for an item of a hundred bytes, and a message may be as large as the largest batch. For messages that
//! come in one piece, as the follower's do; the service counts the leader's while it reads them.
//!
//! ```text
//!  LeaderMessage ─ frame ─ items ─ append ─ batches       depth 0, 1, 2, 3
//!                          counted          counted
//! ```

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

use super::wire::FRAME_ITEMS_MAX;

/// Fields of all items together: most of them pieces of records.
const FIELDS_MAX: usize = 1 << 19;

/// Below the items' own messages everything is scalars and bytes.
const DEPTH_MAX: usize = 3;

/// What was found at each depth.
#[derive(Debug, Default)]
struct Count {
    fields: [usize; DEPTH_MAX + 1],
}

/// Whether a message holds no more items and pieces than a frame may have. Says nothing about whether
/// it makes sense: bytes that cannot be read count for nothing, and the decoder refuses them.
pub(super) fn is_bounded(message: &[u8]) -> bool {
    let mut count = Count::default();
    count.walk(message, 0)
}

impl Count {
    /// Counts the fields of a message at that depth and below. Returns whether all is within bounds.
    fn walk(&mut self, mut bytes: &[u8], depth: usize) -> bool {
        while bytes.has_remaining() {
            let Ok((_tag, wire_type)) = decode_key(&mut bytes) else {
                return true;
            };
            self.fields[depth] += 1;
            if self.fields[1] > FRAME_ITEMS_MAX || self.fields[depth] > FIELDS_MAX {
                return false;
            }
            let len = match wire_type {
                WireType::Varint => decode_varint(&mut bytes).map(|_| 0),
                WireType::SixtyFourBit => Ok(8),
                WireType::ThirtyTwoBit => Ok(4),
                WireType::LengthDelimited => decode_varint(&mut bytes),
                // Long out of use, and in none of our messages.
                WireType::StartGroup | WireType::EndGroup => return true,
            };
            let Some((field, rest)) = len
                .ok()
                .and_then(|len| usize::try_from(len).ok())
                .and_then(|len| bytes.split_at_checked(len))
            else {
                return true;
            };
            let is_message = wire_type == WireType::LengthDelimited && depth < DEPTH_MAX;
            if is_message && !self.walk(field, depth + 1) {
                return false;
            }
            bytes = rest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use prost::Message as _;

    use super::*;
    use crate::proto::replication::v1 as wire;
    use wire::leader_item::Item;

    fn message(items: Vec<wire::LeaderItem>) -> Vec<u8> {
        let frame = wire::LeaderFrame { items };
        let message = Some(wire::leader_message::Message::Frame(frame));
        wire::LeaderMessage { message }.encode_to_vec()
    }

    fn append(pieces: usize) -> wire::LeaderItem {
        let append = wire::Append {
            batches: vec![Bytes::new(); pieces],
            ..wire::Append::default()
        };
        wire::LeaderItem {
            item: Some(Item::Append(append)),
        }
    }

    #[test]
    fn a_full_frame_is_within_bounds_and_one_item_more_is_not() {
        let items = vec![append(1); FRAME_ITEMS_MAX];
        assert!(is_bounded(&message(items)));
        let empty = vec![wire::LeaderItem { item: None }; FRAME_ITEMS_MAX + 1];
        assert!(!is_bounded(&message(empty)));
    }

    #[test]
    fn pieces_count_over_all_items() {
        assert!(is_bounded(&message(vec![append(1000); 100])));
        assert!(!is_bounded(&message(vec![append(FIELDS_MAX + 1)])));
        assert!(!is_bounded(&message(vec![append(1000); 600])));
    }

    #[test]
    fn records_that_look_like_nonsense_are_nobodys_business_here() {
        let records = wire::Append {
            batches: vec![Bytes::from(vec![0xff; 1 << 20])],
            ..wire::Append::default()
        };
        let item = wire::LeaderItem {
            item: Some(Item::Append(records)),
        };
        assert!(is_bounded(&message(vec![item])));
        assert!(is_bounded(&[0xff; 64]));
    }
}
