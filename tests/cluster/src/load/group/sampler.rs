//! Asks a group's coordinator, from outside, how far the group is and who has what.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Address, Admin};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use types::TopicPartition;

use super::super::LoadSpec;
use crate::cluster::admin;
use crate::history::{Phase, Recorder, Tp, What};

const EVERY: Duration = Duration::from_millis(200);
/// While a coordinator is being replaced nobody answers.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) struct Sampler {
    group: String,
    load: LoadSpec,
    bootstrap: Vec<Address>,
    recorder: Recorder,
    id: u32,
    admin: Option<Admin>,
}

impl Sampler {
    pub(super) fn new(
        group: &str,
        load: &LoadSpec,
        bootstrap: &[Address],
        recorder: &Recorder,
    ) -> Self {
        Self {
            group: group.to_owned(),
            load: load.clone(),
            bootstrap: bootstrap.to_vec(),
            recorder: recorder.clone(),
            id: recorder.new_client(),
            admin: None,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut turn = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _turn = turn.tick() => {}
            }
            self.ask().await;
            self.ask_who_owns().await;
        }
    }

    /// Asks for all partitions.
    pub(super) async fn ask(&mut self) {
        let all: Vec<i32> = (0..self.load.partition_count).collect();
        self.fetch(&all).await;
    }

    /// Asks for one; `None` if nobody answers, or nothing is committed.
    pub(super) async fn ask_for(&mut self, index: i32) -> Option<i64> {
        self.fetch(&[index]).await.remove(&index)
    }

    async fn fetch(&mut self, partitions: &[i32]) -> BTreeMap<i32, i64> {
        for index in partitions {
            self.record(Phase::Invoke, *index, None);
        }
        let keys: Vec<TopicPartition> =
            partitions.iter().map(|i| self.load.partition(*i)).collect();
        let found = self.committed(&keys).await;
        let mut all = BTreeMap::new();
        for (index, key) in partitions.iter().zip(&keys) {
            match &found {
                // An error is none of the answers that are checked.
                Some(found) if !matches!(found.get(key), Some(Err(_))) => {
                    let offset = found.get(key).and_then(|one| one.as_ref().ok());
                    let offset = offset.map(|one| one.offset);
                    self.record(Phase::Ok, *index, offset);
                    all.extend(offset.map(|offset| (*index, offset)));
                }
                _ => self.record(Phase::Info, *index, None),
            }
        }
        all
    }

    async fn committed(
        &mut self,
        keys: &[TopicPartition],
    ) -> Option<BTreeMap<TopicPartition, client::Result<client::admin::CommittedOffset>>> {
        let group = self.group.clone();
        let asked = [(group.as_str(), Some(keys))];
        let admin = self.admin().await?;
        match timeout(PATIENCE, admin.committed_offsets(&asked)).await {
            Ok(Ok(mut answer)) => answer.remove(&group)?.ok(),
            _ => {
                self.admin = None;
                None
            }
        }
    }

    async fn ask_who_owns(&mut self) {
        let (name, topic) = (self.group.clone(), self.load.topic.clone());
        let Some(admin) = self.admin().await else {
            return;
        };
        let answer = timeout(PATIENCE, admin.describe_groups(&[name.as_str()])).await;
        let Some(Ok(group)) = answer.ok().and_then(|answer| answer.ok()?.remove(&name)) else {
            return;
        };
        let mine = |tp: &&TopicPartition| *tp.topic == *topic;
        let members = group.members.into_iter().map(|member| {
            let tps = member.assignment.iter().filter(mine);
            (
                member.member_id,
                tps.map(|tp| self.load.tp(tp.partition)).collect(),
            )
        });
        let what = What::Owners {
            group: name.as_str().into(),
            members: members.collect(),
        };
        self.recorder.record(self.id, what);
    }

    async fn admin(&mut self) -> Option<&Admin> {
        if self.admin.is_none() {
            self.admin = timeout(PATIENCE, admin(self.bootstrap.clone()))
                .await
                .ok()?
                .ok();
        }
        self.admin.as_ref()
    }

    fn record(&self, phase: Phase, index: i32, offset: Option<i64>) {
        let what = What::Committed {
            phase,
            group: Tp::from(self.group.as_str()),
            tp: self.load.tp(index),
            offset,
        };
        self.recorder.record(self.id, what);
    }
}
