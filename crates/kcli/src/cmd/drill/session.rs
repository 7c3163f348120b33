//! A drill in motion: producer, reader and watchers, on one clock.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Admin, IsolationLevel, OffsetSpec};
use rand::RngExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use types::{Offset, PartitionIndex, TopicPartition};

use super::args::LoadArgs;
use super::event::Event;
use super::load::{self, Load, Loaded};
use super::reader::{Live, Reader};
use super::scene::Scene;
use super::watch::{Picture, Watch};
use crate::context::Context;
use crate::failure::{Failure, Result};

/// How long answers are awaited after the last record.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// See the module. Dropped, it stops everything.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) zero: Instant,
    pub(super) run: u64,
    pub(super) reader: Reader,
    current: watch::Receiver<Picture>,
    stop_load: CancellationToken,
    stop_rest: CancellationToken,
    load: JoinHandle<Result<Loaded>>,
    live: JoinHandle<Live>,
    watches: Vec<JoinHandle<Vec<Event>>>,
    _guards: [DropGuard; 2],
}

/// Everything that was written down.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) loaded: Loaded,
    pub(super) live: Live,
    pub(super) events: Vec<Event>,
}

impl Session {
    /// Starts writing, reading and watching. The victims are asked last.
    pub(super) async fn start(
        admin: &Admin,
        scene: &Scene,
        args: &LoadArgs,
        victims: &[i32],
        context: &Context,
    ) -> Result<Self> {
        let starts = ends(admin, scene).await?;
        let (zero, run) = (Instant::now(), rand::rng().random());
        let (stop_load, stop_rest) = (CancellationToken::new(), CancellationToken::new());
        let load = Load {
            topic: scene.topic.as_str().into(),
            starts: starts.clone(),
            run,
            rate: args.rate,
            size: args.size,
            acks: args.acks,
            zero,
            stop: stop_load.clone(),
            patience: context.timeout_given.unwrap_or(ANSWER_PATIENCE),
        };
        let reader = Reader {
            settings: context.settings.clone(),
            topic: scene.topic.clone(),
            starts,
            run,
            zero,
        };
        let mut brokers = scene.brokers.clone();
        brokers.sort_by_key(|(id, _)| victims.contains(id));
        let watched = Watch {
            settings: context.settings.clone(),
            addresses: brokers.into_iter().map(|(_, address)| address).collect(),
            topic: scene.topic.clone(),
            zero,
            stop: stop_rest.clone(),
            is_quiet: context.is_quiet,
        };
        let (sender, current) = watch::channel(Picture::default());
        Ok(Self {
            zero,
            run,
            current,
            load: tokio::spawn(load::run(load, context.settings.clone())),
            live: tokio::spawn(reader.clone().live(stop_rest.clone())),
            reader,
            watches: vec![
                tokio::spawn(watched.clone().cluster(sender)),
                tokio::spawn(watched.quorum()),
            ],
            _guards: [
                stop_load.clone().drop_guard(),
                stop_rest.clone().drop_guard(),
            ],
            stop_load,
            stop_rest,
        })
    }

    /// Lets time pass. `false` if there is no point in going on: Ctrl-C, or the producer has ended.
    pub(super) async fn go_on(&mut self, time: Duration, interrupt: &CancellationToken) -> bool {
        let until = Instant::now() + time;
        loop {
            if self.load.is_finished() || interrupt.is_cancelled() {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let step = left.min(Duration::from_millis(100));
            // Either way the loop looks again.
            drop(timeout(step, interrupt.cancelled()).await);
        }
    }

    /// Waits until the cluster looks like that. `false` if it does not in time.
    pub(super) async fn wait_until(
        &mut self,
        patience: Duration,
        is_so: impl FnMut(&Picture) -> bool,
    ) -> bool {
        timeout(patience, self.current.wait_for(is_so))
            .await
            .is_ok_and(|it| it.is_ok())
    }

    /// Who leads each partition.
    pub(super) fn leaders(&self) -> BTreeMap<PartitionIndex, i32> {
        let picture = self.current.borrow();
        let leaders = picture.partitions.iter();
        leaders.map(|(index, it)| (*index, it.leader)).collect()
    }

    /// No further records; the rest goes on.
    pub(super) fn stop_writing(&self) {
        self.stop_load.cancel();
    }

    /// Ends everything, and collects what was written down. Answers that are still due are awaited.
    pub(super) async fn finish(mut self) -> Result<(Notes, Reader)> {
        self.stop_load.cancel();
        let crashed = |error: tokio::task::JoinError| Failure::failed(error.to_string());
        let loaded = (&mut self.load).await.map_err(crashed)??;
        self.stop_rest.cancel();
        let live = (&mut self.live).await.map_err(crashed)?;
        let mut events = Vec::new();
        for watched in self.watches.drain(..) {
            events.extend(watched.await.map_err(crashed)?);
        }
        let notes = Notes {
            loaded,
            live,
            events,
        };
        Ok((notes, self.reader))
    }
}

async fn ends(admin: &Admin, scene: &Scene) -> Result<BTreeMap<PartitionIndex, Offset>> {
    let asked: Vec<_> = scene
        .partitions
        .iter()
        .map(|it| {
            let key = TopicPartition::new(scene.topic.as_str(), it.index);
            (key, OffsetSpec::Latest)
        })
        .collect();
    let found = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await?;
    let found = found
        .into_iter()
        .map(|(key, found)| Ok((key.partition, found?.offset)));
    found.collect()
}
