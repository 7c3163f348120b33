//! Bytes on their way out: encoded messages, many of them in one write.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use protocol::wire::Segments;
use tokio::io::AsyncWrite;

/// Slices given to one vectored write. Linux takes up to 1024; beyond some dozens nothing is won.
const SLICES_MAX: usize = 64;

/// Messages in the order in which they go out. Owned by one connection's task.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: VecDeque<Segments>,
    queued_bytes: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, message: Segments) {
        if !message.is_empty() {
            self.queued_bytes += message.len();
            self.messages.push_back(message);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Writes until everything is out or the socket is full.
    pub(crate) fn poll_flush<IO: AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.messages.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut count = 0;
            for message in &self.messages {
                count += message.chunks_vectored(&mut slices[count..]);
                if count == SLICES_MAX {
                    break;
                }
            }
            let written = ready!(Pin::new(&mut *io).poll_write_vectored(cx, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        self.queued_bytes -= written;
        while let Some(front) = self.messages.front_mut() {
            if written < front.remaining() {
                front.advance(written);
                return;
            }
            written -= front.remaining();
            self.messages.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::future::poll_fn;

    #[tokio::test]
    async fn segments_leave_in_order_through_a_socket_that_takes_three_bytes_at_a_time() {
        let (mut ours, mut theirs) = tokio::io::duplex(3);
        let mut outbox = Outbox::default();
        for pieces in [&["ab", "", "cdefg"][..], &[], &["h"]] {
            let mut message = Segments::default();
            for piece in pieces {
                message.push(Bytes::from_static(piece.as_bytes()));
            }
            outbox.push(message);
        }
        assert_eq!(outbox.queued_bytes(), 8);

        let reading = tokio::spawn(async move {
            let mut all = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut theirs, &mut all)
                .await
                .map(|_| all)
        });
        poll_fn(|cx| outbox.poll_flush(&mut ours, cx))
            .await
            .expect("written");
        assert!(outbox.is_empty() && outbox.queued_bytes() == 0);
        drop(ours);
        assert_eq!(reading.await.expect("joined").expect("read"), "abcdefgh");
    }
}
