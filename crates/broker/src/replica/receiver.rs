//! One task per stream that a leader has opened to this broker: writes what it pushes, acknowledges.
//!
//! ```text
//!  Open ─► image has that epoch? ── not yet ─► parked, tried again with every image, for a while
//!              │ yes
//!              ▼
//!          Position ─► Truncate, StartAt (on workers) ─► Follow ─► Append … ─► one Ack per frame
//!                                                 durable topic: … ─► sync ─► LateAcks ─► Ack
//! ```
//!
//! Leaders are not trusted to be up to date: what they may do is decided by the partition, under its
//! lock, by session and leader epoch.

mod items;

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use replication::SessionId;
use rpc::replication::{
    AckSender, Broken, Closed, FollowerFrame, FrameReceiver, Incoming, Lane, LeaderFrame,
    RefusalReason, ToLeader, Welcome,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use types::{LeaderEpoch, NodeId, PartitionIndex, TopicId};

use crate::broker::BrokerError;
use crate::partition::Partition;
use crate::replica::late_acks::LateAcks;
use crate::replica::lazy_timer::LazyTimer;
use crate::state::Core;

/// How long an opening waits for this broker's metadata to reach its leader epoch.
const PARKED_MAX: Duration = Duration::from_secs(3);
/// Partitions on one stream: more than any broker holds.
const OPEN_MAX: usize = 1 << 20;
/// Messages in one frame, well below what the leader takes.
const FRAME_ITEMS: usize = 4096;
/// After so many record bytes, or frames, the leader is answered, whatever else has come.
const ANSWERED_BYTES: usize = 64 << 10;
const ANSWERED_FRAMES: usize = 16;
/// Streams at once. Each leader has two; more are leftovers of broken connections.
const STREAMS_MAX: usize = 1024;

/// Serves the streams that come in, until `stop`.
///
/// # Errors
/// [`BrokerError::Panicked`].
pub(crate) async fn receive(
    core: Arc<Core>,
    mut incoming: mpsc::Receiver<Incoming>,
    stop: CancellationToken,
) -> Result<(), BrokerError> {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(stream) = incoming.recv() => match refusal(&core, &stream, tasks.len()) {
                Some(reason) => stream.refuse(reason),
                None => {
                    tasks.spawn(serve(Arc::clone(&core), stream, stop.clone()));
                }
            },
            Some(ended) = tasks.join_next() => {
                ended.map_err(|_panic| BrokerError::Panicked("replication receiver"))?;
            }
        }
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// Why a leader is turned away: it takes this broker for another one, or for a former process of it.
fn refusal(core: &Core, stream: &Incoming, stream_count: usize) -> Option<String> {
    let hello = stream.hello();
    if hello.cluster_id != core.cluster_id() {
        return Some(format!("this is not cluster {}", hello.cluster_id));
    }
    if hello.follower != core.node_id() {
        return Some(format!("this is broker {}", core.node_id()));
    }
    if hello.follower_broker_epoch != core.broker_epoch() {
        return Some(format!("the broker epoch is {}", core.broker_epoch()));
    }
    (stream_count >= STREAMS_MAX).then(|| "too many streams".to_owned())
}

async fn serve(core: Arc<Core>, stream: Incoming, stop: CancellationToken) {
    let (leader, lane) = (stream.hello().leader, stream.hello().lane);
    debug!(%leader, ?lane, "leader replicates to this broker");
    let (acks, frames) = stream.accept(Welcome {});
    let mut receiver = Receiver {
        core,
        leader,
        lane,
        open: HashMap::new(),
        parked: Vec::new(),
        answers: Vec::new(),
        consumed_bytes: 0,
        is_told: true,
        late_acks: Arc::default(),
    };
    let ended = tokio::select! {
        () = stop.cancelled() => None,
        ended = receiver.run(acks, frames) => Some(ended),
    };
    if let Some(Ended::Broken(Broken::Failed(_))) = &ended {
        let core = &receiver.core;
        core.absences.on_broken(leader, core.clock.monotonic());
    }
    receiver.end();
    match ended {
        None | Some(Ended::Broken(Broken::Ended)) => debug!(%leader, ?lane, "stream has ended"),
        Some(reason) => info!(%leader, ?lane, %reason, "leader's replication stream has ended"),
    }
}

/// The follower's end of one stream. Owned by one task.
struct Receiver {
    core: Arc<Core>,
    leader: NodeId,
    lane: Lane,
    open: HashMap<u32, Open>,
    parked: Vec<Parked>,
    /// To go into the next frame.
    answers: Vec<ToLeader>,
    consumed_bytes: u64,
    /// The leader knows of `consumed_bytes`.
    is_told: bool,
    late_acks: Arc<LateAcks>,
}

/// A partition on this stream.
#[derive(Clone, Debug)]
struct Open {
    partition: Arc<Partition>,
    session: SessionId,
}

/// An opening that this broker's metadata are not ready for.
#[derive(Clone, Copy, Debug)]
struct Parked {
    opening: Opening,
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Opening {
    handle: u32,
    topic_id: TopicId,
    index: PartitionIndex,
    leader_epoch: LeaderEpoch,
}

#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl Receiver {
    async fn run(&mut self, acks: AckSender, mut frames: FrameReceiver) -> Ended {
        let mut images = self.core.images();
        let late_acks = Arc::clone(&self.late_acks);
        let mut timer = LazyTimer::new();
        loop {
            let until = self.parked.iter().map(|parked| parked.until).min();
            tokio::select! {
                frame = frames.next() => if let Err(broken) = self.on_frames(frame, &mut frames).await {
                    return broken.into();
                },
                () = late_acks.news() => self.acknowledge_late(),
                Ok(()) = images.changed(), if !self.parked.is_empty() => self.try_parked(),
                () = timer.fires_by(until) => self.give_up_parked(),
            }
            while let Some(frame) = self.take_answer() {
                if let Err(closed) = acks.send(frame).await {
                    return closed.into();
                }
            }
        }
    }

    /// Acts on a frame, and on those that have come with it, so that one answer does for all.
    async fn on_frames(
        &mut self,
        first: Result<LeaderFrame, Broken>,
        frames: &mut FrameReceiver,
    ) -> Result<(), Broken> {
        let (mut next, mut bytes, mut count) = (Some(first), 0, 0);
        while let Some(frame) = next {
            let frame = frame?;
            bytes += frame.record_bytes();
            count += 1;
            for item in frame.items {
                self.on_item(item).await;
            }
            let may_wait = bytes < ANSWERED_BYTES && count < ANSWERED_FRAMES;
            next = tokio::select! {
                biased;
                frame = frames.next(), if may_wait => Some(frame),
                () = ready(()) => None,
            };
        }
        Ok(())
    }

    fn take_answer(&mut self) -> Option<FollowerFrame> {
        if self.answers.is_empty() && self.is_told {
            return None;
        }
        self.is_told = true;
        let count = self.answers.len().min(FRAME_ITEMS);
        Some(FollowerFrame {
            items: self.answers.drain(..count).collect(),
            consumed_bytes: self.consumed_bytes,
        })
    }

    /// The stream is over: nothing that may still be under way on it counts.
    fn end(self) {
        for open in self.open.into_values() {
            open.partition.close_as_follower(open.session);
        }
    }

    /// Openings that a newer image may allow.
    fn try_parked(&mut self) {
        for parked in std::mem::take(&mut self.parked) {
            self.try_open(parked.opening, parked.until);
        }
    }

    fn give_up_parked(&mut self) {
        let now = Instant::now();
        let is_over = |parked: &Parked| parked.until <= now;
        for parked in self.parked.extract_if(.., |parked| is_over(parked)) {
            let handle = parked.opening.handle;
            let reason = RefusalReason::Behind;
            self.answers.push(ToLeader::Refused { handle, reason });
        }
    }
}
