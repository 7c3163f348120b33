//! The leader's messages from bytes that lie in slices. What prost would do, field by field and with
//! the same result, but for two things: records stay where they are, in as many pieces as that takes,
//! and what is repeated is counted while it is read, since two bytes of protobuf are enough for an item
//! of a hundred bytes.
//!
//! ```text
//!  LeaderMessage ─ frame ─ items ─ append ─ batches
//!      prost       here    here     here     taken as they lie      everything else: prost
//! ```

use bytes::Buf as _;
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint};
use tonic::Status;

use super::slices::Slices;
use super::wire::FRAME_ITEMS_MAX;
use crate::proto::replication::v1::leader_item::Item;
use crate::proto::replication::v1::leader_message::Message;
use crate::proto::replication::v1::{Append, LeaderFrame, LeaderItem, LeaderMessage};

/// Pieces of records in one message: all of its items together.
const PIECES_MAX: usize = 1 << 19;

/// Field numbers of replication.proto.
mod field {
    pub(super) const MESSAGE_FRAME: u32 = 2;
    pub(super) const FRAME_ITEMS: u32 = 1;
    pub(super) const ITEM_APPEND: u32 = 5;
    pub(super) const APPEND_BATCHES: u32 = 5;
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Protobuf(#[from] DecodeError),
    #[error("a field is longer than what it stands in")]
    Length,
    #[error("too many items in a message")]
    TooMany,
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooMany => Self::resource_exhausted(fault.to_string()),
            Fault::Protobuf(_) | Fault::Length => Self::internal(fault.to_string()),
        }
    }
}

/// Takes a message of `len` bytes off. After an error nobody knows where the next one begins.
pub(super) fn decode(bytes: &mut Slices, len: usize) -> Result<LeaderMessage, Fault> {
    Decoder { bytes, pieces: 0 }.message(len)
}

struct Decoder<'a> {
    bytes: &'a mut Slices,
    /// Pieces of records taken.
    pieces: usize,
}

/// Whether the field is the one, and has a length in front.
fn is(field: (u32, WireType), number: u32) -> bool {
    field == (number, WireType::LengthDelimited)
}

impl Decoder<'_> {
    fn message(mut self, len: usize) -> Result<LeaderMessage, Fault> {
        let mut message = LeaderMessage::default();
        self.fields(len, |decoder, field| {
            if !is(field, field::MESSAGE_FRAME) {
                return decoder.other(&mut message, field);
            }
            // The last of a oneof counts, but the same one twice is one message in two parts.
            let mut frame = match message.message.take() {
                Some(Message::Frame(frame)) => frame,
                _ => LeaderFrame::default(),
            };
            decoder.frame(&mut frame)?;
            message.message = Some(Message::Frame(frame));
            Ok(())
        })?;
        Ok(message)
    }

    fn frame(&mut self, frame: &mut LeaderFrame) -> Result<(), Fault> {
        let len = self.len()?;
        self.fields(len, |decoder, field| {
            if !is(field, field::FRAME_ITEMS) {
                return decoder.other(frame, field);
            }
            if frame.items.len() >= FRAME_ITEMS_MAX {
                return Err(Fault::TooMany);
            }
            frame.items.push(decoder.item()?);
            Ok(())
        })
    }

    fn item(&mut self) -> Result<LeaderItem, Fault> {
        let mut item = LeaderItem::default();
        let len = self.len()?;
        self.fields(len, |decoder, field| {
            if !is(field, field::ITEM_APPEND) {
                return decoder.other(&mut item, field);
            }
            let mut append = match item.item.take() {
                Some(Item::Append(append)) => append,
                _ => Append::default(),
            };
            decoder.append(&mut append)?;
            item.item = Some(Item::Append(append));
            Ok(())
        })?;
        Ok(item)
    }

    fn append(&mut self, append: &mut Append) -> Result<(), Fault> {
        let len = self.len()?;
        self.fields(len, |decoder, field| {
            if !is(field, field::APPEND_BATCHES) {
                return decoder.other(append, field);
            }
            let before = append.batches.len();
            let len = decoder.len()?;
            let taken = decoder.bytes.take_pieces(len, &mut append.batches);
            taken.ok_or(Fault::Length)?;
            if len == 0 {
                append.batches.push(bytes::Bytes::new());
            }
            decoder.pieces += append.batches.len() - before;
            if decoder.pieces > PIECES_MAX {
                return Err(Fault::TooMany);
            }
            Ok(())
        })
    }

    /// Reads fields until `len` bytes are read.
    fn fields(
        &mut self,
        len: usize,
        mut read: impl FnMut(&mut Self, (u32, WireType)) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let remaining = self.bytes.remaining();
        let end = remaining.checked_sub(len).ok_or(Fault::Length)?;
        while self.bytes.remaining() > end {
            let field = decode_key(self.bytes)?;
            read(self, field)?;
        }
        if self.bytes.remaining() < end {
            return Err(Fault::Length);
        }
        Ok(())
    }

    /// The length in front of a field.
    fn len(&mut self) -> Result<usize, Fault> {
        let len = decode_varint(self.bytes)?;
        usize::try_from(len).map_err(|_too_long| Fault::Length)
    }

    /// A field that needs no care: it is small, or skipped.
    fn other(
        &mut self,
        message: &mut impl prost::Message,
        (number, wire_type): (u32, WireType),
    ) -> Result<(), Fault> {
        let context = DecodeContext::default();
        Ok(message.merge_field(number, wire_type, self.bytes, context)?)
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
