//! Asks each broker who leads what, and writes down what is new.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use client::{Address, Client};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::LoadSpec;
use crate::cluster::connect;
use crate::history::{Recorder, TopicAct, Tp, What};

const EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(500);
/// A topic that is still there is written down again and again, at this distance.
const LISTED_EVERY: Duration = Duration::from_secs(1);

/// Watches until `stop`.
pub(super) async fn run(
    spec: Arc<LoadSpec>,
    bootstrap: Vec<Address>,
    recorder: Recorder,
    stop: CancellationToken,
) -> Result<()> {
    let mut watcher = Watcher {
        id: recorder.new_client(),
        spec,
        recorder,
        clients: HashMap::new(),
        known: HashSet::new(),
        listed: HashMap::new(),
    };
    let mut turn = tokio::time::interval(EVERY);
    loop {
        for address in &bootstrap {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _turn = turn.tick() => {}
            }
            watcher.look(address).await;
        }
    }
}

struct Watcher {
    spec: Arc<LoadSpec>,
    recorder: Recorder,
    id: u32,
    clients: HashMap<Address, Client>,
    known: HashSet<(i32, i32, i32, Vec<i32>)>,
    listed: HashMap<Tp, Instant>,
}

impl Watcher {
    /// Asks one broker; silence and errors say nothing.
    async fn look(&mut self, address: &Address) {
        if !self.clients.contains_key(address) {
            let connecting = connect(vec![address.clone()], "watcher");
            let Ok(Ok(client)) = timeout(PATIENCE, connecting).await else {
                return;
            };
            self.clients.insert(address.clone(), client);
        }
        let Some(client) = self.clients.get(address) else {
            return;
        };
        match timeout(PATIENCE, client.all_topics()).await {
            Ok(Ok(cluster)) => {
                if let Some(topic) = cluster.topics.get(self.spec.topic.as_str()) {
                    self.on_topic(topic);
                }
            }
            _ => drop(self.clients.remove(address)),
        }
    }

    fn on_topic(&mut self, topic: &client::metadata::Topic) {
        let id: Tp = topic.id.to_string().into();
        let now = Instant::now();
        let last = self.listed.get(&id);
        if last.is_none_or(|at| now.duration_since(*at) >= LISTED_EVERY) {
            self.listed.insert(Tp::clone(&id), now);
            let (act, name) = (TopicAct::Listed, self.spec.topic.as_str().into());
            self.recorder.record(self.id, What::Topic { act, name, id });
        }
        for partition in &topic.partitions {
            let (epoch, leader) = (partition.leader_epoch, partition.leader);
            let isr = partition.isr.clone();
            if self
                .known
                .insert((partition.index, epoch, leader, isr.clone()))
            {
                let tp = self.spec.tp(partition.index);
                let what = What::Leader {
                    tp,
                    epoch,
                    leader,
                    isr,
                };
                self.recorder.record(self.id, what);
            }
        }
    }
}
