//! The final reads: every replica of every partition from its start to its end, through the broker
//! that has it. Followers serve readers too (KIP-392).

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use client::{Admin, IsolationLevel, OffsetSpec};
use protocol::Str;
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};
use protocol::records::split_batches;
use tokio::time::{Instant, sleep};
use types::{TopicPartition, Uuid};

use crate::history::{Recorder, Seen, What};
use crate::load::{LoadSpec, from_bytes};

const FETCH_BYTES: i32 = 4 << 20;
const DECOMPRESSED_BYTES_MAX: usize = 64 << 20;
/// A follower learns the high watermark within this time.
const FOLLOWER_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Reads all replicas and writes down what they have.
///
/// # Errors
/// A replica cannot be read, or does not reach the end that its leader has.
pub async fn scan(admin: &Admin, spec: &LoadSpec, recorder: &Recorder) -> Result<()> {
    let topic = admin.client().all_topics().await?;
    let topic = topic
        .topics
        .get(spec.topic.as_str())
        .context("the topic is gone")?;
    let id = recorder.new_client();
    for partition in &topic.partitions {
        let key = TopicPartition::new(spec.topic.as_str(), partition.index);
        let (from, to) = bounds(admin, &key).await?;
        for replica in &partition.replicas {
            let reader = ReplicaReader {
                admin,
                topic_id: topic.id,
                key: &key,
                replica: *replica,
            };
            let reading = reader.read(from, to);
            let records = reading
                .await
                .with_context(|| format!("{key} from broker {replica}"))?;
            let what = What::Scan {
                tp: spec.tp(partition.index),
                replica: *replica,
                from,
                to,
                records,
            };
            recorder.record(id, what);
        }
    }
    Ok(())
}

/// Log start and end of a partition, as its leader says.
async fn bounds(admin: &Admin, key: &TopicPartition) -> Result<(i64, i64)> {
    let mut found = [0, 0];
    for (at, spec) in [OffsetSpec::Earliest, OffsetSpec::Latest]
        .into_iter()
        .enumerate()
    {
        let asked = [(key.clone(), spec)];
        let mut answer = admin
            .list_offsets(&asked, IsolationLevel::ReadUncommitted)
            .await?;
        found[at] = answer.remove(key).context("no answer")??.offset;
    }
    Ok((found[0], found[1]))
}

/// The end of a partition, exclusive, as its leader says.
///
/// # Errors
/// The leader does not say.
pub async fn end_offset(admin: &Admin, key: &TopicPartition) -> Result<i64> {
    bounds(admin, key).await.map(|(_, end)| end)
}

struct ReplicaReader<'a> {
    admin: &'a Admin,
    topic_id: Uuid,
    key: &'a TopicPartition,
    replica: i32,
}

impl ReplicaReader<'_> {
    async fn read(&self, from: i64, to: i64) -> Result<Vec<Seen>> {
        let mut all = Vec::new();
        let mut next = from;
        let mut deadline = Instant::now() + FOLLOWER_WITHIN;
        while next < to {
            let data = self.fetch(next).await?;
            let before = next;
            match data.error_code {
                0 => {
                    for seen in seen_in(&data)? {
                        // A batch may begin before the offset that was asked for.
                        if seen.offset >= next && seen.offset < to {
                            all.push(seen);
                            next = seen.offset + 1;
                        }
                    }
                }
                // Not there yet: OFFSET_NOT_AVAILABLE, OFFSET_OUT_OF_RANGE of a follower that lags.
                78 | 1 => {}
                code => bail!("error {code} at {next}"),
            }
            if next > before {
                deadline = Instant::now() + FOLLOWER_WITHIN;
                continue;
            }
            let hw = data.high_watermark;
            ensure!(
                Instant::now() < deadline,
                "stays at {next} (high watermark {hw}), the end is {to}"
            );
            sleep(PAUSE).await;
        }
        Ok(all)
    }

    async fn fetch(&self, offset: i64) -> Result<PartitionData> {
        let request = FetchRequest {
            max_wait_ms: 100,
            min_bytes: 1,
            max_bytes: FETCH_BYTES,
            topics: vec![FetchTopic {
                topic: Str::from(&*self.key.topic),
                topic_id: self.topic_id,
                partitions: vec![FetchPartition {
                    partition: self.key.partition,
                    fetch_offset: offset,
                    current_leader_epoch: -1,
                    last_fetched_epoch: -1,
                    log_start_offset: -1,
                    partition_max_bytes: FETCH_BYTES,
                    ..FetchPartition::default()
                }],
            }],
            ..FetchRequest::default()
        };
        let response = self.admin.raw(Some(self.replica), &request).await?;
        ensure!(
            response.error_code == 0,
            "fetch: error {}",
            response.error_code
        );
        let mut partitions = response
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions);
        partitions.next().context("an answer without the partition")
    }
}

fn seen_in(data: &PartitionData) -> Result<Vec<Seen>> {
    let bytes: Bytes = data
        .records
        .as_ref()
        .map(|records| records.to_bytes())
        .unwrap_or_default();
    let mut all = Vec::new();
    for batch in split_batches(bytes) {
        // The last batch of an answer may be cut off.
        let Ok(batch) = batch else { break };
        batch.check_crc()?;
        if batch.header.is_control() {
            continue;
        }
        for record in batch.records(DECOMPRESSED_BYTES_MAX)? {
            let record = record?;
            all.push(Seen {
                offset: batch.header.base_offset + i64::from(record.offset_delta),
                epoch: batch.header.partition_leader_epoch.0,
                value: from_bytes(record.value.as_deref()),
            });
        }
    }
    Ok(all)
}
