//! One server of either kind, with one topic after the other.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use client::admin::{AlterOp, NewTopic, Resource, ResourceKind};
use client::{Admin, Client, Config};
use cluster_tests::cluster::Cluster;
use cluster_tests::layout::Layout;
use cluster_tests::target::{Kind, Target};
use protocol::RecordSet;
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use protocol::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use protocol::records::{Batch, BatchHeader, split_batches};
use tokio::time::{Instant, sleep};
use types::Uuid;

use crate::history::Row;

const CLEAN_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const INFLATED_BYTES_MAX: usize = 1 << 20;

/// Batches of more than one record, small segments, tombstones that go at the second round.
const TOPIC: [(&str, &str); 4] = [
    ("segment.ms", "50"),
    ("min.cleanable.dirty.ratio", "1.0"),
    ("delete.retention.ms", "0"),
    ("file.delete.delay.ms", "0"),
];

/// What a batch says of itself that compaction must not change, or that both must change alike.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    offsets: (i64, i64),
    producer: (i64, i16, i32),
    record_count: i32,
    attributes: i16,
}

pub(crate) struct Server {
    cluster: Cluster,
    admin: Admin,
}

impl Server {
    pub(crate) async fn raudal() -> Option<Self> {
        Self::start(Kind::Raudal).await
    }

    pub(crate) async fn kafka() -> Option<Self> {
        Self::start(Kind::ApacheKafka).await
    }

    #[expect(clippy::print_stderr, reason = "for whoever looks")]
    async fn start(kind: Kind) -> Option<Self> {
        let target = match Target::find(kind) {
            Ok(target) => target,
            Err(missing) => {
                eprintln!("skipped: {missing}");
                return None;
            }
        };
        let layout = Layout {
            broker_count: 1,
            ..Layout::default()
        };
        let layout = layout
            .with("min.insync.replicas", "1")
            .with("log.cleaner.backoff.ms", "100")
            // Raudal flushes a segment before it compacts it; Kafka compacts at once.
            .with("log.cleaner.dedupe.buffer.size", "4194304");
        let cluster = Cluster::start(&target, layout).await.unwrap();
        // Patient: a request that is sent again would be written twice.
        let config = Config {
            request_timeout: CLEAN_WITHIN,
            api_timeout: CLEAN_WITHIN,
            ..Config::new(cluster.bootstrap())
        };
        let admin = Admin::new(Client::connect(config).await.unwrap());
        Some(Self { cluster, admin })
    }

    pub(crate) async fn create(&self, topic: &str, configs: &[(&str, &str)]) -> Result<()> {
        let configs = TOPIC.iter().chain(configs);
        let topic = NewTopic {
            name: topic.to_owned(),
            partition_count: Some(1),
            replication_factor: Some(1),
            configs: configs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..NewTopic::default()
        };
        let created = self.admin.create_topics(&[topic], false).await?;
        let (_, result) = created.into_iter().next().context("no answer")?;
        result?;
        Ok(())
    }

    pub(crate) async fn set(&self, topic: &str, key: &str, value: &str) -> Result<()> {
        let resource = Resource {
            kind: ResourceKind::Topic,
            name: topic.to_owned(),
        };
        let change = (key.to_owned(), AlterOp::Set(value.to_owned()));
        self.admin
            .alter_configs(&resource, &[change], false)
            .await?;
        Ok(())
    }

    pub(crate) async fn stop_compaction(&self, topic: &str) -> Result<()> {
        self.set(topic, "min.cleanable.dirty.ratio", "1.0").await
    }

    pub(crate) async fn start_compaction(&self, topic: &str) -> Result<()> {
        self.set(topic, "min.cleanable.dirty.ratio", "0.01").await
    }

    async fn id_of(&self, topic: &str) -> Result<Uuid> {
        let cluster = self.admin.client().all_topics().await?;
        Ok(cluster.topics.get(topic).context("no such topic")?.id)
    }

    pub(crate) async fn produce(&self, topic: &str, batches: &[Bytes]) -> Result<()> {
        for batch in batches {
            let (code, _) = self.append(topic, batch).await?;
            ensure!(code == 0, "produce to {topic}: error {code}");
        }
        Ok(())
    }

    /// The answer's code and offset.
    pub(crate) async fn append(&self, topic: &str, batch: &Bytes) -> Result<(i16, i64)> {
        let request = ProduceRequest {
            transactional_id: None,
            acks: -1,
            timeout_ms: 5000,
            topic_data: vec![TopicProduceData {
                name: topic.into(),
                topic_id: self.id_of(topic).await?,
                partition_data: vec![PartitionProduceData {
                    index: 0,
                    records: Some(RecordSet::from(batch.clone())),
                }],
            }],
        };
        let answer = self.admin.raw(None, &request).await?;
        let topic = answer.responses.first().context("no answer")?;
        let partition = topic.partition_responses.first().context("no answer")?;
        Ok((partition.error_code, partition.base_offset))
    }

