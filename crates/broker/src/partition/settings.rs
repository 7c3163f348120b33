//! A topic's configuration, in the shapes that partitions need at every request.

use std::time::Duration;

use config::topic::{CompressionType, TimestampType, TopicConfig};
use protocol::records::{self, Compression, Rules, TopicCompression};
use storage::LogConfig;
use types::TimestampMs;

use super::sync::SyncRule;

/// The most that a batch may inflate to where records have to be looked at.
const DECOMPRESSED_BYTES_MAX: usize = 100 * 1024 * 1024;

/// A topic's configuration, worked out once per change and shared by its partitions.
#[derive(Clone, Debug)]
pub(crate) struct TopicSettings {
    pub(crate) config: TopicConfig,
    pub(crate) log: LogConfig,
    pub(super) sync: SyncRule,
    rules: Rules,
}

impl TopicSettings {
    /// `producer_id_expiration` is the broker's own setting.
    pub(crate) fn new(config: TopicConfig, producer_id_expiration: Duration) -> Self {
        Self {
            log: log_config(&config, producer_id_expiration),
            sync: SyncRule::new(config.flush_messages, config.flush_ms),
            rules: rules(&config),
            config,
        }
    }

    /// What a batch must satisfy now.
    pub(crate) fn rules(&self, is_zstd_allowed: bool, now_ms: TimestampMs) -> Rules {
        Rules {
            is_zstd_allowed,
            now_ms,
            ..self.rules.clone()
        }
    }

    /// Whether old records may be deleted at all, which a topic that is only compacted refuses.
    pub(crate) fn may_delete_records(&self) -> bool {
        self.config.cleanup_delete || !self.config.cleanup_compact
    }
}

fn log_config(config: &TopicConfig, producer_id_expiration: Duration) -> LogConfig {
    LogConfig {
        segment_bytes: unsigned(config.segment_bytes.into()),
        segment_ms: config.segment_ms,
        segment_jitter_ms: config.segment_jitter_ms,
        segment_index_bytes: unsigned(config.segment_index_bytes.into()),
        index_interval_bytes: unsigned(config.index_interval_bytes.into()),
        retention_ms: config.retention_ms,
        retention_bytes: config.retention_bytes.map(unsigned),
        delete: config.cleanup_delete,
        compact: config.cleanup_compact,
        min_cleanable_dirty_ratio: config.min_cleanable_dirty_ratio,
        min_compaction_lag_ms: config.min_compaction_lag_ms,
        max_compaction_lag_ms: config.max_compaction_lag_ms,
        delete_retention_ms: config.delete_retention_ms,
        file_delete_delay_ms: config.file_delete_delay_ms,
        producer_id_expiration_ms: i64::try_from(producer_id_expiration.as_millis())
            .unwrap_or(i64::MAX),
        ..LogConfig::default()
    }
}

fn rules(config: &TopicConfig) -> Rules {
    Rules {
        message_bytes_max: usize::try_from(config.max_message_bytes).unwrap_or(0),
        segment_bytes: usize::try_from(config.segment_bytes).unwrap_or(0),
        is_compacted: config.cleanup_compact,
        timestamp_type: match config.message_timestamp_type {
            TimestampType::CreateTime => records::TimestampType::CreateTime,
            TimestampType::LogAppendTime => records::TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: config.message_timestamp_before_max_ms,
        timestamp_after_max_ms: config.message_timestamp_after_max_ms,
        compression: match config.compression_type {
            CompressionType::Producer => TopicCompression::Producer,
            CompressionType::Uncompressed => TopicCompression::Fixed(Compression::None),
            CompressionType::Gzip => TopicCompression::Fixed(Compression::Gzip),
            CompressionType::Snappy => TopicCompression::Fixed(Compression::Snappy),
            CompressionType::Lz4 => TopicCompression::Fixed(Compression::Lz4),
            CompressionType::Zstd => TopicCompression::Fixed(Compression::Zstd),
        },
        is_zstd_allowed: true,
        is_full_validation: false,
        decompressed_bytes_max: DECOMPRESSED_BYTES_MAX,
        now_ms: 0,
    }
}

/// Sizes are never negative once validated.
fn unsigned(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}
