//! The leader's messages from the body of its request. Tonic would gather each of them in a buffer of
//! its own; here the DATA stays where HTTP/2 has read it to. The bytes on the wire are the same.
//!
//! ```text
//!  HTTP/2 DATA ─► [slice] [slice] … ─► 0, length (5 bytes) ─► LeaderMessage ─► pieces of records
//! ```

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Buf as _;
use http_body::Body as _;
use tonic::body::Body;
use tonic::{Code, Status};

use super::decode::decode;
use super::slices::Slices;
use crate::proto::replication::v1::LeaderMessage;

/// In front of each message: a flag (0: not compressed) and its length.
const PREFIX_BYTES: usize = 5;

/// Messages as they come.
#[derive(Debug)]
pub(super) struct Messages {
    body: Body,
    bytes: Slices,
    /// Bytes of the message that comes, once its prefix is read.
    len: Option<usize>,
    message_bytes_max: usize,
}

impl Messages {
    pub(super) fn new(body: Body, message_bytes_max: usize) -> Self {
        Self {
            body,
            bytes: Slices::default(),
            len: None,
            message_bytes_max,
        }
    }

    /// The next message, `None` after the last. Ask no further after that, or after an error.
    ///
    /// # Cancel safety
    /// Cancel-safe: what has come is kept.
    pub(super) async fn next(&mut self) -> Result<Option<LeaderMessage>, Status> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            match poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
                Some(Ok(frame)) => {
                    // Trailers of a request say nothing.
                    if let Ok(data) = frame.into_data() {
                        self.bytes.push(data);
                    }
                }
                Some(Err(status)) if status.code() != Code::Cancelled => return Err(status),
                // A leader that is done may end its stream, or cancel it.
                Some(Err(_)) => return Ok(None),
                None if self.len.is_none() && !self.bytes.has_remaining() => return Ok(None),
                None => return Err(Status::internal("the stream ends within a message")),
            }
        }
    }

    /// The message that has come, if it is there as a whole.
    fn take(&mut self) -> Result<Option<LeaderMessage>, Status> {
        let len = match self.len {
            Some(len) => len,
            None if self.bytes.remaining() < PREFIX_BYTES => return Ok(None),
            None => self.prefix()?,
        };
        self.len = Some(len);
        if self.bytes.remaining() < len {
            return Ok(None);
        }
        self.len = None;
        Ok(Some(decode(&mut self.bytes, len)?))
    }

    fn prefix(&mut self) -> Result<usize, Status> {
        if self.bytes.get_u8() != 0 {
            return Err(Status::unimplemented("messages are not compressed here"));
        }
        let len = usize::try_from(self.bytes.get_u32()).unwrap_or(usize::MAX);
        if len > self.message_bytes_max {
            let max = self.message_bytes_max;
            let reason = format!("a message of {len} bytes, more than {max}");
            return Err(Status::out_of_range(reason));
        }
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use bytes::{BufMut as _, Bytes, BytesMut};
    use http_body::Frame;
    use prost::Message as _;

    use super::*;
    use crate::proto::replication::v1::{Hello, leader_message};

    struct Slices(Vec<Bytes>);

    impl http_body::Body for Slices {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let has_more = !self.0.is_empty();
            Poll::Ready(has_more.then(|| Ok(Frame::data(self.0.remove(0)))))
        }
    }

    fn hello(cluster_id: &str) -> LeaderMessage {
        let hello = Hello {
            cluster_id: cluster_id.to_owned(),
            ..Hello::default()
        };
        LeaderMessage {
            message: Some(leader_message::Message::Hello(hello)),
        }
    }

    fn framed(flag: u8, message: &LeaderMessage) -> BytesMut {
        let bytes = message.encode_to_vec();
        let mut framed = BytesMut::new();
        framed.put_u8(flag);
        framed.put_u32(u32::try_from(bytes.len()).expect("short"));
        framed.put_slice(&bytes);
        framed
    }

    fn messages(slices: Vec<Bytes>) -> Messages {
        Messages::new(Body::new(Slices(slices)), 100)
    }

    #[tokio::test]
    async fn messages_are_found_wherever_the_slices_end() {
        let mut bytes = framed(0, &hello("one"));
        bytes.unsplit(framed(0, &hello("")));
        bytes.unsplit(framed(0, &hello("three")));
        let bytes = bytes.freeze();
        for len in 1..=bytes.len() {
            let slices = bytes.chunks(len).map(Bytes::copy_from_slice);
            let mut messages = messages(slices.collect());
            for expected in ["one", "", "three"] {
                let found = messages.next().await.expect("sound");
                assert_eq!(found, Some(hello(expected)), "slices of {len}");
            }
            assert_eq!(messages.next().await.expect("the end"), None);
        }
    }

    #[tokio::test]
    async fn what_is_cut_compressed_or_too_large_is_refused() {
        let whole = framed(0, &hello("one")).freeze();
        for len in 1..whole.len() {
            let refused = messages(vec![whole.slice(..len)]).next().await;
            assert_eq!(refused.expect_err("cut").code(), Code::Internal, "{len}");
        }
        let compressed = framed(1, &hello("one")).freeze();
        let refused = messages(vec![compressed]).next().await;
        assert_eq!(refused.expect_err("no").code(), Code::Unimplemented);
        let large = framed(0, &hello(&"x".repeat(100))).freeze();
        let refused = messages(vec![large.slice(..5)]).next().await;
        assert_eq!(refused.expect_err("no").code(), Code::OutOfRange);
    }
}