    /// All batches, as a consumer reads them from offset 0 on.
    async fn read(&self, topic: &str) -> Result<Vec<Batch>> {
        let topic_id = self.id_of(topic).await?;
        let mut all: Vec<Batch> = Vec::new();
        let mut offset = 0;
        loop {
            let request = FetchRequest {
                replica_id: -1,
                max_wait_ms: 0,
                min_bytes: 1,
                max_bytes: 1 << 20,
                session_epoch: -1,
                topics: vec![FetchTopic {
                    topic: topic.into(),
                    topic_id,
                    partitions: vec![FetchPartition {
                        partition: 0,
                        current_leader_epoch: -1,
                        fetch_offset: offset,
                        last_fetched_epoch: -1,
                        log_start_offset: -1,
                        partition_max_bytes: 1 << 20,
                        ..FetchPartition::default()
                    }],
                }],
                ..FetchRequest::default()
            };
            let answer = self.admin.raw(None, &request).await?;
            let topic = answer.responses.into_iter().next().context("no answer")?;
            let partition = topic.partitions.into_iter().next().context("no answer")?;
            let code = partition.error_code;
            ensure!(code == 0, "fetch at {offset}: error {code}");
            let before = offset;
            let records = partition.records.unwrap_or_default().to_bytes();
            for batch in split_batches(records) {
                let Ok(batch) = batch else { break };
                batch.check_crc()?;
                offset = batch.header.next_offset();
                all.push(batch);
            }
            if offset == before {
                let end = partition.high_watermark;
                ensure!(offset == end, "no way from {offset} to the end at {end}");
                return Ok(all);
            }
        }
    }

    pub(crate) async fn rows(&self, topic: &str) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for batch in self.read(topic).await? {
            for record in batch.records(INFLATED_BYTES_MAX)? {
                let record = record?;
                rows.push(Row {
                    offset: batch.header.offset_at(record.offset_delta),
                    timestamp: batch.header.timestamp_at(record.timestamp_delta),
                    key: record.key,
                    value: record.value,
                });
            }
        }
        Ok(rows)
    }

    /// The batches that have records.
    pub(crate) async fn batches(&self, topic: &str) -> Result<Vec<Kept>> {
        let batches = self.read(topic).await?;
        let headers = batches.iter().map(|batch| &batch.header);
        let full = headers.filter(|header| header.record_count > 0);
        Ok(full.map(kept).collect())
    }

    /// Where timestamps are found.
    pub(crate) async fn places(&self, topic: &str) -> Result<Vec<(i64, i64, i64)>> {
        let mut places = Vec::new();
        let mut timestamps = vec![-1, -2, -3];
        for row in self.rows(topic).await? {
            timestamps.extend([row.timestamp, row.timestamp + 1]);
        }
        for timestamp in timestamps {
            let request = ListOffsetsRequest {
                replica_id: -1,
                topics: vec![ListOffsetsTopic {
                    name: topic.into(),
                    partitions: vec![ListOffsetsPartition {
                        partition_index: 0,
                        current_leader_epoch: -1,
                        timestamp,
                    }],
                }],
                ..ListOffsetsRequest::default()
            };
            let answer = self.admin.raw(None, &request).await?;
            let topic = answer.topics.first().context("no answer")?;
            let found = topic.partitions.first().context("no answer")?;
            places.push((timestamp, found.offset, found.timestamp));
        }
        Ok(places)
    }

    /// Waits until there are no more records than expected.
    pub(crate) async fn wait_until_clean(&self, topic: &str, expected: &[Row]) -> Result<()> {
        let deadline = Instant::now() + CLEAN_WITHIN;
        loop {
            let rows = self.rows(topic).await?;
            if rows.len() <= expected.len() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let name = self.cluster.target().kind.name();
                let (found, wanted) = (rows.len(), expected.len());
                let tails = self.cluster.tails();
                bail!("{name}: {topic} has {found} records, {wanted} should stay\n{tails}");
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

fn kept(header: &BatchHeader) -> Kept {
    let producer_id = header.producer_id.0;
    Kept {
        offsets: (header.base_offset, header.last_offset()),
        producer: (producer_id, header.producer_epoch.0, header.base_sequence),
        record_count: header.record_count,
        attributes: header.attributes,
    }
}
