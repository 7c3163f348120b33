//! Groups without members whose places are written all the time, as registers: each commit is one
//! more than the last, and readers ask for them everywhere.
//!
//! Meant for faults that kill. A commit that hangs in a broker that stands still may take effect long
//! after its client has gone on, and set a place back that nobody else guards.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use client::{Address, Admin};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use types::TopicPartition;

use super::LoadSpec;
use crate::cluster::admin;
use crate::history::{Phase, Recorder, Tp, What};

const WRITE_EVERY: Duration = Duration::from_millis(10);
const READ_EVERY: Duration = Duration::from_millis(50);
/// Readers ask for so many groups at once.
const GROUPS_AT_ONCE: usize = 16;
const READERS: usize = 2;

/// Writers and readers at work.
#[derive(Debug)]
pub struct Places {
    all: Arc<Shared>,
    tasks: JoinSet<Result<()>>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    load: LoadSpec,
    bootstrap: Vec<Address>,
    recorder: Recorder,
    /// Every group that was ever written to. Held for a push or a copy.
    groups: Mutex<Vec<String>>,
}

impl Places {
    /// Starts so many writers, each with a group of its own at a time, for the partitions of `load`.
    #[must_use]
    pub fn start(
        writer_count: usize,
        load: &LoadSpec,
        bootstrap: &[Address],
        recorder: &Recorder,
    ) -> Self {
        let all = Arc::new(Shared {
            load: load.clone(),
            bootstrap: bootstrap.to_vec(),
            recorder: recorder.clone(),
            groups: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for number in 0..writer_count {
            tasks.spawn(write(Arc::clone(&all), number, stop.clone()));
        }
        for _ in 0..READERS {
            tasks.spawn(read(Arc::clone(&all), stop.clone()));
        }
        Self { all, tasks, stop }
    }

    /// Waits until every writer has had a commit acknowledged from now on.
    ///
    /// # Errors
    /// One has not in time.
    pub async fn until_committed(&self, at_most: Duration) -> Result<()> {
        let since = self.all.recorder.now_ns();
        let deadline = Instant::now() + at_most;
        let writers = self.tasks.len() - READERS;
        loop {
            let groups = self.all.groups.lock().clone();
            let tp = self.all.load.tp(0);
            let last = |group: &String| {
                let group: Tp = group.as_str().into();
                self.all.recorder.last_committed_ns(&group, &tp)
            };
            let going = groups
                .iter()
                .filter(|group| last(group).is_some_and(|at| at > since));
            let going = going.count();
            if going >= writers {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{going} of {writers} commit after {at_most:?}"
            );
            tokio::time::sleep(READ_EVERY).await;
        }
    }

    /// Stops writing and asks for every group a last time.
    ///
    /// # Errors
    /// A group cannot be asked for.
    pub async fn finish(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        let mut reader = Reader::new(&self.all).await?;
        let groups = self.all.groups.lock().clone();
        for some in groups.chunks(GROUPS_AT_ONCE) {
            anyhow::ensure!(reader.ask(some).await, "no answer for {some:?}");
        }
        Ok(())
    }
}

impl Shared {
    fn keys(&self) -> Vec<TopicPartition> {
        let all = 0..self.load.partition_count;
        all.map(|index| self.load.partition(index)).collect()
    }

    /// A group that nobody has used.
    fn new_group(&self, number: usize) -> String {
        let mut groups = self.groups.lock();
        let name = format!("places-{number}-{}", groups.len());
        groups.push(name.clone());
        name
    }
}

/// Commits until `stop`. Where the outcome of a commit is unknown it may still come, so its group is
/// left alone from then on.
async fn write(all: Arc<Shared>, number: usize, stop: CancellationToken) -> Result<()> {
    let id = all.recorder.new_client();
    let admin = admin(all.bootstrap.clone()).await?;
    let keys = all.keys();
    let mut group = all.new_group(number);
    let mut place = 0;
    let mut turns = interval(WRITE_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        turns.tick().await;
        place += 1;
        let record = |phase| {
            for tp in all.load.tps() {
                let group = Tp::from(group.as_str());
                let what = What::Commit {
                    phase,
                    group,
                    tp,
                    offset: place,
                };
                all.recorder.record(id, what);
            }
        };
        record(Phase::Invoke);
        let wanted: Vec<_> = keys.iter().map(|key| (key.clone(), place.into())).collect();
        let answer = admin.alter_offsets(&group, &wanted).await;
        if answer.is_ok_and(|answer| answer.values().all(Result::is_ok)) {
            record(Phase::Ok);
        } else {
            record(Phase::Info);
            (group, place) = (all.new_group(number), 0);
        }
    }
    Ok(())
}

/// Asks for some of the groups, again and again.
async fn read(all: Arc<Shared>, stop: CancellationToken) -> Result<()> {
    let mut reader = Reader::new(&all).await?;
    let mut turns = interval(READ_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        turns.tick().await;
        let groups = all.groups.lock().clone();
        if groups.is_empty() {
            continue;
        }
        let from = rand::random_range(0..groups.len());
        let some: Vec<String> = groups.into_iter().skip(from).take(GROUPS_AT_ONCE).collect();
        reader.ask(&some).await;
    }
    Ok(())
}

struct Reader {
    all: Arc<Shared>,
    admin: Admin,
    id: u32,
}

impl Reader {
    async fn new(all: &Arc<Shared>) -> Result<Self> {
        Ok(Self {
            admin: admin(all.bootstrap.clone()).await?,
            id: all.recorder.new_client(),
            all: Arc::clone(all),
        })
    }

    /// Whether all of them could be answered.
    async fn ask(&mut self, groups: &[String]) -> bool {
        let keys = self.all.keys();
        for group in groups {
            self.record(Phase::Invoke, group, |_| None);
        }
        let asked: Vec<_> = groups
            .iter()
            .map(|group| (group.as_str(), Some(&*keys)))
            .collect();
        let Ok(mut answer) = self.admin.committed_offsets(&asked).await else {
            return false;
        };
        let mut all_answered = true;
        for group in groups {
            let Some(Ok(found)) = answer.remove(group) else {
                all_answered = false;
                continue;
            };
            if found.values().any(Result::is_err) {
                all_answered = false;
                continue;
            }
            self.record(Phase::Ok, group, |key| {
                let found = found.get(key)?;
                found.as_ref().ok().map(|found| found.offset)
            });
        }
        all_answered
    }

    fn record(&self, phase: Phase, group: &str, offset: impl Fn(&TopicPartition) -> Option<i64>) {
        for key in self.all.keys() {
            let what = What::Committed {
                phase,
                group: group.into(),
                tp: self.all.load.tp(key.partition),
                offset: offset(&key),
            };
            self.all.recorder.record(self.id, what);
        }
    }
}
