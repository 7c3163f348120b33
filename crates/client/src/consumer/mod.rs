//! Reading records of partitions that the caller names. No group is needed.
//!
//! ```text
//! assign ─▶ positions ─▶ one Fetch per leader in flight, answered by long poll
//! poll   ◀─ records   ◀─ fetched batches: checksum, decompression, aborted transactions left out
//! ```
//!
//! While records are handed out, the next fetch is on its way. Memory is bounded by two answers per
//! partition.

mod events;
mod fetched;
mod position;
mod validate;
mod wire;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use protocol::ApiKey;
use protocol::messages::fetch::FetchResponse;
use protocol::records::RecordHeader;
use tokio::time::Instant;
use types::{Offset, PartitionIndex, TimestampMs, TopicPartition};

use crate::{Client, ConsumerConfig, Error, Result};
use events::Event;
use fetched::Fetched;
use position::Position;

/// A record as it was read.
#[derive(Debug, Clone)]
pub struct ConsumerRecord {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: PartitionIndex,
    /// The offset.
    pub offset: Offset,
    /// Epoch of the leader that appended it, -1 if unknown.
    pub leader_epoch: i32,
    /// Milliseconds since 1970, -1 if there is none.
    pub timestamp_ms: TimestampMs,
    /// Whether the broker set the timestamp, not the producer.
    pub is_log_append_time: bool,
    /// The key.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Option<Bytes>,
    /// Headers, in the producer's order.
    pub headers: Vec<RecordHeader>,
    /// The idempotent producer, or -1.
    pub producer_id: i64,
    /// Its incarnation, or -1.
    pub producer_epoch: i16,
}

/// A broker that owes an answer for so long behind `fetch.max.wait.ms` may be gone: others are asked
/// who leads now.
const SILENT_AFTER: Duration = Duration::from_secs(1);
/// How often they are asked.
const SILENT_LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a leader may say that a batch is damaged before that is believed: another replica may
/// become the leader.
const DAMAGED_WITHIN: Duration = Duration::from_secs(2);

type EventFuture = Pin<Box<dyn Future<Output = Event> + Send>>;

/// A consumer with manual assignment. Owned by one task; nothing runs while nobody polls, except
/// what the connections have in flight.
pub struct Consumer {
    client: Client,
    config: ConsumerConfig,
    positions: BTreeMap<TopicPartition, Position>,
    events: FuturesUnordered<EventFuture>,
    /// Leaders with a fetch in flight, and since when.
    busy: HashMap<i32, Instant>,
    /// Leaders to leave alone until a moment, after a failure.
    resting: HashMap<i32, Instant>,
    fetched: VecDeque<Fetched>,
    is_refreshing: bool,
    refresh_after: Instant,
    wants_refresh: bool,
    /// When to ask next who leads instead of a silent broker.
    silent_look_at: Instant,
    /// What keeps going wrong, and since when.
    trouble: Option<(Instant, Error)>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("positions", &self.positions)
            .finish_non_exhaustive()
    }
}

impl Consumer {
    /// A consumer without partitions.
    #[must_use]
    pub fn new(client: Client, config: ConsumerConfig) -> Self {
        Self {
            client,
            config,
            positions: BTreeMap::new(),
            events: FuturesUnordered::new(),
            busy: HashMap::new(),
            resting: HashMap::new(),
            fetched: VecDeque::new(),
            is_refreshing: false,
            refresh_after: Instant::now(),
            wants_refresh: false,
            silent_look_at: Instant::now(),
            trouble: None,
        }
    }

    /// Reads this partition from this offset on, instead of from wherever it was before.
    pub fn assign(&mut self, partition: TopicPartition, offset: Offset) {
        self.fetched
            .retain(|fetched| fetched.partition != partition);
        let generation = self
            .positions
            .get(&partition)
            .map_or(0, |p| p.generation + 1);
        self.positions
            .insert(partition, Position::new(offset, generation));
    }

    /// As [`Consumer::assign`], knowing the epoch of the leader that appended the record before, -1 if
    /// not: records cut off since then are noticed, and a leader from before then is not asked.
    pub fn assign_after(&mut self, partition: TopicPartition, offset: Offset, leader_epoch: i32) {
        self.assign(partition.clone(), offset);
        if let Some(position) = self.positions.get_mut(&partition) {
            position.leader_epoch = leader_epoch;
            position.fetched_epoch = leader_epoch;
        }
    }

    /// Offset of the next record that `poll` will hand out, and the epoch of the leader that appended
    /// the one before it (-1 if unknown).
    pub(crate) fn position_after(&self, partition: &TopicPartition) -> Option<(Offset, i32)> {
        let position = self.positions.get(partition)?;
        Some((position.next_offset, position.leader_epoch))
    }

    /// Stops reading this partition.
    pub fn unassign(&mut self, partition: &TopicPartition) {
        self.fetched
            .retain(|fetched| fetched.partition != *partition);
        self.positions.remove(partition);
    }

    /// The partitions that are read.
    pub fn assignment(&self) -> impl Iterator<Item = &TopicPartition> {
        self.positions.keys()
    }

