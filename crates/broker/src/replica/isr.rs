//! One task asks the controller for all changes of ISRs: joins as soon as a follower has caught up,
//! leaves at a look every now and then. Where nobody can leave or join until something happens, nobody
//! looks ([`IsrWatch`]): a broker that is idle has nothing to do, however many partitions it leads.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use replication::{Answer, Limits, Proposal};
use rpc::alter_partitions::{IsrMember, PartitionAnswer, PartitionUpdate, UPDATES_MAX};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use types::{BrokerEpoch, NodeId};

use crate::broker::BrokerError;
use crate::partition::Partition;
use crate::replica::IsrWatch;
use crate::state::Core;

/// Between two looks at who is behind, in the partitions that do not rest.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// A follower that no stream reaches for longer leaves the ISR, if the controller did not fence it
/// before.
const DISCONNECTED_MAX: Duration = Duration::from_millis(1500);
/// How long a request may look for a controller before it is made again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Before a request that failed is made again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Partitions that rest are looked at, too, in case that a reason to wake one was forgotten: every so many
/// turns some of them, so many times in turn until it was all of them. That makes a minute.
const RESTING_TURNS: usize = 10;
const RESTING_PARTS: usize = 12;

/// The partitions whose ISR should be looked at now. Each is in it once at most.
#[derive(Debug, Default)]
pub(crate) struct IsrQueue {
    /// Those that are looked at every time.
    pub(crate) watch: Arc<IsrWatch>,
    wanted: Mutex<Wanted>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Wanted {
    partitions: Vec<Arc<Partition>>,
    everything: bool,
}

impl IsrQueue {
    /// A follower of the partition may join the ISR, or must leave it.
    pub(crate) fn add(&self, partition: &Arc<Partition>) {
        if partition.queue_isr() {
            self.wanted.lock().partitions.push(Arc::clone(partition));
            self.news.notify_one();
        }
    }

    /// Brokers came or went: who may be in sync has changed everywhere but where nobody can join or leave.
    pub(crate) fn add_all(&self) {
        self.wanted.lock().everything = true;
        self.news.notify_one();
    }

    fn take(&self, core: &Core, now: Duration) -> Vec<Arc<Partition>> {
        let wanted = std::mem::take(&mut *self.wanted.lock());
        let mut partitions = wanted.partitions;
        if wanted.everything {
            partitions.extend(self.watched(core, now));
        }
        partitions
    }

    /// Those that do not rest.
    fn watched(&self, core: &Core, now: Duration) -> impl Iterator<Item = Arc<Partition>> {
        let watched = self.watch.begin_look(now).into_iter();
        watched.filter_map(|(topic_id, index)| core.partitions.get(topic_id, index))
    }

    /// What a turn looks at.
    fn turn(&self, core: &Core, now: Duration, number: usize) -> Vec<Arc<Partition>> {
        let mut partitions: Vec<_> = self.watched(core, now).collect();
        if number.is_multiple_of(RESTING_TURNS) {
            let part = number / RESTING_TURNS % RESTING_PARTS;
            partitions.extend(core.partitions.every(RESTING_PARTS, part));
        }
        partitions
    }
}

/// A proposal and its partition.
struct Asked {
    partition: Arc<Partition>,
    proposal: Proposal,
}

/// Keeps the ISRs of all partitions led here as they should be, until `stop`.
///
/// # Errors
/// None: what fails is tried again.
pub(crate) async fn keep_isrs(core: Arc<Core>, stop: CancellationToken) -> Result<(), BrokerError> {
    let mut looks = interval_at(Instant::now() + LOOK_INTERVAL, LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let isr = &core.replication.isr;
    let mut turn = 0;
    loop {
        let is_turn = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = looks.tick() => true,
            () = isr.news.notified() => false,
        };
        let now = core.clock.monotonic();
        let partitions = if is_turn {
            turn += 1;
            isr.turn(&core, now, turn)
        } else {
            isr.take(&core, now)
        };
        let mut asked = proposals(&core, partitions, now);
        while !asked.is_empty() {
            let later = asked.split_off(asked.len().min(UPDATES_MAX));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = ask(&core, asked) => {}
            }
            asked = later;
        }
    }
}

fn proposals(core: &Core, partitions: Vec<Arc<Partition>>, now: Duration) -> Vec<Asked> {
    let lag_max = core.config.replication.replica_lag_time_max;
    let limits = Limits {
        lag_max,
        disconnected_max: lag_max.min(DISCONNECTED_MAX),
    };
    let image = core.image();
    let led = partitions
        .into_iter()
        .filter(|partition| partition.begin_isr_look(now));
    let asked = led.filter_map(|partition| {
        let index = partition.topic_partition().partition;
        let Some(known) = image.partition(partition.topic_id(), index) else {
            partition.look_at_isr_later();
            return None;
        };
        let is_eligible = |node: NodeId, epoch: BrokerEpoch| {
            let broker = image.broker(node);
            image.is_replica_live(known, node)
                && broker.is_some_and(|it| !epoch.is_known() || it.epoch == epoch)
        };
        let proposal = partition.propose_isr(now, limits, &is_eligible)?;
        Some(Asked {
            partition,
            proposal,
        })
    });
    asked.collect()
}

/// Asks until there is an answer to each, or newer metadata have made it needless.
async fn ask(core: &Core, mut asked: Vec<Asked>) {
    loop {
        asked.retain(|one| one.partition.is_in_flight(&one.proposal));
        if asked.is_empty() {
            return;
        }
        let updates: Vec<_> = asked.iter().map(update).collect();
        let answers = core
            .controllers
            .alter_partitions(
                core.node_id(),
                core.broker_epoch(),
                &updates,
                REQUEST_TIMEOUT,
            )
            .await;
        match answers {
            Ok(answers) => {
                for (one, answer) in asked.iter().zip(answers) {
                    on_answer(core, one, answer);
                }
                // What stays in flight was answered with "wait for newer metadata".
                return;
            }
            Err(error) => {
                warn!(%error, count = asked.len(), "changes of the isr are not answered; asking again");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

fn update(one: &Asked) -> PartitionUpdate {
    let member = |(node, broker_epoch): &(NodeId, BrokerEpoch)| IsrMember {
        node: *node,
        broker_epoch: *broker_epoch,
    };
    PartitionUpdate {
        topic_id: one.partition.topic_id(),
        index: one.partition.topic_partition().partition,
        leader_epoch: one.proposal.leader_epoch,
        partition_epoch: one.proposal.partition_epoch,
        isr: one.proposal.isr.iter().map(member).collect(),
    }
}

fn on_answer(core: &Core, one: &Asked, answer: PartitionAnswer) {
    let partition = one.partition.topic_partition();
    let answer = match answer {
        Ok(state) => {
            // Else somebody else leads by now.
            if state.leader == Some(core.node_id()) {
                info!(%partition, isr = %list(&state.isr), "isr changed");
            }
            // It counts once the image brings it: with fewer in sync the high watermark may move only
            // under the `min.insync.replicas` that the controller decided under, and that may be news.
            Answer::Unknown
        }
        Err(refusal) => {
            let proposed: Vec<NodeId> = one.proposal.isr.iter().map(|(node, _)| *node).collect();
            debug!(%partition, %refusal, proposed = %list(&proposed), "isr is not changed");
            if refusal.proves_not_applied() {
                Answer::NotApplied
            } else {
                Answer::Unknown
            }
        }
    };
    one.partition.on_isr_answer(&one.proposal, answer);
}

fn list(nodes: &[NodeId]) -> String {
    let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
    nodes.join(",")
}
