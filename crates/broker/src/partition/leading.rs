//! Leading a partition: the state machine, the streams that carry the partition to its followers, and
//! the last batches for them.
//!
//! ```text
//!  append ─► kept in the tail, streams marked ─► (no lock) tasks woken
//!  task of a connection ─► take: from the tail, else "read it yourself" ─► frame
//! ```

use std::sync::Arc;

use bytes::Bytes;
use protocol::records::patched_prefix;
use replication::{AckError, Session, SessionId};
use rpc::replication::Lane;
use smallvec::SmallVec;
use storage::ValidatedBatch;
use types::{LeaderEpoch, NodeId, Offset};

use super::led::Led;
use super::own::Observer;
use super::push::Carried;
use super::tail::{Kept, Run, Tail};
use crate::replica::{Link, Urgency};

/// Connections to be told once no lock is held.
pub(super) type Wakes = SmallVec<[Arc<Link>; 2]>;

/// What a leader keeps, under the partition's lock.
#[derive(Debug)]
pub(super) struct Leading {
    pub(super) leader: Led,
    tail: Tail,
    /// One per follower at most.
    streams: SmallVec<[Stream; 2]>,
    /// Nearly always nobody.
    pub(super) observer: Option<Arc<dyn Observer>>,
}

/// The partition on a connection to one follower.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) link: Arc<Link>,
    pub(super) session: SessionId,
    pub(super) handle: u32,
    /// Where the next records begin; `None` until the logs are reconciled.
    pub(super) next_offset: Option<Offset>,
    marked: Option<Urgency>,
    told_high_watermark: Offset,
    told_log_start_offset: Offset,
}

/// What is there to send, as the partition's lock saw it.
#[derive(Debug)]
pub(super) enum Next {
    /// These records.
    Run(Run),
    /// Records that are not in memory.
    Read {
        from: Offset,
        /// Whoever has read up to here is near.
        horizon: Offset,
    },
    /// The high watermark or the log start moved.
    HighWatermark,
    Nothing,
}

impl Leading {
    pub(super) fn new(leader: Led, mut tail: Tail) -> Self {
        tail.begin(leader.log_end_offset());
        Self {
            leader,
            tail,
            streams: SmallVec::new(),
            observer: None,
        }
    }

    /// The partition is to go over a connection to one of its followers.
    ///
    /// # Errors
    /// [`AckError::NotAReplica`].
    pub(super) fn open(&mut self, stream: Stream) -> Result<(), AckError> {
        let session = Session {
            id: stream.session,
            broker_epoch: stream.link.broker_epoch,
        };
        self.leader.wake().on_open(stream.link.follower, session)?;
        self.streams.push(stream);
        Ok(())
    }

    pub(super) fn has_stream_to(&self, follower: NodeId) -> bool {
        self.streams.iter().any(|it| it.link.follower == follower)
    }

