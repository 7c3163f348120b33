//! One connection: reads frames, keeps their replies in order, writes what is ready.
//!
//! The task polls everything it waits for itself: there is no channel, no second task and no timer per
//! request. One turn is
//!
//! ```text
//! dispatch all complete frames ─► complete the replies at the front ─► one vectored write ─► read once
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use protocol::wire::Segments;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::charges::Charges;
use super::resting::Past;
use super::{ConnectionContext, Limits, PREFACE, Reply, ReplyFuture, Service};
use crate::budget::Budgets;
use crate::buffers::BufferPool;
use crate::frames::{FrameError, FrameReader, LENGTH_BYTES};
use crate::outbox::Outbox;

/// After so many frames, or bytes of frames, in one turn the task lets others run.
const TURN_FRAMES: usize = 32;
const TURN_BYTES: usize = 256 * 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum CloseReason {
    /// The peer closed its end.
    #[error("closed by peer")]
    Peer,
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A length that no frame may have.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// The service refused the connection.
    #[error("{0}")]
    Refused(&'static str),
    /// No traffic for `connections.max.idle.ms`.
    #[error("idle for {0:?}")]
    Idle(Duration),
    /// A frame that began and did not go on.
    #[error("frame incomplete for {0:?}")]
    Stalled(Duration),
    /// The server stops and everything in flight is answered.
    #[error("server is stopping")]
    Stopping,
}

/// How [`Connection::run`] ends.
pub(super) enum End {
    Closed(CloseReason),
    /// It is HTTP/2.
    Preface,
    /// Nothing is in work, and nothing came for a while.
    Resting,
}

/// What the connections of one listener share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) budgets: Budgets,
    pub(super) pool: Arc<BufferPool>,
    pub(super) accepts_preface: bool,
}

pub(super) struct Connection<IO, S> {
    pub(super) io: IO,
    pub(super) context: ConnectionContext,
    service: Arc<S>,
    shared: Arc<Shared>,
    frames: FrameReader,
    outbox: Outbox,
    /// Requests in flight, oldest first.
    slots: VecDeque<Slot>,
    charges: Charges,
    /// Set while the listener's budget is used up.
    waiting_for_budget: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    stage: Stage,
    doublings: u8,
    pub(super) last_traffic: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was read yet: it may still be HTTP/2.
    First,
    Serving,
    /// No more reading; replies in flight still go out.
    Closing(Option<&'static str>),
}

/// The place of one request's reply in the order of replies.
struct Slot {
    charged_bytes: usize,
    reply: Pending,
}

enum Pending {
    Ready(Segments),
    Later(ReplyFuture),
}

/// What the bytes read so far allow.
enum Next {
    /// More bytes are needed.
    Read,
    /// Something else must happen first; whoever does it wakes us.
    Wait,
    /// Others should run first.
    Yield,
    Preface,
}

impl<IO: AsyncRead + AsyncWrite + Unpin, S: Service> Connection<IO, S> {
    pub(super) fn new(
        io: IO,
        service: Arc<S>,
        context: ConnectionContext,
        past: Past,
        shared: Arc<Shared>,
    ) -> Self {
        let frames = FrameReader::new(Arc::clone(&shared.pool), shared.limits.max_frame_bytes);
        let stage = if past.is_new && shared.accepts_preface {
            Stage::First
        } else {
            Stage::Serving
        };
        Self {
            io,
            context,
            service,
            frames,
            outbox: Outbox::default(),
            slots: VecDeque::new(),
            charges: Charges::new(shared.budgets.clone()),
            shared,
            waiting_for_budget: None,
            stage,
            doublings: past.doublings,
            last_traffic: Instant::now(),
        }
    }

    /// Serves until either side ends it. After `stop`, requests in flight are still answered; the owner
    /// aborts the task when that takes too long.
    pub(super) async fn run(&mut self, stop: &CancellationToken) -> End {
        let mut stopped = std::pin::pin!(stop.cancelled());
        let mut timer = std::pin::pin!(sleep_until(self.deadline()));
        poll_fn(|cx| {
            if self.may_read() && stopped.as_mut().poll(cx).is_ready() {
                self.stage = Stage::Closing(None);
            }
            if let Poll::Ready(end) = self.poll_turns(cx) {
                return Poll::Ready(end);
            }
            self.poll_timer(timer.as_mut(), cx)
        })
        .await
    }

