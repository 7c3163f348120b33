//! The leader's frames as the body of one gRPC request. Tonic would copy every record into a buffer
//! of its own; here the pieces of an append go to the connection as they are, and only what stands
//! between them is written anew. The bytes on the wire are the same.
//!
//! ```text
//!   LeaderFrame ─► [length, tags, small pieces] [piece] [tags] [piece] … ─► HTTP/2 DATA, 16 of them a writev
//!                    copied                      as it is
//! ```

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use http_body::{Body, Frame};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use tokio::sync::mpsc;

use crate::proto::replication::v1::leader_item::Item;
use crate::proto::replication::v1::leader_message::Message;
use crate::proto::replication::v1::{Append, LeaderFrame, LeaderItem, LeaderMessage};

/// Smaller pieces are cheaper to copy than to send from where they are: one write takes only so many.
const PIECE_COPIED_MAX_BYTES: usize = 4 << 10;
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
}

impl FrameBody {
    pub(super) const fn new(messages: mpsc::Receiver<LeaderMessage>) -> Self {
        Self { messages }
    }
}

impl Body for FrameBody {
    type Data = Chain;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chain>, Infallible>>> {
        let message = ready!(self.messages.poll_recv(cx));
        Poll::Ready(message.map(|message| Ok(Frame::data(encode(message)))))
    }
}

/// One message in pieces, none of them empty.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pieces: VecDeque<Bytes>,
    len: usize,
}

impl Chain {
    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push_back(piece);
        }
    }
}

impl Buf for Chain {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let both = slices.iter_mut().zip(&self.pieces);
        both.map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count()
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len, "more than there is");
        self.len -= count;
        while let Some(first) = self.pieces.front_mut() {
            if first.len() > count {
                return first.advance(count);
            }
            count -= first.len();
            self.pieces.pop_front();
        }
    }
}

/// The message with its prefix, in pieces.
fn encode(message: LeaderMessage) -> Chain {
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
    debug_assert_eq!(all.len, PREFIX_BYTES + len, "as long as announced");
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
    done: Chain,
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
            self.done.push(self.copied.split().freeze());
            self.done.push(piece);
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

    fn finish(mut self) -> Chain {
        self.done.push(self.copied.freeze());
        self.done
    }
}

#[cfg(test)]
mod tests {
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
            let mut bytes = encode(message.clone());
            assert_eq!(bytes.get_u8(), 0);
            assert_eq!(bytes.get_u32() as usize, bytes.remaining());
            let mut slices = [IoSlice::new(&[]); 64];
            let count = bytes.chunks_vectored(&mut slices);
            let slices: Vec<&[u8]> = slices[..count].iter().map(|slice| &**slice).collect();
            assert_eq!(slices.concat(), message.encode_to_vec());
            for step in [1, 7, 70_001] {
                let mut rest = encode(message.clone());
                let mut seen = Vec::new();
                while rest.has_remaining() {
                    let len = step.min(rest.chunk().len());
                    seen.extend_from_slice(&rest.chunk()[..len]);
                    rest.advance(len);
                }
                assert_eq!(seen[PREFIX_BYTES..], message.encode_to_vec());
            }
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
        let sent = encode(message).pieces;
        assert!(sent.iter().any(|piece| piece.as_ptr() == large));
    }
}
