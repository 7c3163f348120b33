//! A consumer whose metadata is older than what it has read.

mod fake;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use client::{Address, Client, Config, Consumer, ConsumerConfig, Reset};
use protocol::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData,
};
use protocol::records::{BatchBuilder, Compression};
use protocol::wire::Reader;
use protocol::{ApiKey, frame};
use types::{ErrorCode, LeaderEpoch, TopicPartition};

use fake::{all_versions, listener, metadata, reply, serve};

/// A record at the offset asked for, appended under epoch 1.
fn record_at(mut body: Reader, version: i16) -> PartitionData {
    let request: FetchRequest = frame::decode_request(&mut body, version).expect("decodes");
    let offset = request.topics[0].partitions[0].fetch_offset;
    let mut builder = BatchBuilder::new(Compression::None);
    builder
        .set_base_offset(offset)
        .set_leader_epoch(LeaderEpoch(1));
    builder
        .append(1_000, None, Some(b"v"), &[])
        .expect("appends");
    PartitionData {
        high_watermark: offset + 1,
        records: Some(builder.build().expect("builds").bytes.into()),
        ..PartitionData::default()
    }
}

fn refused(code: ErrorCode) -> PartitionData {
    PartitionData {
        error_code: code.to_wire(),
        ..PartitionData::default()
    }
}

fn fetched(partition: PartitionData) -> FetchResponse {
    FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic_id: fake::TOPIC_ID,
            partitions: vec![partition],
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    }
}

/// Broker 1 was deposed by broker 2, and neither it nor metadata knows for a while.
#[derive(Default)]
struct Story {
    fetched_from_1: AtomicUsize,
    asked_for_metadata: AtomicUsize,
}

impl Story {
    fn leader(&self) -> (i32, i32) {
        match self.asked_for_metadata.fetch_add(1, Ordering::SeqCst) {
            0..4 => (1, 0),
            _ => (2, 1),
        }
    }

    fn answer(self: Arc<Self>, brokers: [(i32, SocketAddr); 2], is_deposed: bool) -> fake::Answer {
        Arc::new(move |header, body| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            ApiKey::Metadata => {
                let (leader, epoch) = self.leader();
                reply(header, &metadata(&brokers, leader, epoch))
            }
            ApiKey::Fetch if is_deposed => {
                self.fetched_from_1.fetch_add(1, Ordering::SeqCst);
                reply(header, &fetched(refused(ErrorCode::OffsetOutOfRange)))
            }
            ApiKey::Fetch => reply(header, &fetched(record_at(body, header.api_version))),
            _ => None,
        })
    }
}

#[tokio::test]
async fn a_consumer_does_not_ask_a_leader_from_before_its_last_record() {
    let ((listener_1, address_1), (listener_2, address_2)) = (listener().await, listener().await);
    let brokers = [(1, address_1), (2, address_2)];
    let story = Arc::new(Story::default());
    serve(listener_1, Arc::clone(&story).answer(brokers, true));
    serve(listener_2, Arc::clone(&story).answer(brokers, false));
    let bootstrap = Address::new(address_1.ip().to_string(), address_1.port());
    let mut config = Config::new(vec![bootstrap]);
    config.retry_backoff = Duration::from_millis(5);
    let client = Client::connect(config).await.expect("connects");
    let config = ConsumerConfig {
        reset: Some(Reset::Earliest),
        ..ConsumerConfig::default()
    };
    let mut consumer = Consumer::new(client, config);
    consumer.assign_after(TopicPartition::new("t", 0), 7, 1);
    let records = consumer.poll(Duration::from_secs(10)).await.expect("polls");
    assert_eq!(records.first().map(|record| record.offset), Some(7));
    assert_eq!(story.fetched_from_1.load(Ordering::SeqCst), 0);
}
