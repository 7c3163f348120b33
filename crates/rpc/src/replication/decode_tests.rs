//! Cut into whatever slices, a message is what prost makes of it in one piece; and so is nonsense.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::proto::replication::v1 as wire;

fn append() -> impl Strategy<Value = Item> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (any::<u8>(), 0_usize..60_000).prop_map(|(byte, len)| vec![byte; len]),
    ];
    let pieces = prop::collection::vec(piece, 0..6);
    (any::<u32>(), any::<i64>(), any::<i64>(), pieces).prop_map(
        |(handle, base_offset, high_watermark, pieces)| {
            Item::Append(Append {
                handle,
                base_offset,
                high_watermark,
                log_start_offset: 3,
                batches: pieces.into_iter().map(Bytes::from).collect(),
            })
        },
    )
}

fn item() -> impl Strategy<Value = Option<Item>> {
    let open = (any::<u32>(), any::<[u8; 16]>()).prop_map(|(handle, id)| {
        Item::Open(wire::Open {
            handle,
            topic_id: Bytes::copy_from_slice(&id),
            partition: 3,
            leader_epoch: -1,
        })
    });
    let close = any::<u32>().prop_map(|handle| Item::Close(wire::Close { handle }));
    prop::option::weighted(0.95, prop_oneof![append(), open, close])
}

fn message() -> impl Strategy<Value = LeaderMessage> {
    let items = prop::collection::vec(item(), 0..6);
    let frame = items.prop_map(|items| {
        let items = items.into_iter().map(|item| LeaderItem { item });
        Message::Frame(LeaderFrame {
            items: items.collect(),
        })
    });
    let hello = ".{0,20}".prop_map(|cluster_id| {
        Message::Hello(wire::Hello {
            cluster_id,
            ..wire::Hello::default()
        })
    });
    let message = prop_oneof![5 => frame, 1 => hello];
    prop::option::weighted(0.95, message).prop_map(|message| LeaderMessage { message })
}

/// The bytes in slices of those lengths, again and again.
fn slices(mut bytes: Bytes, lens: &[usize]) -> Slices {
    let mut slices = Slices::default();
    for len in lens.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        slices.push(bytes.split_to((*len).clamp(1, bytes.len())));
    }
    slices
}

fn lens() -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![1_usize..50, 1_usize..50_000];
    prop::collection::vec(len, 1..8)
}

/// Records in one piece: in how many they come is nobody's business. An append of nothing is another
/// thing than an append without pieces.
fn joined(mut message: LeaderMessage) -> LeaderMessage {
    if let Some(Message::Frame(frame)) = &mut message.message {
        for item in &mut frame.items {
            if let Some(Item::Append(append)) = &mut item.item {
                let is_empty = |piece: &Bytes| piece.is_empty();
                let has_empty = append.batches.iter().any(is_empty);
                append.batches = vec![append.batches.concat().into()];
                append.batches.extend(has_empty.then(Bytes::new));
            }
        }
    }
    message
}

fn decoded(bytes: &Bytes, lens: &[usize], behind: &[u8]) -> Option<LeaderMessage> {
    let mut all = slices([&bytes[..], behind].concat().into(), lens);
    let decoded = decode(&mut all, bytes.len()).ok()?;
    assert_eq!(
        all.copy_to_bytes(all.remaining()),
        behind,
        "no more than its own"
    );
    Some(joined(decoded))
}

