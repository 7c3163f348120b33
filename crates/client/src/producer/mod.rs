//! Writing records: collected into batches by partition, sent to the leaders, acknowledged.
//!
//! ```text
//! send ─▶ accumulator (batches by partition) ─▶ sender task ─▶ Produce requests, 5 in flight each
//!   └──── Delivery ◀──────────────────────────────── answers ◀──┘
//! ```
//!
//! By default the producer is idempotent: whatever is retried, each record is in the log once and
//! records of one partition are in the order of their `send`. Memory is bounded by
//! `buffer.memory`: `send` waits when it is full.

mod accumulator;
mod batch;
mod partition;
mod record;
mod routes;
mod sender;
mod silent;
mod turn;
mod wire;

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::records::BatchBuilder;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{Clock as _, SystemClock, TopicPartition};

pub use protocol::records::{Compression, RecordHeader};
pub use record::{Delivery, Receipt, Record, Trouble};

use crate::{Acks, Client, Error, ProducerConfig, Result};
use accumulator::Accumulator;
use sender::Sender;

/// A producer. Shared by reference; one task of its own does the sending.
///
/// Dropping it without [`Producer::close`] gives up what has not been sent.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    config: ProducerConfig,
    accumulator: Mutex<Accumulator>,
    /// Free bytes of the buffer.
    buffer: Semaphore,
    /// The sender has something to look at.
    wake: Notify,
    /// A batch ended.
    ended: Notify,
    stop: CancellationToken,
    clock: SystemClock,
    /// What went wrong on the way and nobody has looked at, oldest first.
    troubles: Mutex<VecDeque<Trouble>>,
}

/// Troubles kept until somebody looks; later ones are forgotten.
const TROUBLES_MAX: usize = 1024;

impl Shared {
    fn note_trouble(
        &self,
        at: Instant,
        node_id: i32,
        partition: Option<TopicPartition>,
        error: &Error,
    ) {
        let mut troubles = self.troubles.lock();
        if troubles.len() < TROUBLES_MAX {
            troubles.push_back(Trouble {
                at,
                node_id,
                partition,
                error: error.clone(),
            });
        }
    }
}

impl Producer {
    /// Starts a producer on a connected client. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Settings that exclude each other.
    pub fn new(client: Client, mut config: ProducerConfig) -> Result<Self> {
        // Idempotence needs all replicas to know the sequence numbers.
        config.is_idempotent &= config.acks == Acks::All;
        let most = if config.is_idempotent { 5 } else { usize::MAX };
        config.in_flight_max = config.in_flight_max.clamp(1, most);
        let invalid = |reason: &str| Error::InvalidRecord {
            reason: reason.to_owned(),
        };
        if config.buffer_bytes < config.request_bytes_max {
            return Err(invalid("buffer.memory is smaller than max.request.size"));
        }
        if config.buffer_bytes > Semaphore::MAX_PERMITS.min(u32::MAX as usize) {
            return Err(invalid("buffer.memory is larger than 4 GiB"));
        }
        let shared = Arc::new(Shared {
            client,
            buffer: Semaphore::new(config.buffer_bytes),
            config,
            accumulator: Mutex::default(),
            wake: Notify::new(),
            ended: Notify::new(),
            stop: CancellationToken::new(),
            clock: SystemClock::new(),
            troubles: Mutex::default(),
        });
        let task = tokio::spawn(Sender::new(Arc::clone(&shared)).run());
        Ok(Self {
            shared,
            task: Some(task),
        })
    }

    /// Hands a record over. Waits for metadata of its topic and for room in the buffer, not for the
    /// broker: that is what the [`Delivery`] is for.
    ///
    /// # Errors
    /// The topic or partition does not exist, the record is larger than `max.request.size`, or
    /// `max.block.ms` passed.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the record is not sent.
    pub async fn send(&self, record: &Record) -> Result<Delivery> {
        let shared = &self.shared;
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let size = BatchBuilder::record_size_max(key, value, &record.headers);
        if size > shared.config.request_bytes_max {
            return Err(Error::RecordTooLarge {
                size_bytes: size,
                limit_bytes: shared.config.request_bytes_max,
            });
        }
        self.reserve(size).await?;
        let appended = self.append(record).await;
        if appended.is_err() {
            shared.buffer.add_permits(size);
        }
        appended
    }

    async fn append(&self, record: &Record) -> Result<Delivery> {
        let shared = &self.shared;
        if !shared.accumulator.lock().knows(&record.topic) {
            self.learn(&record.topic).await?;
        }
        let timestamp_ms = record
            .timestamp_ms
            .unwrap_or_else(|| shared.clock.wall_ms());
        let now = Instant::now();
        let appended =
            shared
                .accumulator
                .lock()
                .append(record, timestamp_ms, now, &shared.config)?;
        if appended.wakes_sender {
            shared.wake.notify_one();
        }
        Ok(appended.delivery)
    }

    async fn reserve(&self, size: usize) -> Result<()> {
        let permits = u32::try_from(size).unwrap_or(u32::MAX);
        if let Ok(permit) = self.shared.buffer.try_acquire_many(permits) {
            permit.forget();
            return Ok(());
        }
        let allowed = self.shared.config.block_max;
        let acquired = tokio::time::timeout(allowed, self.shared.buffer.acquire_many(permits));
        match acquired.await {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(())
            }
            Ok(Err(_closed)) => Err(Error::Closed),
            Err(_elapsed) => Err(Error::TimedOut {
                what: "wait for room in the producer's buffer".to_owned(),
                after: allowed,
                last: None,
            }),
        }
    }

    /// Asks for a topic's partitions.
    ///
    /// # Errors
    /// The topic does not exist, or no broker says so in time.
    pub async fn learn(&self, topic: &str) -> Result<()> {
        let shared = &self.shared;
        let allowed = shared.config.block_max;
        let asked = shared
            .client
            .topic_or_create(topic, shared.config.may_create_topics);
        let topic = tokio::time::timeout(allowed, asked)
            .await
            .map_err(|_elapsed| Error::TimedOut {
                what: format!("metadata of topic {topic}"),
                after: allowed,
                last: None,
            })??;
        shared.accumulator.lock().learn(&topic);
        Ok(())
    }

    /// What has gone wrong on the way since the last look, oldest first, whether another try has
    /// mended it or not. At most some hundreds are kept.
    #[must_use]
    pub fn take_troubles(&self) -> Vec<Trouble> {
        self.shared.troubles.lock().drain(..).collect()
    }

    /// Sends what waits and returns when everything handed over so far has an answer. Records of
    /// others that arrive meanwhile are waited for, too.
    ///
    /// # Cancel safety
    /// Nothing is lost; batches wait for company again.
    pub async fn flush(&self) {
        let flushing = Flushing::new(&self.shared);
        loop {
            let ended = self.shared.ended.notified();
            if self.shared.accumulator.lock().unfinished_count() == 0 {
                break;
            }
            ended.await;
        }
        drop(flushing);
    }

    /// Flushes, then stops the task.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, what has not been sent is given up.
    pub async fn close(mut self) {
        self.shared.accumulator.lock().close();
        self.flush().await;
        self.shared.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the producer's task failed");
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// Batches do not wait for company while one of these lives.
struct Flushing<'a> {
    shared: &'a Shared,
}

impl<'a> Flushing<'a> {
    fn new(shared: &'a Shared) -> Self {
        *shared.accumulator.lock().flushing_count_mut() += 1;
        shared.wake.notify_one();
        Self { shared }
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        *self.shared.accumulator.lock().flushing_count_mut() -= 1;
    }
}
