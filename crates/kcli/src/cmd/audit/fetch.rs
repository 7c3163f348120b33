//! Batches of one replica by ordinary Fetch requests, as every Kafka broker answers them since 2.4, also
//! where it follows.

use client::{Admin, Error, Result};
use protocol::Str;
use protocol::frame;
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};
use protocol::records::{BatchHeader, verify_crc};
use rpc::audit::BatchSummary;
use types::{Offset, PartitionIndex};

/// The last version that names topics; followers answer since 11.
const VERSION: i16 = 12;
/// Record bytes of one answer; a batch that is larger comes alone.
const PIECE_BYTES: i32 = 4 << 20;

/// One replica of one partition.
#[derive(Debug, Clone)]
pub(super) struct Replica {
    pub(super) admin: Admin,
    pub(super) broker: i32,
    pub(super) topic: String,
    pub(super) partition: PartitionIndex,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) log_start_offset: Offset,
    pub(super) high_watermark: Offset,
}

impl Replica {
    /// Where it stands, asked at an offset that it should have.
    pub(super) async fn position(&self, at: Offset) -> Result<Position> {
        let answer = self.fetch(at, 1).await?;
        Ok(Position {
            log_start_offset: answer.log_start_offset,
            high_watermark: answer.high_watermark,
        })
    }

    /// The batches from the one that holds `from` on, as many as come at once. Nothing means that there
    /// is nothing below the high watermark.
    pub(super) async fn batches(&self, from: Offset) -> Result<Vec<BatchSummary>> {
        let answer = self.fetch(from, PIECE_BYTES).await?;
        let bytes = answer
            .records
            .map(|records| records.to_bytes())
            .unwrap_or_default();
        let mut batches = Vec::new();
        let mut rest: &[u8] = &bytes;
        while !rest.is_empty() {
            let Ok(header) = BatchHeader::parse(rest) else {
                // The last one may be cut short; it comes first next time.
                break;
            };
            let size = header.size_in_bytes();
            let Some((batch, behind)) = rest.split_at_checked(size) else {
                break;
            };
            batches.push(BatchSummary {
                base_offset: header.base_offset,
                last_offset: header.last_offset(),
                leader_epoch: header.partition_leader_epoch,
                crc: header.crc,
                size_bytes: u32::try_from(size).unwrap_or(u32::MAX),
                // All bytes are here, so this costs next to nothing.
                is_damaged: !verify_crc(batch),
            });
            rest = behind;
        }
        if batches.is_empty() && !bytes.is_empty() {
            return Err(Error::Malformed {
                what: format!(
                    "batch at offset {from} of {}-{}",
                    self.topic, self.partition
                ),
                reason: format!("{} bytes that are no whole batch", bytes.len()),
            });
        }
        Ok(batches)
    }

    async fn fetch(&self, offset: Offset, bytes: i32) -> Result<PartitionData> {
        let what = || {
            format!(
                "fetch {}-{} from broker {}",
                self.topic, self.partition, self.broker
            )
        };
        let request = FetchRequest {
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: bytes,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic: Str::from(self.topic.as_str()),
                partitions: vec![FetchPartition {
                    partition: self.partition,
                    fetch_offset: offset,
                    partition_max_bytes: bytes,
                    ..FetchPartition::default()
                }],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        let answer = self
            .admin
            .raw_bytes(Some(self.broker), &request, VERSION)
            .await?;
        let malformed = |reason: String| Error::Malformed {
            what: what(),
            reason,
        };
        let (_, response) = frame::decode_response::<FetchRequest>(answer, VERSION)
            .map_err(|error| malformed(error.to_string()))?;
        Error::check(response.error_code, None, what)?;
        let topic = response.responses.into_iter().next();
        let partition = topic.and_then(|topic| topic.partitions.into_iter().next());
        let partition =
            partition.ok_or_else(|| malformed("nothing of the partition".to_owned()))?;
        Error::check(partition.error_code, None, what)?;
        Ok(partition)
    }
}
