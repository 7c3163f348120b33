//! A client for tests: one connection, one request after the other.

use net::client::{Connection, Options};
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use protocol::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use protocol::records::{BatchBuilder, Compression, split_batches};
use protocol::{RecordSet, Request, Str};
use tokio::runtime::Runtime;

/// A connection and the runtime it lives on.
pub(crate) struct Client {
    runtime: Runtime,
    connection: Connection,
}

impl Client {
    /// Connects to a server on this machine.
    pub(crate) fn connect(port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let connecting = Connection::connect("localhost", port, Options::default());
        let connection = runtime.block_on(connecting).expect("connects");
        Self {
            runtime,
            connection,
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn ask<R: Request>(&self, request: &R, version: i16) -> R::Response {
        let asked = self.connection.request(request, version);
        self.runtime.block_on(asked).expect("answers")
    }

    /// Creates a topic with one replica; the error code.
    pub(crate) fn create_topic(&self, name: &'static str, partitions: i32) -> i16 {
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: Str::from_static(name),
                num_partitions: partitions,
                replication_factor: 1,
                ..CreatableTopic::default()
            }],
            timeout_ms: 30_000,
            validate_only: false,
        };
        self.ask(&request, 7).topics[0].error_code
    }

    /// Asks for one topic's metadata.
    pub(crate) fn metadata(&self, name: &'static str, may_create: bool) -> MetadataResponse {
        let topic = MetadataRequestTopic {
            name: Some(Str::from_static(name)),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: Some(vec![topic]),
            allow_auto_topic_creation: may_create,
            ..MetadataRequest::default()
        };
        self.ask(&request, 12)
    }

    /// Appends one batch to partition 0 with acks=all; the base offset, or the error code.
    pub(crate) fn produce(&self, topic: &'static str, values: &[&str]) -> Result<i64, i16> {
        let mut builder = BatchBuilder::new(Compression::None);
        for value in values {
            builder
                .append(now_ms(), None, Some(value.as_bytes()), &[])
                .expect("appends");
        }
        let batch = builder.build().expect("builds");
        let partition = PartitionProduceData {
            index: 0,
            records: Some(RecordSet::from(batch.bytes)),
        };
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 30_000,
            topic_data: vec![TopicProduceData {
                name: Str::from_static(topic),
                partition_data: vec![partition],
                ..TopicProduceData::default()
            }],
            ..ProduceRequest::default()
        };
        let response = self.ask(&request, 9);
        let answer = &response.responses[0].partition_responses[0];
        match answer.error_code {
            0 => Ok(answer.base_offset),
            code => Err(code),
        }
    }

    /// Reads partition 0 from the beginning: offsets and values.
    pub(crate) fn fetch(&self, topic: &'static str) -> Vec<(i64, String)> {
        let request = FetchRequest {
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: 50 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic: Str::from_static(topic),
                partitions: vec![FetchPartition {
                    partition_max_bytes: 50 << 20,
                    ..FetchPartition::default()
                }],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        let response = self.ask(&request, 12);
        let partition = &response.responses[0].partitions[0];
        assert_eq!(partition.error_code, 0, "{partition:?}");
        let bytes = partition.records.as_ref().map(RecordSet::to_bytes);
        let mut read = Vec::new();
        for batch in split_batches(bytes.unwrap_or_default()) {
            let batch = batch.expect("a whole batch");
            for record in batch.records(1 << 20).expect("records") {
                let record = record.expect("a record");
                let offset = batch.header.base_offset + i64::from(record.offset_delta);
                let value = record.value.unwrap_or_default();
                read.push((offset, String::from_utf8_lossy(&value).into_owned()));
            }
        }
        read
    }
}

fn now_ms() -> i64 {
    types::Clock::wall_ms(&types::SystemClock::new())
}