    /// Offset of the next record that `poll` will hand out. Exclusive end of what was read.
    #[must_use]
    pub fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        self.positions
            .get(partition)
            .map(|position| position.next_offset)
    }

    /// High watermark as of the last fetch: records below it may be read.
    #[must_use]
    pub fn high_watermark(&self, partition: &TopicPartition) -> Option<Offset> {
        self.positions.get(partition)?.high_watermark
    }

    /// What has kept going wrong since the last answer, and for how long. It is being tried again.
    #[must_use]
    pub fn trouble(&self) -> Option<(Duration, &Error)> {
        let (since, error) = self.trouble.as_ref()?;
        Some((since.elapsed(), error))
    }

    /// Waits for records, at most so long; none is no error.
    ///
    /// # Errors
    /// A partition cannot be read: it is unknown, damaged, out of range with no `auto.offset.reset`,
    /// or access is denied. Whatever another try may mend is tried again inside.
    ///
    /// # Cancel safety
    /// Nothing is lost; fetches in flight are taken up by the next call.
    pub async fn poll(&mut self, wait: Duration) -> Result<Vec<ConsumerRecord>> {
        let deadline = Instant::now() + wait;
        loop {
            let records = self.take_records()?;
            let wake_at = self.send_fetches(Instant::now());
            if !records.is_empty() {
                return Ok(records);
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(records);
            }
            tokio::select! {
                Some(event) = self.events.next() => self.on_event(event, Instant::now())?,
                () = tokio::time::sleep_until(wake_at.min(deadline)) => {}
            }
        }
    }

    fn take_records(&mut self) -> Result<Vec<ConsumerRecord>> {
        let mut records = Vec::new();
        while let Some(front) = self.fetched.front_mut() {
            let Some(position) = self.positions.get_mut(&front.partition) else {
                self.fetched.pop_front();
                continue;
            };
            let room = self.config.poll_records_max - records.len();
            front.take(&mut records, room, position, &self.config)?;
            if !front.is_empty() {
                break;
            }
            position.waiting_count -= 1;
            self.fetched.pop_front();
            if records.len() >= self.config.poll_records_max {
                break;
            }
        }
        Ok(records)
    }

    /// Sends a fetch to every leader that has none in flight and partitions with room. Returns when
    /// to look again.
    fn send_fetches(&mut self, now: Instant) -> Instant {
        let mut wake_at = now + Duration::from_secs(1);
        let mut by_node: HashMap<i32, Vec<TopicPartition>> = HashMap::new();
        let mut doubtful = Vec::new();
        for (partition, position) in &mut self.positions {
            if !position.has_room() {
                continue;
            }
            let topic = self.client.cached_topic(&partition.topic);
            let leader = topic
                .as_ref()
                .and_then(|t| t.partition(partition.partition));
            let Some(leader) = leader.filter(|leader| leader.has_leader()) else {
                self.wants_refresh = true;
                continue;
            };
            if position.is_past(leader.leader_epoch, now) {
                self.wants_refresh = true;
                continue;
            }
            let is_doubtful = position.must_be_validated(leader.leader_epoch);
            let node_id = match position.preferred_replica {
                Some(replica) if !is_doubtful => replica,
                _ => leader.leader,
            };
            match self.resting.get(&node_id) {
                Some(until) if *until > now => wake_at = wake_at.min(*until),
                _ if is_doubtful => {
                    doubtful.push((partition.clone(), node_id, leader.leader_epoch));
                }
                _ if self.busy.contains_key(&node_id) => {}
                _ => by_node.entry(node_id).or_default().push(partition.clone()),
            }
        }
        for (partition, node_id, leader_epoch) in doubtful {
            self.validate(partition, node_id, leader_epoch);
        }
        for (node_id, partitions) in by_node {
            self.fetch(node_id, partitions);
        }
        let patience = self.config.fetch_wait_max + SILENT_AFTER;
        if let Some(since) = self.busy.values().min() {
            let look_at = (*since + patience).max(self.silent_look_at);
            if look_at <= now {
                self.silent_look_at = now + SILENT_LOOK_EVERY;
                self.wants_refresh = true;
            } else {
                wake_at = wake_at.min(look_at);
            }
        }
        if self.wants_refresh && !self.is_refreshing {
            match self.refresh_after <= now {
                true => self.refresh(),
                false => wake_at = wake_at.min(self.refresh_after),
            }
        }
        wake_at
    }

    fn fetch(&mut self, node_id: i32, asked: Vec<TopicPartition>) {
        self.busy.insert(node_id, Instant::now());
        let wanted: Vec<_> = asked
            .iter()
            .filter_map(|partition| {
                let topic = self.client.cached_topic(&partition.topic)?;
                let leader_epoch = topic.partition(partition.partition)?.leader_epoch;
                let offset = self.positions.get_mut(partition)?.on_asked();
                Some(wire::Wanted {
                    topic,
                    partition: partition.partition,
                    offset,
                    leader_epoch,
                })
            })
            .collect();
        let (client, config) = (self.client.clone(), self.config.clone());
        self.events.push(Box::pin(async move {
            let answer = fetch(&client, &config, node_id, &wanted).await;
            Event::Fetched {
                node_id,
                asked,
                answer,
            }
        }));
    }

    fn refresh(&mut self) {
        self.is_refreshing = true;
        self.wants_refresh = false;
        let client = self.client.clone();
        let topics: HashSet<Arc<str>> = self
            .positions
            .keys()
            .map(|p| Arc::clone(&p.topic))
            .collect();
        self.events.push(Box::pin(async move {
            for topic in topics {
                client.forget_topic(&topic);
                if let Err(error) = client.topic(&topic).await {
                    return Event::Refreshed(Err(error));
                }
            }
            Event::Refreshed(Ok(()))
        }));
    }
}

async fn fetch(
    client: &Client,
    config: &ConsumerConfig,
    node_id: i32,
    wanted: &[wire::Wanted],
) -> Result<FetchResponse> {
    let connection = client.broker(node_id).await?;
    let (address, cap) = (&connection.address, wire::version_cap(wanted));
    let version = connection
        .versions
        .choose_up_to(ApiKey::Fetch, cap, address)?;
    let request = wire::request(wanted, config, version);
    let patience = client.config().request_timeout + config.fetch_wait_max;
    let answer = connection.send_within(&request, version, patience)?.await;
    answer.map_err(|error| connection.error(ApiKey::Fetch, &error))
}