    /// What was read of a connection that is HTTP/2.
    pub(super) fn take_read(&mut self) -> Bytes {
        self.frames.take_rest()
    }

    /// What is remembered of it once it rests.
    pub(super) fn past(&self) -> Past {
        Past {
            is_new: self.stage == Stage::First,
            doublings: self.doublings.saturating_add(1),
        }
    }

    /// Works until nothing more can be done without waiting.
    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let mut turn = Turn::default();
        loop {
            let next = match self.dispatch_buffered(&mut turn, cx) {
                Ok(next) => next,
                Err(reason) => return Poll::Ready(End::Closed(reason)),
            };
            self.complete_replies(cx);
            if let Err(error) = self.flush(cx) {
                return Poll::Ready(End::Closed(error.into()));
            }
            match next {
                Next::Preface => return Poll::Ready(End::Preface),
                _ if self.is_done() => return Poll::Ready(End::Closed(self.reason())),
                Next::Read if !self.may_read() => return Poll::Pending,
                // Replies that went out may have made room for the next request.
                Next::Wait if self.may_dispatch() && self.waiting_for_budget.is_none() => {}
                Next::Wait => return Poll::Pending,
                Next::Yield => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Read => match ready!(self.frames.poll_read(&mut self.io, cx)) {
                    Ok(0) => return Poll::Ready(End::Closed(CloseReason::Peer)),
                    Ok(_) => self.last_traffic = Instant::now(),
                    Err(error) => return Poll::Ready(End::Closed(error.into())),
                },
            }
        }
    }

    /// Hands every complete frame to the service, in order, and says what stopped it.
    fn dispatch_buffered(
        &mut self,
        turn: &mut Turn,
        cx: &mut Context<'_>,
    ) -> Result<Next, CloseReason> {
        while self.may_dispatch() {
            if self.stage == Stage::First && self.is_preface() {
                return Ok(Next::Preface);
            }
            let Some(announced) = self.frames.announced()? else {
                return Ok(Next::Read);
            };
            self.stage = Stage::Serving;
            if self.poll_admission(announced, cx).is_pending() {
                return Ok(Next::Wait);
            }
            let Some(frame) = self.frames.next_frame()? else {
                return Ok(Next::Read);
            };
            if turn.is_over(frame.len()) {
                self.dispatch(frame);
                return Ok(Next::Yield);
            }
            self.dispatch(frame);
        }
        Ok(Next::Wait)
    }

    fn dispatch(&mut self, frame: Bytes) {
        let charged_bytes = self.charges.dispatched();
        let reply = match self.service.dispatch(&self.context, frame) {
            Reply::Now(segments) if self.slots.is_empty() => {
                self.outbox.push(segments);
                return self.charges.release(charged_bytes);
            }
            Reply::Now(segments) => Pending::Ready(segments),
            Reply::Later(future) => Pending::Later(future),
            Reply::None => return self.charges.release(charged_bytes),
            Reply::Close(reason) => {
                self.stage = Stage::Closing(Some(reason));
                return self.charges.release(charged_bytes);
            }
        };
        self.slots.push_back(Slot {
            charged_bytes,
            reply,
        });
    }

    /// Moves replies from the front of the queue to the outbox, up to the first that is not ready.
    fn complete_replies(&mut self, cx: &mut Context<'_>) {
        while let Some(slot) = self.slots.front_mut() {
            let polled = match &mut slot.reply {
                Pending::Ready(segments) => Poll::Ready(Some(std::mem::take(segments))),
                Pending::Later(future) => future.as_mut().poll(cx),
            };
            let Poll::Ready(reply) = polled else {
                return;
            };
            self.charges.release(slot.charged_bytes);
            self.slots.pop_front();
            match reply {
                Some(segments) => self.outbox.push(segments),
                None => return self.abandon("request was given up"),
            }
        }
    }

    /// Closes after what is in the outbox; later replies have lost their place.
    fn abandon(&mut self, reason: &'static str) {
        self.stage = Stage::Closing(Some(reason));
        for slot in self.slots.drain(..) {
            self.charges.release(slot.charged_bytes);
        }
    }

