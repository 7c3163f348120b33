//! The task of one client connection: writes what was queued, reads replies, watches the oldest
//! request's deadline. Replies come in order, so one timer is enough.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::wire::Segments;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Error;
use crate::BufferPool;
use crate::frames::FrameReader;
use crate::outbox::Outbox;

/// A request that waits for its reply.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) correlation_id: i32,
    pub(super) deadline: Instant,
    pub(super) patience: Duration,
    pub(super) reply: oneshot::Sender<Result<Bytes, Error>>,
}

/// What the handles and the task share. The lock is held for queue operations only.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Told when a request was answered, when everything is flushed and when the connection closes.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next_correlation_id: i32,
    outgoing: Vec<Segments>,
    /// Whether the task still has bytes that were taken from `outgoing`.
    is_writing: bool,
    in_flight: VecDeque<InFlight>,
    closed: Option<Error>,
    /// The task's, while it waits.
    waker: Option<Waker>,
}

impl Shared {
    pub(super) fn next_correlation_id(&self) -> i32 {
        let mut state = self.state.lock();
        let id = state.next_correlation_id;
        // Never negative: Java clients use negative ids for themselves.
        state.next_correlation_id = id.checked_add(1).unwrap_or(0);
        id
    }

    pub(super) fn enqueue(&self, message: Segments, slot: Option<InFlight>) -> Result<(), Error> {
        let waker = {
            let mut state = self.state.lock();
            if let Some(closed) = &state.closed {
                return Err(closed.clone());
            }
            state.outgoing.push(message);
            state.in_flight.extend(slot);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    pub(super) fn in_flight_count(&self) -> usize {
        self.state.lock().in_flight.len()
    }

    pub(super) fn closed(&self) -> Option<Error> {
        self.state.lock().closed.clone()
    }

    pub(super) async fn wait_for_room(&self, max: usize) -> Result<(), Error> {
        self.wait_until(|state| state.in_flight.len() < max).await
    }

    pub(super) async fn wait_for_flush(&self) -> Result<(), Error> {
        self.wait_until(|state| state.outgoing.is_empty() && !state.is_writing)
            .await
    }

    async fn wait_until(&self, is_so: impl Fn(&State) -> bool) -> Result<(), Error> {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state.lock();
                if let Some(closed) = &state.closed {
                    return Err(closed.clone());
                }
                if is_so(&state) {
                    return Ok(());
                }
            }
            changed.await;
        }
    }

    /// Ends every request in flight with the reason. The first reason stays.
    pub(super) fn close(&self, reason: Error) {
        let in_flight = {
            let mut state = self.state.lock();
            if state.closed.is_none() {
                state.closed = Some(reason.clone());
            }
            state.outgoing.clear();
            state.is_writing = false;
            std::mem::take(&mut state.in_flight)
        };
        for request in in_flight {
            // Whoever asked may have gone.
            drop(request.reply.send(Err(reason.clone())));
        }
        self.changed.notify_waiters();
    }
}

/// Owned by the connection's task.
pub(super) struct Driver<IO> {
    io: IO,
    shared: Arc<Shared>,
    frames: FrameReader,
    outbox: Outbox,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Driver<IO> {
    pub(super) fn new(io: IO, shared: Arc<Shared>, max_response_bytes: usize) -> Self {
        Self {
            io,
            shared,
            frames: FrameReader::new(Arc::new(BufferPool::new()), max_response_bytes),
            outbox: Outbox::default(),
        }
    }

    /// Runs until the connection fails. Aborted when its last handle goes.
    pub(super) async fn run(mut self) {
        let mut timer = pin!(sleep_until(Instant::now()));
        let reason = poll_fn(|cx| match self.poll_io(cx) {
            Poll::Ready(Err(reason)) => Poll::Ready(reason),
            Poll::Ready(Ok(never)) => match never {},
            Poll::Pending => self.poll_deadline(timer.as_mut(), cx),
        })
        .await;
        self.shared.close(reason);
    }

    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<std::convert::Infallible, Error>> {
        loop {
            self.take_outgoing(cx);
            match self.outbox.poll_flush(&mut self.io, cx) {
                Poll::Ready(result) => result?,
                Poll::Pending => {}
            }
            self.note_flushed();
            while let Some(frame) = self.frames.next_frame()? {
                self.on_reply(frame)?;
            }
            if ready!(self.frames.poll_read(&mut self.io, cx))? == 0 {
                return Poll::Ready(Err(Error::Closed));
            }
        }
    }

    fn take_outgoing(&mut self, cx: &Context<'_>) {
        let mut state = self.shared.state.lock();
        for message in state.outgoing.drain(..) {
            self.outbox.push(message);
        }
        state.is_writing = !self.outbox.is_empty();
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    fn note_flushed(&mut self) {
        if !self.outbox.is_empty() {
            return;
        }
        let mut state = self.shared.state.lock();
        if std::mem::replace(&mut state.is_writing, false) {
            self.shared.changed.notify_waiters();
        }
    }

    fn on_reply(&mut self, frame: Bytes) -> Result<(), Error> {
        let request = self
            .shared
            .state
            .lock()
            .in_flight
            .pop_front()
            .ok_or(Error::Unasked)?;
        let expected = request.correlation_id;
        let got = frame
            .first_chunk::<4>()
            .map_or(-1, |id| i32::from_be_bytes(*id));
        if got != expected {
            let error = Error::OutOfOrder { expected, got };
            drop(request.reply.send(Err(error.clone())));
            return Err(error);
        }
        // Whoever asked may have gone.
        drop(request.reply.send(Ok(frame)));
        self.shared.changed.notify_waiters();
        Ok(())
    }

    /// Ready when the oldest request is overdue. The timer is armed for the oldest request once and
    /// learns of later ones only when it fires.
    fn poll_deadline(&self, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            let Some((deadline, waited)) = self.oldest() else {
                return Poll::Pending;
            };
            if deadline <= Instant::now() {
                return Poll::Ready(Error::Timeout { waited });
            }
            if timer.is_elapsed() || deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(cx));
        }
    }

    fn oldest(&self) -> Option<(Instant, Duration)> {
        let state = self.shared.state.lock();
        state
            .in_flight
            .front()
            .map(|request| (request.deadline, request.patience))
    }
}

impl<IO> Drop for Driver<IO> {
    fn drop(&mut self) {
        self.shared.close(Error::Closed);
    }
}