    pub(super) fn stream(&mut self, session: SessionId) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|it| it.session == session)
    }

    /// The connection broke or gives the partition up. Returns whether it carried it.
    pub(super) fn close(&mut self, session: SessionId) -> bool {
        let Some(at) = self.streams.iter().position(|it| it.session == session) else {
            return false;
        };
        let stream = self.streams.remove(at);
        self.leader
            .wake()
            .on_disconnect(stream.link.follower, session);
        self.release();
        true
    }

    /// Drops streams to nodes that are no replicas any more.
    pub(super) fn drop_strangers(&mut self) {
        let Self {
            leader, streams, ..
        } = self;
        streams.retain(|it| leader.follower(it.link.follower).is_some());
        self.release();
    }

    /// Records were appended at `base_offset`, stamped with `leader_epoch`.
    pub(super) fn on_append(
        &mut self,
        batch: &ValidatedBatch,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
        wakes: &mut Wakes,
    ) {
        let end_offset = self.leader.log_end_offset();
        let bytes = batch.bytes();
        self.tail.on_append(bytes.len(), end_offset);
        if !self.streams.iter().any(Stream::is_live) {
            self.tail.clear();
            return;
        }
        let prefix = patched_prefix(batch.header(), base_offset, leader_epoch);
        let rest = bytes.slice(prefix.len().min(bytes.len())..);
        self.tail.keep(Kept {
            start_offset: base_offset,
            end_offset,
            pieces: [Bytes::copy_from_slice(&prefix), rest],
        });
        for stream in self.streams.iter_mut().filter(|it| it.is_live()) {
            stream.mark(Urgency::Data, wakes);
        }
    }

    /// The high watermark moved, or the log start did.
    pub(super) fn on_idle_news(&mut self, wakes: &mut Wakes) {
        for stream in self.streams.iter_mut().filter(|it| it.is_live()) {
            stream.mark(Urgency::Idle, wakes);
        }
    }

    /// What the stream should send now: at most about `bytes_max` of records.
    pub(super) fn next(
        &mut self,
        session: SessionId,
        bytes_max: usize,
        log_start_offset: Offset,
    ) -> Option<Next> {
        let log_end_offset = self.leader.log_end_offset();
        let high_watermark = self.leader.high_watermark();
        let stream = self.streams.iter_mut().find(|it| it.session == session)?;
        stream.marked = None;
        let Some(from) = stream.next_offset else {
            return Some(Next::Nothing);
        };
        if from < log_end_offset && bytes_max > 0 {
            let Some(run) = self.tail.run(from, bytes_max) else {
                let horizon = self.tail.horizon();
                return Some(Next::Read { from, horizon });
            };
            stream.next_offset = Some(run.end_offset);
            stream.told(high_watermark, log_start_offset);
            self.release();
            return Some(Next::Run(run));
        }
        if stream.told(high_watermark, log_start_offset) {
            return Some(Next::HighWatermark);
        }
        Some(Next::Nothing)
    }

    /// The offsets are about to be told. Returns whether they are news to the stream's follower.
    pub(super) fn take_offsets(&mut self, session: SessionId, carried: Carried) -> bool {
        let Some(stream) = self.stream(session) else {
            return false;
        };
        if stream.marked == Some(Urgency::Idle) {
            stream.marked = None;
        }
        stream.next_offset.is_some()
            && stream.told(carried.high_watermark, carried.log_start_offset)
    }

    /// Records up to `end_offset` were read for the stream. Returns whether they are what comes next.
    pub(super) fn on_read(
        &mut self,
        session: SessionId,
        from: Offset,
        end_offset: Offset,
        log_start_offset: Offset,
    ) -> bool {
        let high_watermark = self.leader.high_watermark();
        let Some(stream) = self.stream(session) else {
            return false;
        };
        if stream.next_offset != Some(from) {
            return false;
        }
        stream.next_offset = Some(end_offset);
        stream.told(high_watermark, log_start_offset);
        true
    }

    /// Forgets what every stream has taken.
    fn release(&mut self) {
        let live = self.streams.iter().filter(|it| it.is_live());
        match live.filter_map(|it| it.next_offset).min() {
            Some(offset) => self.tail.release(offset),
            None => self.tail.clear(),
        }
    }
}

impl Stream {
    pub(super) fn new(link: Arc<Link>, session: SessionId, handle: u32) -> Self {
        Self {
            link,
            session,
            handle,
            next_offset: None,
            marked: None,
            told_high_watermark: -1,
            told_log_start_offset: -1,
        }
    }

    /// The logs are the same up to `offset`: records follow.
    pub(super) fn follow(&mut self, offset: Offset) {
        self.next_offset = Some(offset);
    }

    /// Whether new records go over it as they come. The other lane looks for itself.
    fn is_live(&self) -> bool {
        self.link.lane == Lane::Live && self.next_offset.is_some()
    }

    pub(super) fn mark(&mut self, urgency: Urgency, wakes: &mut Wakes) {
        if self.marked >= Some(urgency) {
            return;
        }
        self.marked = Some(urgency);
        if self.link.mark(self.handle, urgency) {
            wakes.push(Arc::clone(&self.link));
        }
    }

    /// The follower will hear these offsets. Returns whether they are news to it.
    pub(super) fn told(&mut self, high_watermark: Offset, log_start_offset: Offset) -> bool {
        let is_news = high_watermark > self.told_high_watermark
            || log_start_offset > self.told_log_start_offset;
        self.told_high_watermark = high_watermark;
        self.told_log_start_offset = log_start_offset;
        is_news
    }
}