    /// Charges the frame that is being read to the listener's budget.
    fn poll_admission(&mut self, announced: usize, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(waiting) = &mut self.waiting_for_budget {
                ready!(waiting.as_mut().poll(cx));
                self.waiting_for_budget = None;
            }
            let frame_bytes = LENGTH_BYTES + announced;
            if self.charges.try_admit(frame_bytes) {
                return Poll::Ready(());
            }
            let budget = Arc::clone(self.shared.budgets.of(frame_bytes));
            self.waiting_for_budget = Some(Box::pin(async move { budget.wait().await }));
        }
    }

    /// Writes what the socket takes.
    fn flush(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let before = self.outbox.queued_bytes();
        let polled = self.outbox.poll_flush(&mut self.io, cx);
        if self.outbox.queued_bytes() < before {
            self.last_traffic = Instant::now();
        }
        match polled {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }

    fn is_preface(&self) -> bool {
        self.frames.peek().starts_with(PREFACE)
    }

    fn may_read(&self) -> bool {
        !matches!(self.stage, Stage::Closing(_))
    }

    fn may_dispatch(&self) -> bool {
        let limits = &self.shared.limits;
        self.may_read()
            && self.slots.len() < limits.max_in_flight_count
            && self.charges.in_flight_bytes < limits.max_in_flight_bytes
            && self.outbox.queued_bytes() < limits.max_unsent_bytes
    }

    fn is_done(&self) -> bool {
        !self.may_read() && self.slots.is_empty() && self.outbox.is_empty()
    }

    fn reason(&self) -> CloseReason {
        match self.stage {
            Stage::Closing(Some(reason)) => CloseReason::Refused(reason),
            _ => CloseReason::Stopping,
        }
    }

    /// When the connection has to show traffic again, or it rests.
    fn deadline(&self) -> Instant {
        let limits = &self.shared.limits;
        let patience = if self.is_mid_frame() {
            limits.stall.min(limits.idle)
        } else if self.outbox.is_empty() && self.waiting_for_budget.is_none() {
            limits.rest_after(self.doublings).min(limits.idle)
        } else {
            limits.idle
        };
        // Far, but not so far that the addition overflows.
        self.last_traffic + patience.min(Duration::from_hours(24 * 365))
    }

    fn is_mid_frame(&self) -> bool {
        self.frames.has_partial_frame()
            && self.waiting_for_budget.is_none()
            && self.slots.is_empty()
    }

    /// Ready once the deadline has passed. Traffic moves the deadline away without touching the timer,
    /// which learns of it only when it fires.
    fn poll_timer(&mut self, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let due = self.deadline();
            if due < timer.deadline() {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            if now >= due {
                if let Some(end) = self.on_silence(now) {
                    return Poll::Ready(end);
                }
                // Work in flight is not silence.
                self.last_traffic = now;
            }
            // Whoever works is looked after ever more rarely.
            self.doublings = self.doublings.saturating_add(1);
            timer.as_mut().reset(self.deadline());
        }
    }

    /// What the deadline that has passed was for; nothing if somebody still works.
    fn on_silence(&self, now: Instant) -> Option<End> {
        let limits = &self.shared.limits;
        if self.is_mid_frame() {
            Some(End::Closed(CloseReason::Stalled(limits.stall)))
        } else if !self.slots.is_empty() {
            None
        } else if now.saturating_duration_since(self.last_traffic) >= limits.idle {
            Some(End::Closed(CloseReason::Idle(limits.idle)))
        } else {
            Some(End::Resting)
        }
    }
}

impl<IO, S> fmt::Debug for Connection<IO, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("in_flight_count", &self.slots.len())
            .field("in_flight_bytes", &self.charges.in_flight_bytes)
            .field("unsent_bytes", &self.outbox.queued_bytes())
            .finish_non_exhaustive()
    }
}

/// What one connection has done since it last let others run.
#[derive(Default)]
struct Turn {
    frames_count: usize,
    frames_bytes: usize,
}

impl Turn {
    fn is_over(&mut self, frame_bytes: usize) -> bool {
        self.frames_count += 1;
        self.frames_bytes += frame_bytes;
        self.frames_count >= TURN_FRAMES || self.frames_bytes >= TURN_BYTES
    }
}
