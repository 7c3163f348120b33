//! One log's settings, typed, with the unit in the name.

/// The part of a topic's configuration that storage acts on. `None` means "no limit" (Kafka's -1 or
/// `Long.MAX_VALUE`).
#[derive(Debug, Clone, PartialEq)]
pub struct LogConfig {
    /// `segment.bytes`: roll before a segment grows beyond this.
    pub segment_bytes: u64,
    /// `segment.ms`: roll when the newest record is this much newer than the segment's first.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: subtract up to this much from `segment_ms`, so that partitions created
    /// together do not roll together.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: roll when an index reaches this.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes`: one index entry for about this many bytes of log.
    pub index_interval_bytes: u64,
    /// `retention.ms`: delete segments whose newest record is older.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`: delete the oldest segments beyond this size.
    pub retention_bytes: Option<u64>,
    /// Whether `cleanup.policy` contains `delete`.
    pub delete: bool,
    /// Whether `cleanup.policy` contains `compact`.
    pub compact: bool,
    /// `min.cleanable.dirty.ratio`: compact when more than this share of the log is dirty.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: records younger than this are not compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: records older than this are compacted, however few there are.
    pub max_compaction_lag_ms: i64,
    /// `delete.retention.ms`: tombstones stay this long after the first compaction they take part in.
    pub delete_retention_ms: i64,
    /// `file.delete.delay.ms`: wait this long between renaming a file away and removing it.
    pub file_delete_delay_ms: i64,
    /// `producer.id.expiration.ms`: forget a producer that has been silent this long.
    pub producer_id_expiration_ms: i64,
    /// Verify the checksum of each batch that is read, unless this process has written or verified it and
    /// memory has held it since (`docs/adr/0008-checksums-of-reads.md`).
    pub verify_reads: bool,
}

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        const WEEK_MS: i64 = 7 * 24 * 3_600_000;
        Self {
            segment_bytes: 1 << 30,
            segment_ms: WEEK_MS,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: Some(WEEK_MS),
            retention_bytes: None,
            delete: true,
            compact: false,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_retention_ms: 24 * 3_600_000,
            file_delete_delay_ms: 60_000,
            producer_id_expiration_ms: 24 * 3_600_000,
            verify_reads: true,
        }
    }
}
