//! What every generated message can do.

use std::fmt::Debug;

use crate::ApiKey;
use crate::wire::{DecodeError, EncodeError, Reader, Writer};

/// The body of a request or of a response, in every version Kafka calls stable.
///
/// A field that a version lacks has its default after decoding. Encoding it is an error if it has
/// another value and Kafka's schema does not call it ignorable.
pub trait Message: Sized + Clone + Debug + Default + PartialEq {
    /// Reads the body from its first byte. What follows it is left in the reader.
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;

    /// Writes the body. On an error the writer's content is of no use.
    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;

    /// How many bytes the body takes in any version, at most; record sets written by reference are
    /// not counted.
    fn encoded_len(&self) -> usize;
}

/// The body of a request, tied to its key and to the body of its response.
pub trait Request: Message {
    /// The key that a header carries for it.
    const KEY: ApiKey;
    /// What it is answered with.
    type Response: Message;
}
