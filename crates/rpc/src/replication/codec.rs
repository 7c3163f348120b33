//! Frames to bytes, in one allocation of the right size: a buffer that grows as it is filled would copy
//! the records of a large frame several times. And bytes to frames, counted before they unfold.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::{ProstCodec, ProstDecoder};

use super::bounds::is_bounded;

/// As tonic's codec for prost messages, but for the allocation.
#[derive(Debug)]
pub(crate) struct FrameCodec<T, U> {
    messages: PhantomData<(T, U)>,
}

impl<T, U> Default for FrameCodec<T, U> {
    fn default() -> Self {
        Self {
            messages: PhantomData,
        }
    }
}

impl<T, U> Codec for FrameCodec<T, U>
where
    T: Message + 'static,
    U: Message + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = FrameEncoder<T>;
    type Decoder = FrameDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        FrameEncoder {
            message: PhantomData,
        }
    }

    fn decoder(&mut self) -> Self::Decoder {
        FrameDecoder(ProstCodec::<T, U>::raw_decoder(BufferSettings::default()))
    }
}

/// Encodes one kind of message.
#[derive(Debug)]
pub(crate) struct FrameEncoder<T> {
    message: PhantomData<T>,
}

impl<T: Message + 'static> Encoder for FrameEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.reserve(message.encoded_len());
        message
            .encode(buf)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

/// Decodes one kind of message, unless it would unfold to more than a frame may be.
#[derive(Debug)]
pub(crate) struct FrameDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default> Decoder for FrameDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // The whole message, in one piece: that is how it is gathered.
        if buf.chunk().len() != buf.remaining() || !is_bounded(buf.chunk()) {
            return Err(Status::resource_exhausted("too many items in a message"));
        }
        self.0.decode(buf)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}
