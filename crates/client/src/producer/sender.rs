//! The producer's task: takes ready batches, sends them to their leaders, hands answers back.
//!
//! All it waits for is an [`Event`] of one set of futures, the wake-up of `send`, or a point in
//! time; each is then handled by a synchronous method. Batches are sealed and compressed here.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use protocol::ApiKey;
use protocol::messages::init_producer_id::InitProducerIdRequest;
use protocol::messages::produce::ProduceResponse;
use tokio::time::Instant;
use types::{ProducerEpoch, ProducerId, TopicPartition};

use super::Shared;
use super::batch::Identity;
use super::routes::Routes;
use super::turn::Turn;
use super::wire::{self, Parcel};
use crate::connection::BrokerConnection;
use crate::{Acks, Client, Error, Result};

/// How often the task looks around when nothing calls it.
pub(super) const IDLE_INTERVAL: Duration = Duration::from_secs(1);
/// A broker hands producer ids out at once, or has lost the controller.
const IDENTITY_WITHIN: Duration = Duration::from_secs(5);

type EventFuture = Pin<Box<dyn Future<Output = Event> + Send>>;
pub(super) type Parcels = HashMap<i32, Vec<Parcel>>;

enum Event {
    Connected(i32, Result<Arc<BrokerConnection>>),
    Answered(i32, Vec<Parcel>, Result<ProduceResponse>),
    Identified(Result<Identity>),
    Refreshed(Result<()>),
}

/// See the module.
pub(super) struct Sender {
    pub(super) shared: Arc<Shared>,
    events: FuturesUnordered<EventFuture>,
    pub(super) routes: Routes,
    pub(super) identity: Option<Identity>,
    is_identifying: bool,
    identify_after: Instant,
    is_refreshing: bool,
    refresh_after: Instant,
    /// When to ask next who leads instead of a silent broker.
    pub(super) silent_look_at: Instant,
}

