//! Cuts the bytes that arrive into frames, in buffers that are filled once.
//!
//! A frame up to 64 KiB shares its read buffer with its neighbours; a larger one gets a buffer of its
//! own, so that its bytes are moved at most once after the kernel's copy. Above 1 MiB the buffer grows
//! with what has arrived: an announced length alone allocates nothing.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::buffers::{BufferPool, CHUNK_BYTES, MAX_POOLED_BYTES};

/// The four bytes of length in front of each frame.
pub(crate) const LENGTH_BYTES: usize = 4;
/// A read with less room than this is not worth its system call.
const SMALLEST_READ_BYTES: usize = 4096;

/// A length that no frame may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is negative.
    #[error("frame length {0} is negative")]
    Negative(i32),
    /// The length is above `socket.request.max.bytes` (or the client's own limit).
    #[error("frame of {announced_bytes} bytes exceeds the limit of {max_bytes}")]
    TooLarge {
        /// What the peer announced.
        announced_bytes: usize,
        /// What is allowed.
        max_bytes: usize,
    },
}

/// Reads frames from one connection. Owned by that connection's task.
#[derive(Debug)]
pub(crate) struct FrameReader {
    pool: Arc<BufferPool>,
    max_frame_bytes: usize,
    buffer: BytesMut,
    /// Size of `buffer` when it was taken from the pool.
    buffer_bytes: usize,
    /// Length prefix and body of the last frame if it was large, else 0: the next one is likely alike.
    expected_bytes: usize,
}

impl FrameReader {
    pub(crate) fn new(pool: Arc<BufferPool>, max_frame_bytes: usize) -> Self {
        Self {
            pool,
            max_frame_bytes,
            buffer: BytesMut::new(),
            buffer_bytes: 0,
            expected_bytes: 0,
        }
    }

