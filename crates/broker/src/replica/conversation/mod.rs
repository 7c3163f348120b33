//! One connection to a follower, seen from the leader's side. Owned by one task; nothing in here is
//! shared but the [`Link`].
//!
//! ```text
//!  touched partitions ─► Open ─► Position ─► Truncate… ─► Follow ─► Append, HighWatermark … ─► Close
//!
//!  frame:  control messages first │ records, one partition after the other │ offsets that moved
//! ```
//!
//! Batching comes by itself: a frame is packed when there is room for it on the connection, from
//! whatever has been marked ready until then.

mod cold;
mod frame;
mod hear;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use replication::SessionId;
use rpc::replication::{AckReceiver, Broken, FrameSender, Lane, LeaderFrame, ToFollower};
use tokio::task::yield_now;
use tokio::time::Instant;
use types::Offset;

use super::lazy_timer::LazyTimer;
use super::link::Link;
use super::peers::{Key, Peer};
use crate::partition::{Opening, Partition};
use crate::state::Core;
use cold::{Reading, read_result};

/// How long offsets wait for records to travel with.
const IDLE_DELAY: Duration = Duration::from_millis(5);

/// The longest pause before a partition is opened again, and after how many doublings it is reached.
const PAUSE_MAX: Duration = Duration::from_secs(4);
const MISFITS_MAX: u32 = 6;

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("the follower has registered again")]
    OtherProcess,
    #[error("nobody is behind any more")]
    Done,
}

/// A partition on this connection.
#[derive(Debug)]
struct Carriage {
    partition: Arc<Partition>,
    session: SessionId,
    /// It is in [`Conversation::data`].
    is_queued: bool,
    /// Where the follower began to follow. What it acknowledges beyond is progress.
    follows_from: Option<Offset>,
    /// Once the follower has acknowledged this much, the live lane takes over.
    leaves_at: Option<Offset>,
}

/// The leader's end of one stream.
pub(super) struct Conversation {
    core: Arc<Core>,
    peer: Arc<Peer>,
    link: Arc<Link>,
    carriages: HashMap<u32, Carriage>,
    handles: HashMap<Key, u32>,
    next_handle: u32,
    /// Goes out before everything else.
    control: VecDeque<ToFollower>,
    /// Partitions with records to send, in turn.
    data: VecDeque<u32>,
    /// Partitions whose offsets moved, and until when they wait.
    idle: Vec<u32>,
    idle_due: Option<Instant>,
    /// Partitions to be opened again, and when.
    again: HashMap<Key, (Instant, Arc<Partition>)>,
    /// How often in a row that was needed, until something is acknowledged.
    misfits: HashMap<Key, u32>,
    /// Record bytes, since the connection began.
    sent_bytes: u64,
    consumed_bytes: u64,
    reading: Option<Reading>,
    /// Until then the quota lets nobody read who waits in `data`.
    throttled_until: Option<Instant>,
}

impl Conversation {
    pub(super) fn new(core: Arc<Core>, peer: Arc<Peer>, link: Arc<Link>) -> Self {
        Self {
            core,
            peer,
            link,
            carriages: HashMap::new(),
            handles: HashMap::new(),
            next_handle: 0,
            control: VecDeque::new(),
            data: VecDeque::new(),
            idle: Vec::new(),
            idle_due: None,
            again: HashMap::new(),
            misfits: HashMap::new(),
            sent_bytes: 0,
            consumed_bytes: 0,
            reading: None,
            throttled_until: None,
        }
    }

    /// Talks until the connection ends.
    ///
    /// # Cancel safety
    /// Dropping the future gives the connection up; [`Conversation::end`] must follow unless the broker
    /// stops.
    pub(super) async fn run(&mut self, frames: FrameSender, mut acks: AckReceiver) -> Ended {
        let mut timer = LazyTimer::new();
        // Everybody who was ready has run since there was something to send.
        let mut is_ripe = false;
        loop {
            if !self.is_same_process() {
                return Ended::OtherProcess;
            }
            self.gather();
            if self.link.lane == Lane::CatchUp && self.is_empty() {
                return Ended::Done;
            }
            let now = Instant::now();
            let has_frame = self.has_frame(now);
            if has_frame && !std::mem::replace(&mut is_ripe, true) {
                // Requests that came at the same time go into the same frame.
                yield_now().await;
                continue;
            }
            let wakes_at = self.next_deadline(now);
            tokio::select! {
                biased;
                heard = acks.next() => match heard {
                    Ok(frame) => self.on_frame(frame),
                    Err(broken) => return broken.into(),
                },
                room = frames.reserve(), if has_frame => match room {
                    Ok(room) => {
                        is_ripe = false;
                        if let Some(frame) = self.pack(now) {
                            room.send(frame);
                        }
                    }
                    // The other half knows why.
                    Err(_closed) => return ended(&mut acks).await,
                },
                read = read_result(&mut self.reading) => self.on_read(read),
                () = self.peer.news.notified() => {}
                () = timer.fires_by(wakes_at) => {}
            }
        }
    }

    /// Gives every partition back, for the next connection.
    pub(super) fn end(self) {
        for carriage in self.carriages.into_values() {
            carriage.partition.close_stream(carriage.session);
            self.peer.touch(carriage.partition);
        }
        for (_, partition) in self.again.into_values() {
            self.peer.touch(partition);
        }
    }

    fn is_empty(&self) -> bool {
        self.carriages.is_empty() && self.again.is_empty()
    }