impl Sender {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            shared,
            events: FuturesUnordered::new(),
            routes: Routes::default(),
            identity: None,
            is_identifying: false,
            identify_after: now,
            is_refreshing: false,
            refresh_after: now,
            silent_look_at: now,
        }
    }

    /// Runs until the producer is closed or dropped.
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            let wake_at = self.on_turn(Instant::now());
            tokio::select! {
                () = shared.stop.cancelled() => break,
                () = shared.wake.notified() => {}
                () = tokio::time::sleep_until(wake_at) => {}
                Some(event) = self.events.next() => self.on_event(event, Instant::now()),
            }
        }
        shared.accumulator.lock().abandon();
        shared.buffer.close();
        shared.ended.notify_waiters();
        for connection in self.routes.connections() {
            // With acks=0 nobody else waits until the last request has left.
            drop(tokio::time::timeout(IDLE_INTERVAL, connection.flush()).await);
        }
    }

    /// Sends what is ready and says when to look again.
    fn on_turn(&mut self, now: Instant) -> Instant {
        let mut turn = Turn::new(now);
        self.look_around(&mut turn);
        self.look_at_silent(&mut turn);
        for (node_id, parcels) in std::mem::take(&mut turn.parcels) {
            self.dispatch(node_id, parcels, &mut turn);
        }
        for node_id in std::mem::take(&mut turn.to_connect) {
            self.connect(node_id);
        }
        if turn.wants_identity && !self.is_identifying {
            self.identify(&mut turn);
        }
        if turn.wants_refresh && !self.is_refreshing {
            self.refresh(&mut turn);
        }
        if turn.has_ended {
            self.shared.ended.notify_waiters();
        }
        turn.wake_at
    }

    /// Puts a request on its way. It is queued in the connection when this returns, so requests to
    /// one broker keep their order.
    fn dispatch(&mut self, node_id: i32, parcels: Vec<Parcel>, turn: &mut Turn) {
        let config = &self.shared.config;
        let Some(connection) = self.routes.connection(node_id) else {
            return self.on_answer(node_id, parcels, Err(Error::Closed), turn.now);
        };
        let timeout = self.shared.client.config().request_timeout;
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let cap = wire::version_cap(&parcels);
        let versions = &connection.versions;
        let version = versions.choose_up_to(ApiKey::Produce, cap, &connection.address);
        let version = match version {
            Ok(version) => version,
            Err(error) => return self.on_answer(node_id, parcels, Err(error), turn.now),
        };
        let request = wire::request(&parcels, config.acks.to_wire(), timeout_ms, version);
        if config.acks == Acks::None {
            let sent = connection.send_unanswered(&request, version);
            let answer = sent.map(|()| wire::unanswered(&parcels));
            return self.on_answer(node_id, parcels, answer, turn.now);
        }
        // The broker may take all of its timeout; the answer needs a moment more.
        match connection.send_within(&request, version, timeout + IDLE_INTERVAL) {
            Ok(response) => {
                let partitions = parcels.iter().map(|parcel| {
                    TopicPartition::new(Arc::clone(&parcel.topic.name), parcel.partition)
                });
                self.routes.on_sent(node_id, turn.now, partitions.collect());
                self.events.push(Box::pin(async move {
                    let answer = response.await;
                    let answer = answer.map_err(|error| connection.error(ApiKey::Produce, &error));
                    Event::Answered(node_id, parcels, answer)
                }));
            }
            Err(error) => self.on_answer(node_id, parcels, Err(error), turn.now),
        }
    }

    fn on_event(&mut self, event: Event, now: Instant) {
        let rest = self.shared.client.config().retry_backoff;
        match event {
            Event::Connected(node_id, Ok(connection)) => {
                self.routes.on_connected(node_id, connection);
            }
            Event::Connected(node_id, Err(error)) => {
                self.shared.note_trouble(now, node_id, None, &error);
                tracing::debug!(node_id, %error, "no connection to a leader");
                self.routes.on_failed(node_id, now + rest);
                self.forget_topics();
                self.note_error(node_id, &error);
            }
            Event::Answered(node_id, parcels, answer) => {
                self.routes.on_answered(node_id);
                if answer.is_err() {
                    self.routes.on_failed(node_id, now + rest);
                }
                self.on_answer(node_id, parcels, answer, now);
            }
            Event::Identified(result) => {
                self.is_identifying = false;
                match result {
                    Ok(identity) => self.identity = Some(identity),
                    Err(error) => {
                        tracing::debug!(%error, "no producer id yet");
                        self.identify_after = now + rest;
                        self.on_no_identity(&error);
                    }
                }
            }
            Event::Refreshed(result) => {
                self.is_refreshing = false;
                self.refresh_after = now + rest;
                match result {
                    Ok(()) => {
                        self.learn();
                        self.abandon_silent(now);
                    }
                    Err(error) => tracing::debug!(%error, "metadata could not be refreshed"),
                }
            }
        }
    }

    /// Hands each batch's result to its partition, and news about leaders to the client.
    fn on_answer(
        &self,
        node_id: i32,
        parcels: Vec<Parcel>,
        answer: Result<ProduceResponse>,
        now: Instant,
    ) {
        let client = &self.shared.client;
        let backoff = client.config().retry_backoff;
        let hints = match &answer {
            Ok(response) => wire::hints(&parcels, response),
            Err(_) => Vec::new(),
        };
        for hint in &hints {
            client.learn_leader(hint);
        }
        let cluster = client.cluster();
        let is_led_elsewhere = |topic: &str, partition: i32| {
            let known = cluster.topics.get(topic)?.partition(partition)?;
            Some(known.has_leader() && known.leader != node_id)
        };
        let mut freed_bytes = 0;
        {
            let mut accumulator = self.shared.accumulator.lock();
            for (parcel, result) in wire::results(parcels, answer, now) {
                let topic = &parcel.topic.name;
                let has_moved = is_led_elsewhere(topic, parcel.partition) == Some(true);
                if let Err(error) = &result {
                    tracing::debug!(node_id, %topic, partition = parcel.partition, %error, "not written");
                    let partition = TopicPartition::new(Arc::clone(topic), parcel.partition);
                    self.shared
                        .note_trouble(now, node_id, Some(partition), error);
                    if !has_moved {
                        client.forget_topic(topic);
                    }
                }
                let Some(queue) = accumulator.queue(topic, parcel.partition) else {
                    continue;
                };
                let pause = if has_moved { Duration::ZERO } else { backoff };
                let settled = queue.on_result(parcel.batch, result, now, pause);
                accumulator.settle(&settled);
                freed_bytes += settled.freed_bytes;
            }
        }
        if !hints.is_empty() {
            self.learn();
        }
        self.shared.buffer.add_permits(freed_bytes);
        self.shared.ended.notify_waiters();
    }

    /// Lets those who wait for this broker know what the trouble is, should their time run out.
    fn note_error(&self, node_id: i32, error: &Error) {
        let mut accumulator = self.shared.accumulator.lock();
        for queues in accumulator.topics_mut() {
            let partitions = queues.topic.partitions.iter().zip(&mut queues.partitions);
            for (_, queue) in partitions.filter(|(partition, _)| partition.leader == node_id) {
                queue.note_error(error);
            }
        }
    }

    /// Without a producer id nothing can be sent: what waits knows why, and fails now if no other
    /// try would help.
    fn on_no_identity(&self, error: &Error) {
        let mut accumulator = self.shared.accumulator.lock();
        let mut all_settled = Vec::new();
        for queues in accumulator.topics_mut() {
            for queue in &mut queues.partitions {
                queue.note_error(error);
                if !error.is_retriable() {
                    all_settled.push(queue.fail_waiting(error));
                }
            }
        }
        for settled in &all_settled {
            accumulator.settle(settled);
            self.shared.buffer.add_permits(settled.freed_bytes);
        }
        self.shared.ended.notify_waiters();
    }

    fn forget_topics(&self) {
        let mut accumulator = self.shared.accumulator.lock();
        for queues in accumulator.topics_mut() {
            self.shared.client.forget_topic(&queues.topic.name);
        }
    }

    fn connect(&mut self, node_id: i32) {
        self.routes.on_connecting(node_id);
        let client = self.shared.client.clone();
        self.events.push(Box::pin(async move {
            Event::Connected(node_id, client.broker(node_id).await)
        }));
    }

    fn identify(&mut self, turn: &mut Turn) {
        if self.identify_after > turn.now {
            turn.wake_at = turn.wake_at.min(self.identify_after);
            return;
        }
        self.is_identifying = true;
        let client = self.shared.client.clone();
        self.events.push(Box::pin(async move {
            Event::Identified(new_identity(&client).await)
        }));
    }

    fn refresh(&mut self, turn: &mut Turn) {
        if self.refresh_after > turn.now {
            turn.wake_at = turn.wake_at.min(self.refresh_after);
            return;
        }
        self.is_refreshing = true;
        let client = self.shared.client.clone();
        let names: Vec<Arc<str>> = {
            let mut accumulator = self.shared.accumulator.lock();
            let topics = accumulator.topics_mut();
            topics
                .map(|queues| Arc::clone(&queues.topic.name))
                .collect()
        };
        self.events.push(Box::pin(async move {
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            Event::Refreshed(client.refresh(&names, false).await.map(drop))
        }));
    }

    /// Takes refreshed metadata over.
    fn learn(&self) {
        let mut accumulator = self.shared.accumulator.lock();
        let names = accumulator.topics_mut().map(|q| Arc::clone(&q.topic.name));
        for name in names.collect::<Vec<_>>() {
            if let Some(topic) = self.shared.client.cached_topic(&name) {
                accumulator.learn(&topic);
            }
        }
    }
}

async fn new_identity(client: &Client) -> Result<Identity> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        producer_id: -1,
        producer_epoch: -1,
    };
    let asked = async { client.any_broker().await?.request(&request).await };
    let answered = tokio::time::timeout(IDENTITY_WITHIN, asked).await;
    let response = answered.map_err(|_elapsed| Error::TimedOut {
        what: "get a producer id".to_owned(),
        after: IDENTITY_WITHIN,
        last: None,
    })??;
    Error::check(response.error_code, None, || "get a producer id".to_owned())?;
    Ok(Identity {
        producer_id: ProducerId(response.producer_id),
        epoch: ProducerEpoch(response.producer_epoch),
    })
}