proptest! {
    #[test]
    fn every_cutting_into_slices_means_the_same(
        message in message(),
        lens in lens(),
        behind in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let bytes = Bytes::from(message.encode_to_vec());
        prop_assert_eq!(decoded(&bytes, &lens, &behind), Some(joined(message)));
    }

    #[test]
    fn damaged_messages_are_taken_and_refused_as_by_prost(
        message in message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        lens in lens(),
        behind in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = message.encode_to_vec();
        for (at, byte) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes.truncate(cut.map_or(usize::MAX, |cut| cut.index(bytes.len() + 1)));
        let bytes = Bytes::from(bytes);
        let expected = LeaderMessage::decode(bytes.clone()).ok().map(joined);
        prop_assert_eq!(decoded(&bytes, &lens, &behind), expected);
    }

    #[test]
    fn nonsense_is_taken_and_refused_as_by_prost(
        bytes in prop::collection::vec(prop_oneof![Just(0x12), Just(0x0a), Just(0x2a), 0_u8..20, any::<u8>()], 0..40),
        lens in lens(),
    ) {
        let bytes = Bytes::from(bytes);
        let expected = LeaderMessage::decode(bytes.clone()).ok().map(joined);
        prop_assert_eq!(decoded(&bytes, &lens, &[]), expected);
    }

    #[test]
    fn a_queue_of_bytes_gives_what_was_put_in(
        parts in prop::collection::vec((any::<u8>(), 0_usize..40_000), 0..12),
        takes in prop::collection::vec((any::<bool>(), 0_usize..50_000), 0..12),
    ) {
        let mut slices = Slices::default();
        let mut all = Vec::new();
        for (byte, len) in parts {
            slices.push(Bytes::from(vec![byte; len]));
            all.extend(vec![byte; len]);
        }
        let mut at = 0;
        for (takes, len) in takes {
            let mut pieces = Vec::new();
            if takes {
                let is_there = slices.take_pieces(len, &mut pieces).is_some();
                prop_assert_eq!(is_there, len <= all.len() - at);
                prop_assert!(pieces.iter().all(|piece| !piece.is_empty()));
                let taken = pieces.concat();
                prop_assert_eq!(&taken[..], &all[at..at + if is_there { len } else { 0 }]);
                at += taken.len();
            } else {
                let len = len.min(slices.remaining());
                slices.advance(len);
                at += len;
            }
        }
        prop_assert_eq!(slices.remaining(), all.len() - at);
        prop_assert_eq!(&slices.copy_to_bytes(all.len() - at)[..], &all[at..]);
    }
}

fn frame_of(items: Vec<LeaderItem>) -> Bytes {
    let frame = Message::Frame(LeaderFrame { items });
    let message = Some(frame);
    LeaderMessage { message }.encode_to_vec().into()
}

fn empty_pieces(count: usize) -> LeaderItem {
    let append = Append {
        batches: vec![Bytes::new(); count],
        ..Append::default()
    };
    LeaderItem {
        item: Some(Item::Append(append)),
    }
}

fn is_taken(bytes: Bytes) -> bool {
    let len = bytes.len();
    match decode(&mut slices(bytes, &[usize::MAX]), len) {
        Ok(_) => true,
        Err(Fault::TooMany) => false,
        Err(fault) => panic!("{fault}"),
    }
}

#[test]
fn a_full_frame_is_taken_and_one_item_more_is_not() {
    assert!(is_taken(frame_of(vec![empty_pieces(1); FRAME_ITEMS_MAX])));
    let empty = LeaderItem { item: None };
    assert!(!is_taken(frame_of(vec![empty; FRAME_ITEMS_MAX + 1])));
}

#[test]
fn pieces_count_over_all_items() {
    assert!(is_taken(frame_of(vec![empty_pieces(1000); 100])));
    assert!(!is_taken(frame_of(vec![empty_pieces(PIECES_MAX + 1)])));
    assert!(!is_taken(frame_of(vec![empty_pieces(1000); 600])));
}

#[test]
fn records_are_not_copied() {
    let records = vec![7; 100_000];
    let append = Append {
        batches: vec![Bytes::from(records)],
        ..Append::default()
    };
    let item = Some(Item::Append(append));
    let bytes = frame_of(vec![LeaderItem { item }]);
    let at = &raw const bytes[bytes.len() - 100_000];
    let len = bytes.len();
    let message = decode(&mut slices(bytes, &[50_000]), len).expect("sound");
    let Some(Message::Frame(frame)) = message.message else {
        panic!("a frame");
    };
    let Some(Item::Append(append)) = &frame.items[0].item else {
        panic!("an append");
    };
    assert!(append.batches.len() >= 2);
    assert_eq!(append.batches[0].as_ptr(), at);
}