    fn is_same_process(&self) -> bool {
        let image = self.core.image();
        let broker = image.broker(self.link.follower);
        broker.is_some_and(|broker| broker.epoch == self.link.broker_epoch)
    }

    /// Collects what others have marked or touched.
    fn gather(&mut self) {
        for partition in self.peer.take_touched().into_values() {
            self.on_touched(partition);
        }
        let ready = self.link.take_ready(self.idle_due.is_some());
        for handle in ready.data {
            self.queue(handle);
        }
        if !ready.idle.is_empty() {
            self.expect_offsets();
        }
        self.idle.extend(ready.idle);
        let now = Instant::now();
        let due = self.again.extract_if(|_, (at, _)| *at <= now);
        for (_, (_, partition)) in due.collect::<Vec<_>>() {
            self.on_touched(partition);
        }
        self.start_reading();
    }

    /// Offsets move, or will when what was sent is acknowledged.
    fn expect_offsets(&mut self) {
        self.idle_due
            .get_or_insert_with(|| Instant::now() + IDLE_DELAY);
    }

    /// Records wait for that partition's turn.
    fn queue(&mut self, handle: u32) {
        if let Some(carriage) = self.carriages.get_mut(&handle)
            && !std::mem::replace(&mut carriage.is_queued, true)
        {
            self.data.push_back(handle);
        }
    }

    /// The partition has to be carried, or not any more, or in another epoch.
    fn on_touched(&mut self, partition: Arc<Partition>) {
        if let Some(handle) = self.handles.get(&partition.key()).copied()
            && let Some(carriage) = self.carriages.get(&handle)
        {
            if carriage.partition.is_carried_by(carriage.session) {
                return;
            }
            self.close(handle);
        }
        self.again.remove(&partition.key());
        self.open(partition);
    }

    fn open(&mut self, partition: Arc<Partition>) {
        let session = self.core.replication.session_id();
        let handle = self.next_handle;
        let Opening::Open(leader_epoch) = partition.open_stream(&self.link, session, handle) else {
            return;
        };
        // Four billion openings on one connection would take years.
        self.next_handle = self.next_handle.wrapping_add(1);
        self.control.push_back(ToFollower::Open {
            handle,
            topic_id: partition.topic_id(),
            partition: partition.topic_partition().partition,
            leader_epoch,
        });
        self.handles.insert(partition.key(), handle);
        let carriage = Carriage {
            partition,
            session,
            is_queued: false,
            follows_from: None,
            leaves_at: None,
        };
        self.carriages.insert(handle, carriage);
    }

    /// Takes the partition off the connection, and says so.
    fn close(&mut self, handle: u32) -> Option<Arc<Partition>> {
        let carriage = self.carriages.remove(&handle)?;
        let key = carriage.partition.key();
        if self.handles.get(&key) == Some(&handle) {
            self.handles.remove(&key);
        }
        carriage.partition.close_stream(carriage.session);
        self.control.push_back(ToFollower::Close { handle });
        Some(carriage.partition)
    }

    /// Opens the partition again after a while, as a new conversation. What fails again and again is tried
    /// less and less often.
    fn close_and_open_again(&mut self, handle: u32, pause: Duration) {
        if let Some(partition) = self.close(handle) {
            let key = partition.key();
            let misfits = self.misfits.entry(key).or_default();
            let pause = pause.saturating_mul(1 << (*misfits).min(MISFITS_MAX));
            *misfits = misfits.saturating_add(1);
            let at = Instant::now() + pause.min(PAUSE_MAX);
            self.again.insert(key, (at, partition));
        }
    }

    /// The follower has written up to here: if that is more than it came with, all is well.
    fn on_progress(&mut self, handle: u32, log_end_offset: Offset) {
        if !self.misfits.is_empty()
            && let Some(carriage) = self.carriages.get(&handle)
            && carriage.follows_from < Some(log_end_offset)
        {
            self.misfits.remove(&carriage.partition.key());
        }
    }

    /// The other lane takes over.
    fn hand_over(&mut self, handle: u32) {
        let lane = match self.link.lane {
            Lane::Live => Lane::CatchUp,
            Lane::CatchUp => Lane::Live,
        };
        if let Some(partition) = self.close(handle) {
            let peers = &self.core.replication.peers;
            peers.lane(self.link.follower, lane).touch(partition);
        }
    }

    /// When to look again.
    fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let again = self.again.values().map(|(at, _)| *at);
        next_look(again.chain(self.throttled_until), self.idle_due, now)
    }
}

/// What became due since it was looked at is looked at once more now. Offsets that are due wait for room
/// on the connection, not for time.
fn next_look(
    looks: impl Iterator<Item = Instant>,
    idle_due: Option<Instant>,
    now: Instant,
) -> Option<Instant> {
    looks.chain(idle_due.filter(|due| *due > now)).min()
}

/// Why the connection ended: what the receiving half says, once it has said everything else.
async fn ended(acks: &mut AckReceiver) -> Ended {
    loop {
        if let Err(broken) = acks.next().await {
            return broken.into();
        }
    }
}

/// Nothing to send.
fn non_empty(frame: LeaderFrame) -> Option<LeaderFrame> {
    (!frame.items.is_empty()).then_some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_due_while_nobody_looks_is_not_forgotten() {
        let before = Instant::now();
        let now = before + Duration::from_micros(1);
        assert_eq!(next_look([before].into_iter(), None, now), Some(before));
        assert_eq!(next_look([].into_iter(), Some(before), now), None);
        let due = now + IDLE_DELAY;
        assert_eq!(next_look([].into_iter(), Some(due), now), Some(due));
    }
}
