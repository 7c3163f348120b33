//! Settings, a typed struct per role, with Kafka's defaults. The doc of each field begins with
//! Kafka's name of it; [`Settings`](crate::Settings) takes them by that name.

use std::time::Duration;

use protocol::records::Compression;

use crate::Address;

/// How many replicas must have a record before the broker says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// No answer at all.
    None,
    /// The leader.
    Leader,
    /// All in-sync replicas.
    All,
}

impl Acks {
    pub(crate) fn to_wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// What a consumer sees of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationLevel {
    /// Everything up to the high watermark.
    ReadUncommitted,
    /// Up to the last stable offset, without aborted transactions.
    ReadCommitted,
}

impl IsolationLevel {
    pub(crate) fn to_wire(self) -> i8 {
        match self {
            Self::ReadUncommitted => 0,
            Self::ReadCommitted => 1,
        }
    }
}

/// Settings of connections and metadata, shared by all roles.
#[derive(Debug, Clone)]
pub struct Config {
    /// `bootstrap.servers`.
    pub bootstrap: Vec<Address>,
    /// `client.id`, as it shows in the broker's logs and quotas.
    pub client_id: String,
    /// `request.timeout.ms`: one answer.
    pub request_timeout: Duration,
    /// `socket.connection.setup.timeout.ms`: one connection.
    pub connect_timeout: Duration,
    /// `default.api.timeout.ms`: one call, with all its retries.
    pub api_timeout: Duration,
    /// `metadata.max.age.ms`.
    pub metadata_max_age: Duration,
    /// `retry.backoff.ms`, doubled with each retry.
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`.
    pub retry_backoff_max: Duration,
    /// The largest answer accepted, in bytes.
    pub response_bytes_max: usize,
}

impl Config {
    /// Kafka's defaults, for these bootstrap servers.
    #[must_use]
    pub fn new(bootstrap: Vec<Address>) -> Self {
        Self {
            bootstrap,
            client_id: "raudal-client".to_owned(),
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            api_timeout: Duration::from_secs(60),
            metadata_max_age: Duration::from_secs(300),
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            response_bytes_max: 128 * 1024 * 1024,
        }
    }
}

/// Settings of a producer.
#[derive(Debug, Clone)]
pub struct ProducerConfig {
    /// `acks`.
    pub acks: Acks,
    /// `enable.idempotence`: the broker drops what a retry sends twice. Needs `acks=all`.
    pub is_idempotent: bool,
    /// `compression.type`.
    pub compression: Compression,
    /// `batch.size` in bytes.
    pub batch_bytes: usize,
    /// `linger.ms`: how long a batch waits for company.
    pub linger: Duration,
    /// `buffer.memory` in bytes: records not yet acknowledged.
    pub buffer_bytes: usize,
    /// `max.in.flight.requests.per.connection`, at most 5 when idempotent.
    pub in_flight_max: usize,
    /// `delivery.timeout.ms`: from `send` to the last retry.
    pub delivery_timeout: Duration,
    /// `max.request.size` in bytes, of one record and of one request.
    pub request_bytes_max: usize,
    /// `max.block.ms`: waiting for metadata or buffer space in `send`.
    pub block_max: Duration,
    /// Whether the broker may create a topic that is written to (if its own configuration allows).
    pub may_create_topics: bool,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            is_idempotent: true,
            compression: Compression::None,
            batch_bytes: 16_384,
            linger: Duration::from_millis(5),
            buffer_bytes: 32 * 1024 * 1024,
            in_flight_max: 5,
            delivery_timeout: Duration::from_secs(120),
            request_bytes_max: 1_048_576,
            block_max: Duration::from_secs(60),
            may_create_topics: true,
        }
    }
}

/// Settings of a consumer.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// `isolation.level`.
    pub isolation_level: IsolationLevel,
    /// `fetch.min.bytes`.
    pub fetch_min_bytes: i32,
    /// `fetch.max.wait.ms`.
    pub fetch_wait_max: Duration,
    /// `fetch.max.bytes` of one answer.
    pub fetch_bytes_max: i32,
    /// `max.partition.fetch.bytes`.
    pub partition_fetch_bytes_max: i32,
    /// `max.poll.records`.
    pub poll_records_max: usize,
    /// `check.crcs`.
    pub checks_crc: bool,
    /// `client.rack`, to read from a replica nearby.
    pub rack: String,
    /// `auto.offset.reset`: where to go when the position is out of range. `None` is an error.
    pub reset: Option<Reset>,
    /// The largest size one batch may decompress to, in bytes.
    pub decompressed_bytes_max: usize,
}

/// Where a consumer goes when its position no longer exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The log start offset.
    Earliest,
    /// The end of the log.
    Latest,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            isolation_level: IsolationLevel::ReadUncommitted,
            fetch_min_bytes: 1,
            fetch_wait_max: Duration::from_millis(500),
            fetch_bytes_max: 50 * 1024 * 1024,
            partition_fetch_bytes_max: 1024 * 1024,
            poll_records_max: 500,
            checks_crc: true,
            rack: String::new(),
            reset: Some(Reset::Latest),
            decompressed_bytes_max: 256 * 1024 * 1024,
        }
    }
}