    /// Length of the frame that is being read, once its prefix is here.
    pub(crate) fn announced(&self) -> Result<Option<usize>, FrameError> {
        let Some(prefix) = self.buffer.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*prefix);
        let length = usize::try_from(length).map_err(|_negative| FrameError::Negative(length))?;
        if length > self.max_frame_bytes {
            return Err(FrameError::TooLarge {
                announced_bytes: length,
                max_bytes: self.max_frame_bytes,
            });
        }
        Ok(Some(length))
    }

    /// The next frame's body if it is complete.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(length) = self.announced()? else {
            return Ok(None);
        };
        let total = LENGTH_BYTES + length;
        if self.buffer.len() < total {
            return Ok(None);
        }
        self.expected_bytes = if total > CHUNK_BYTES { total } else { 0 };
        let mut frame = self.buffer.split_to(total).freeze();
        frame.advance(LENGTH_BYTES);
        Ok(Some(frame))
    }

    /// Whether part of a frame is here.
    pub(crate) fn has_partial_frame(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The first bytes of the connection, for telling other protocols apart.
    pub(crate) fn peek(&self) -> &[u8] {
        &self.buffer
    }

    /// Everything read and not yet handed out.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        std::mem::take(&mut self.buffer).freeze()
    }

    /// Gives the buffer back if nothing in it waits for more bytes, so that a connection at rest holds
    /// no memory.
    pub(crate) fn rest(&mut self) {
        if self.buffer.is_empty() && self.buffer_bytes > 0 {
            self.replace(BytesMut::new(), 0);
        }
    }

    /// Reads once. Ready with 0 at the end of the stream.
    ///
    /// Requires that [`Self::next_frame`] has just said that no frame is complete.
    pub(crate) fn poll_read<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let limit = self.prepare();
        let mut room = (&mut self.buffer).limit(limit);
        let polled = pin!(io.read_buf(&mut room)).poll(cx);
        if polled.is_pending() {
            self.rest();
        }
        polled
    }

    /// Makes room and says how many bytes to read at most: not beyond the end of a large frame, so that
    /// the next one starts in a buffer of its own.
    fn prepare(&mut self) -> usize {
        let needed = match self.announced() {
            Ok(Some(length)) => LENGTH_BYTES + length,
            _ => self.expected_bytes.max(SMALLEST_READ_BYTES),
        };
        let have = self.buffer.len();
        if needed <= CHUNK_BYTES {
            if self.buffer.capacity() < needed {
                self.grow(CHUNK_BYTES);
            }
            return self.buffer.capacity() - have;
        }
        let step = needed.min(MAX_POOLED_BYTES.max(have.saturating_mul(2)));
        if self.buffer.capacity() < step {
            self.grow(step);
        }
        (needed - have).min(self.buffer.capacity() - have)
    }

    /// Moves what is here into a buffer of at least `bytes`.
    fn grow(&mut self, bytes: usize) {
        let mut larger = self.pool.take(bytes);
        larger.extend_from_slice(&self.buffer);
        let larger_bytes = larger.capacity();
        self.replace(larger, larger_bytes);
    }

    fn replace(&mut self, buffer: BytesMut, buffer_bytes: usize) {
        let old = std::mem::replace(&mut self.buffer, buffer);
        let old_bytes = std::mem::replace(&mut self.buffer_bytes, buffer_bytes);
        self.pool.retire(old, old_bytes);
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        self.replace(BytesMut::new(), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).expect("small");
        [&length.to_be_bytes()[..], body].concat()
    }

    /// Reads everything that a stream of chunks holds.
    async fn read_all(reader: &mut FrameReader, chunks: Vec<Vec<u8>>) -> Vec<Bytes> {
        let (mut ours, mut theirs) = tokio::io::duplex(300_000);
        let sending = tokio::spawn(async move {
            for chunk in chunks {
                theirs.write_all(&chunk).await.expect("duplex");
                tokio::task::yield_now().await;
            }
        });
        let mut frames = Vec::new();
        loop {
            while let Some(frame) = reader.next_frame().expect("legal") {
                frames.push(frame);
            }
            if poll_fn(|cx| reader.poll_read(&mut ours, cx))
                .await
                .expect("duplex")
                == 0
            {
                break;
            }
        }
        sending.await.expect("sent");
        frames
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("runtime")
            .block_on(future)
    }

    fn reader(max_frame_bytes: usize) -> FrameReader {
        FrameReader::new(Arc::new(BufferPool::new()), max_frame_bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn frames_come_out_as_they_went_in_however_the_stream_is_cut(
            sizes in prop::collection::vec(
                prop_oneof![0usize..200, 60_000usize..70_000, 200_000usize..300_000], 1..12),
            cut in 1usize..150_000,
        ) {
            let bodies: Vec<Vec<u8>> = sizes
                .iter()
                .enumerate()
                .map(|(i, size)| vec![u8::try_from(i).expect("few"); *size])
                .collect();
            let stream: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
            let chunks = stream.chunks(cut).map(<[u8]>::to_vec).collect();
            let frames = block_on(read_all(&mut reader(1_000_000), chunks));
            prop_assert_eq!(frames, bodies);
        }
    }

    #[test]
    fn an_announced_length_alone_allocates_no_more_than_one_step() {
        let mut reader = reader(usize::MAX >> 1);
        let announced = 2_000_000_000u32.to_be_bytes().to_vec();
        assert!(block_on(read_all(&mut reader, vec![announced, vec![7; 10]])).is_empty());
        assert!(reader.buffer.capacity() <= MAX_POOLED_BYTES);
        assert!(reader.has_partial_frame());
    }

    #[test]
    fn a_frame_of_several_steps_arrives_whole() {
        let body = vec![3; 5 * MAX_POOLED_BYTES + 17];
        let chunks = vec![frame(&body)];
        let frames = block_on(read_all(&mut reader(100 << 20), chunks));
        assert_eq!(frames.len(), 1);
        assert!(frames[0] == body);
    }

    #[test]
    fn impossible_lengths_are_errors() {
        for (prefix, error) in [
            ([0xff, 0xff, 0xff, 0xff], FrameError::Negative(-1)),
            (
                [0, 0, 0, 101],
                FrameError::TooLarge {
                    announced_bytes: 101,
                    max_bytes: 100,
                },
            ),
        ] {
            let mut reader = reader(100);
            reader.buffer.extend_from_slice(&prefix);
            assert_eq!(reader.next_frame(), Err(error));
        }
    }

    #[test]
    fn a_connection_at_rest_holds_no_buffer() {
        let mut reader = reader(1000);
        let frames = block_on(read_all(&mut reader, vec![frame(b"abc"), frame(b"")]));
        assert_eq!(frames, [&b"abc"[..], b""]);
        reader.rest();
        assert_eq!(reader.buffer.capacity(), 0);
    }
}
