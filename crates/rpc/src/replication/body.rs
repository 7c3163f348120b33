//! The leader's frames as the body of one gRPC request. Tonic would copy every record into a buffer
//! of its own; here the pieces of an append go to the connection as they are, and only what stands
//! between them is written anew. The bytes on the wire are the same.
//!
//! ```text
//!   LeaderFrame ─► [length, tags, small pieces] [piece] [tags] [piece] … ─► HTTP/2 DATA
//!                    copied                      as it is
//! ```

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::{Body, Frame};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use tokio::sync::mpsc;

use crate::proto::replication::v1::leader_item::Item;
use crate::proto::replication::v1::leader_message::Message;
use crate::proto::replication::v1::{Append, LeaderFrame, LeaderItem, LeaderMessage};

/// Smaller pieces are cheaper to copy than to send by themselves: each takes a write of its own.
const PIECE_COPIED_MAX_BYTES: usize = 64 << 10;
/// In front of each message: a flag (0: not compressed) and its length.
const PREFIX_BYTES: usize = 5;

/// Field numbers of replication.proto.
mod field {
    pub(super) const MESSAGE_FRAME: u32 = 2;
    pub(super) const FRAME_ITEMS: u32 = 1;
    pub(super) const ITEM_APPEND: u32 = 5;
    pub(super) const APPEND_BATCHES: u32 = 5;
}

/// Messages as they come, until their sender is dropped.
#[derive(Debug)]
pub(super) struct FrameBody {
    messages: mpsc::Receiver<LeaderMessage>,
    ready: VecDeque<Bytes>,
}

impl FrameBody {
    pub(super) const fn new(messages: mpsc::Receiver<LeaderMessage>) -> Self {
        Self {
            messages,
            ready: VecDeque::new(),
        }
    }
}

impl Body for FrameBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match ready!(self.messages.poll_recv(cx)) {
                Some(message) => self.ready = encode(message),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// The message with its prefix, in pieces.
fn encode(message: LeaderMessage) -> VecDeque<Bytes> {
    let len = message.encoded_len();
    let mut pieces = Pieces::default();
    pieces
        .copied
        .reserve(PREFIX_BYTES + len - not_copied_len(&message));
    pieces.copied.put_u8(0);
    // What does not fit is refused by the receiver long before.
    pieces
        .copied
        .put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    match message.message {
        Some(Message::Frame(frame)) => {
            pieces.header(field::MESSAGE_FRAME, frame.encoded_len());
            pieces.frame(frame);
        }
        other => pieces.put(&LeaderMessage { message: other }),
    }
    let all = pieces.finish();
    debug_assert_eq!(
        all.iter().map(Bytes::len).sum::<usize>(),
        PREFIX_BYTES + len,
        "as long as announced"
    );
    all
}

const fn is_copied(piece: &Bytes) -> bool {
    piece.len() <= PIECE_COPIED_MAX_BYTES
}

/// Bytes that go out as they are.
fn not_copied_len(message: &LeaderMessage) -> usize {
    let Some(Message::Frame(frame)) = &message.message else {
        return 0;
    };
    let pieces = frame.items.iter().flat_map(|item| match &item.item {
        Some(Item::Append(append)) => append.batches.as_slice(),
        _ => &[],
    });
    let large = pieces.filter(|piece| !is_copied(piece));
    large.map(Bytes::len).sum()
}

#[derive(Debug, Default)]
struct Pieces {
    done: VecDeque<Bytes>,
    copied: BytesMut,
}

impl Pieces {
    fn frame(&mut self, frame: LeaderFrame) {
        for item in frame.items {
            self.header(field::FRAME_ITEMS, item.encoded_len());
            match item.item {
                Some(Item::Append(append)) => {
                    self.header(field::ITEM_APPEND, append.encoded_len());
                    self.append(append);
                }
                other => self.put(&LeaderItem { item: other }),
            }
        }
    }

    fn append(&mut self, mut append: Append) {
        let batches = std::mem::take(&mut append.batches);
        self.put(&append);
        // The last field, so that the order is the one every encoder would choose.
        for piece in batches {
            self.header(field::APPEND_BATCHES, piece.len());
            if is_copied(&piece) {
                self.copied.put_slice(&piece);
                continue;
            }
            self.done.push_back(self.copied.split().freeze());
            self.done.push_back(piece);
        }
    }

    /// Announces a field with a length.
    fn header(&mut self, field: u32, len: usize) {
        encode_key(field, WireType::LengthDelimited, &mut self.copied);
        encode_varint(len as u64, &mut self.copied);
    }

    fn put(&mut self, message: &impl prost::Message) {
        message.encode_raw(&mut self.copied);
    }

    fn finish(mut self) -> VecDeque<Bytes> {
        if !self.copied.is_empty() {
            self.done.push_back(self.copied.freeze());
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf as _;

    use super::*;
    use crate::proto::replication::v1::{Close, Hello, Open};

    fn append(sizes: &[usize]) -> Item {
        let piece = |(i, size): (usize, &usize)| {
            Bytes::from(vec![u8::try_from(i % 256).expect("a byte"); *size])
        };
        Item::Append(Append {
            handle: 300,
            base_offset: 1 << 40,
            high_watermark: 0,
            log_start_offset: 7,
            batches: sizes.iter().enumerate().map(piece).collect(),
        })
    }

    fn frame(items: Vec<Item>) -> LeaderMessage {
        let items = items
            .into_iter()
            .map(|item| LeaderItem { item: Some(item) });
        LeaderMessage {
            message: Some(Message::Frame(LeaderFrame {
                items: items.collect(),
            })),
        }
    }

    fn samples() -> Vec<LeaderMessage> {
        let open = Item::Open(Open {
            handle: 1,
            topic_id: vec![9; 16].into(),
            partition: 3,
            leader_epoch: 0,
        });
        let close = Item::Close(Close { handle: 0 });
        vec![
            LeaderMessage { message: None },
            LeaderMessage {
                message: Some(Message::Hello(Hello {
                    cluster_id: "c".to_owned(),
                    ..Hello::default()
                })),
            },
            frame(vec![]),
            frame(vec![open.clone(), close.clone()]),
            frame(vec![append(&[16, 100_000, 16, 65_536, 65_537])]),
            frame(vec![
                open,
                append(&[70_000]),
                close,
                append(&[1]),
                append(&[90_000, 1]),
            ]),
        ]
    }

    #[test]
    fn the_bytes_are_those_of_every_other_encoder() {
        for message in samples() {
            let mut bytes = BytesMut::new();
            for piece in encode(message.clone()) {
                bytes.put(piece);
            }
            assert_eq!(bytes.get_u8(), 0);
            assert_eq!(bytes.get_u32() as usize, bytes.len());
            assert_eq!(bytes, message.encode_to_vec());
        }
    }

    #[test]
    fn large_pieces_are_not_copied() {
        let message = frame(vec![append(&[16, 100_000])]);
        let Some(Message::Frame(content)) = &message.message else {
            panic!("a frame");
        };
        let Some(Item::Append(sent)) = &content.items[0].item else {
            panic!("an append");
        };
        let large = sent.batches[1].as_ptr();
        assert!(encode(message).iter().any(|piece| piece.as_ptr() == large));
    }
}
