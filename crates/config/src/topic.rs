//! A topic's configuration, typed.

use crate::invalid::Invalid;
use crate::key::{Key, Scope};
use crate::layers::Layers;
use crate::table;
use crate::value::Value;

/// Which codec the leader stores batches in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// Not compressed.
    Uncompressed,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

/// Whose clock a record's timestamp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The leader's, at append.
    LogAppendTime,
}

/// Everything that can be configured on a topic. Fields are named like their keys.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy` has `delete`: old segments go by time and size.
    pub cleanup_delete: bool,
    /// `cleanup.policy` has `compact`: the last record of each key stays.
    pub cleanup_compact: bool,
    /// The codec batches are stored in.
    pub compression_type: CompressionType,
    /// 1 to 9, or -1 for the codec's own choice.
    pub compression_gzip_level: i32,
    /// 1 to 17.
    pub compression_lz4_level: i32,
    /// -131072 to 22.
    pub compression_zstd_level: i32,
    /// How long tombstones stay after compaction.
    pub delete_retention_ms: i64,
    /// How long a removed segment's files stay on disk.
    pub file_delete_delay_ms: i64,
    /// Records between two forced flushes.
    pub flush_messages: i64,
    /// Time between two forced flushes.
    pub flush_ms: i64,
    /// Bytes of log between two index entries.
    pub index_interval_bytes: i32,
    /// A record is compacted at the latest after this time.
    pub max_compaction_lag_ms: i64,
    /// The largest batch, compressed, header included.
    pub max_message_bytes: i32,
    /// How far a record's timestamp may be ahead of the leader's clock.
    pub message_timestamp_after_max_ms: i64,
    /// How far a record's timestamp may be behind the leader's clock.
    pub message_timestamp_before_max_ms: i64,
    /// Whose clock stamps records.
    pub message_timestamp_type: TimestampType,
    /// Share of the log not yet compacted at which compaction starts.
    pub min_cleanable_dirty_ratio: f64,
    /// A record stays uncompacted for at least this time.
    pub min_compaction_lag_ms: i64,
    /// `min.insync.replicas` as set; see [`TopicConfig::min_insync_replicas`] for what holds.
    pub min_insync_replicas_set: Option<i32>,
    /// Whether segment files take their full size when created.
    pub preallocate: bool,
    /// Size above which old segments go; `None` without a limit.
    pub retention_bytes: Option<i64>,
    /// Age above which old segments go; `None` without a limit.
    pub retention_ms: Option<i64>,
    /// Size at which a segment is rolled.
    pub segment_bytes: i32,
    /// Size of a segment's index files.
    pub segment_index_bytes: i32,
    /// Up to this much is taken off `segment_ms` at random, so that segments do not roll together.
    pub segment_jitter_ms: i64,
    /// Age at which a segment is rolled.
    pub segment_ms: i64,
    /// Whether a replica outside the ISR may lead, losing records, when no other is left.
    pub unclean_leader_election_enable: bool,
}

impl TopicConfig {
    /// How many replicas must be in sync for `acks=all`. Unset means half the replication factor,
    /// rounded up, which is more careful than Kafka's 1; a value above the replication factor
    /// counts as the replication factor.
    #[must_use]
    pub fn min_insync_replicas(&self, replication_factor: i32) -> i32 {
        let factor = replication_factor.max(1);
        self.min_insync_replicas_set
            .unwrap_or_else(|| default_min_insync_replicas(factor))
            .clamp(1, factor)
    }
}

/// What `min.insync.replicas` is for that many replicas when nobody set it.
#[must_use]
pub fn default_min_insync_replicas(replication_factor: i32) -> i32 {
    replication_factor.max(1).saturating_add(1) / 2
}

/// The configuration that holds for a topic with these layers.
#[must_use]
pub fn effective(layers: &Layers<'_>) -> TopicConfig {
    let read = Reader { layers };
    let cleanup = read.list("cleanup.policy");
    let has_policy = |policy: &str| cleanup.iter().any(|item| item == policy);
    TopicConfig {
        cleanup_delete: has_policy("delete"),
        cleanup_compact: has_policy("compact"),
        compression_type: compression_type(&read.text("compression.type")),
        compression_gzip_level: read.int("compression.gzip.level"),
        compression_lz4_level: read.int("compression.lz4.level"),
        compression_zstd_level: read.int("compression.zstd.level"),
        delete_retention_ms: read.long("delete.retention.ms"),
        file_delete_delay_ms: read.long("file.delete.delay.ms"),
        flush_messages: read.long("flush.messages"),
        flush_ms: read.long("flush.ms"),
        index_interval_bytes: read.int("index.interval.bytes"),
        max_compaction_lag_ms: read.long("max.compaction.lag.ms"),
        max_message_bytes: read.int("max.message.bytes"),
        message_timestamp_after_max_ms: read.long("message.timestamp.after.max.ms"),
        message_timestamp_before_max_ms: read.long("message.timestamp.before.max.ms"),
        message_timestamp_type: timestamp_type(&read.text("message.timestamp.type")),
        min_cleanable_dirty_ratio: read.double("min.cleanable.dirty.ratio"),
        min_compaction_lag_ms: read.long("min.compaction.lag.ms"),
        min_insync_replicas_set: read.int_if_set("min.insync.replicas"),
        preallocate: read.boolean("preallocate"),
        retention_bytes: limit(read.long("retention.bytes")),
        retention_ms: limit(read.long("retention.ms")),
        segment_bytes: read.segment_bytes(),
        segment_index_bytes: read.int("segment.index.bytes"),
        segment_jitter_ms: read.long("segment.jitter.ms"),
        segment_ms: read.long("segment.ms"),
        unclean_leader_election_enable: read.boolean("unclean.leader.election.enable"),
    }
}

/// Checks all overrides of one topic together.
///
/// # Errors
/// A key is unknown, a value is not one of its values, or two contradict each other.
pub fn check<'a>(overrides: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), Invalid> {
    let mut min_lag = None;
    let mut max_lag = None;
    for (name, text) in overrides {
        match (name, crate::validate(Scope::Topic, name, text)?) {
            ("min.compaction.lag.ms", Value::Whole(ms)) => min_lag = Some(ms),
            ("max.compaction.lag.ms", Value::Whole(ms)) => max_lag = Some(ms),
            ("remote.storage.enable", Value::Boolean(true)) => {
                return Err(Invalid::Conflict(NO_TIERED_STORAGE.to_owned()));
            }
            _ => {}
        }
    }
    match (min_lag, max_lag) {
        (Some(min), Some(max)) if min > max => Err(Invalid::Conflict(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > \
             max.compaction.lag.ms ({max})"
        ))),
        _ => Ok(()),
    }
}

const NO_TIERED_STORAGE: &str = "Tiered Storage functionality is disabled in the broker. \
     Topic cannot be configured with remote log storage.";

/// Reads topic keys through the layers.
struct Reader<'r, 'a> {
    layers: &'r Layers<'a>,
}

impl Reader<'_, '_> {
    fn key(name: &str) -> &'static Key {
        table::key(Scope::Topic, name).expect("a topic key named in this file is in the table")
    }

    fn value(&self, name: &str) -> Value {
        let key = Self::key(name);
        if let Some((value, _)) = self.layers.set_value(Scope::Topic, key) {
            return value;
        }
        let default = key.default_text().unwrap_or_default();
        Value::parse(key.kind(), default).expect("a default is of its key's type")
    }

    fn long(&self, name: &str) -> i64 {
        match self.value(name) {
            Value::Whole(n) => n,
            other => unreachable!("{name} is a whole number, not {other:?}"),
        }
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.long(name)).expect("an int key holds 32 bits")
    }

    fn int_if_set(&self, name: &str) -> Option<i32> {
        match self.layers.set_value(Scope::Topic, Self::key(name)) {
            Some((Value::Whole(n), _)) => i32::try_from(n).ok(),
            _ => None,
        }
    }

    /// `internal.segment.bytes` lets tests roll segments smaller than operators may.
    fn segment_bytes(&self) -> i32 {
        self.int_if_set("internal.segment.bytes")
            .unwrap_or_else(|| self.int("segment.bytes"))
    }

    fn double(&self, name: &str) -> f64 {
        match self.value(name) {
            Value::Fraction(x) => x,
            other => unreachable!("{name} is a fraction, not {other:?}"),
        }
    }

    fn boolean(&self, name: &str) -> bool {
        match self.value(name) {
            Value::Boolean(yes) => yes,
            other => unreachable!("{name} is a boolean, not {other:?}"),
        }
    }

    fn text(&self, name: &str) -> String {
        match self.value(name) {
            Value::Text(text) => text,
            other => unreachable!("{name} is a text, not {other:?}"),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Value::List(items) => items,
            other => unreachable!("{name} is a list, not {other:?}"),
        }
    }
}

fn limit(n: i64) -> Option<i64> {
    (n >= 0).then_some(n)
}

fn compression_type(text: &str) -> CompressionType {
    match text {
        "uncompressed" => CompressionType::Uncompressed,
        "gzip" => CompressionType::Gzip,
        "snappy" => CompressionType::Snappy,
        "lz4" => CompressionType::Lz4,
        "zstd" => CompressionType::Zstd,
        _ => CompressionType::Producer,
    }
}

fn timestamp_type(text: &str) -> TimestampType {
    match text {
        "LogAppendTime" => TimestampType::LogAppendTime,
        _ => TimestampType::CreateTime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Source;

    fn layered(topic: &str, broker: &str, cluster: &str, file: &str) -> (TopicConfig, Vec<Source>) {
        let read = |text: &str| crate::Properties::parse(text).expect("a properties text");
        let (topic, broker, cluster, file) = (read(topic), read(broker), read(cluster), read(file));
        let layers = Layers {
            resource: Some(&|name| topic.get(name)),
            broker: Some(&|name| broker.get(name)),
            cluster: Some(&|name| cluster.get(name)),
            file: Some(&|name| file.get(name)),
        };
        let retention = crate::describe::topic(&layers, 1)
            .into_iter()
            .find(|entry| entry.name == "retention.ms")
            .expect("retention.ms is described");
        let sources = retention.synonyms.iter().map(|it| it.source).collect();
        (effective(&layers), sources)
    }

    #[test]
    fn without_overrides_kafkas_defaults_hold() {
        let config = effective(&Layers::default());
        assert_eq!(config.retention_ms, Some(7 * 24 * 3_600_000));
        assert_eq!(config.retention_bytes, None);
        assert_eq!(config.segment_bytes, 1 << 30);
        assert_eq!(config.max_message_bytes, 1_048_588);
        assert!(config.cleanup_delete && !config.cleanup_compact);
        assert_eq!(config.compression_type, CompressionType::Producer);
        assert_eq!(config.message_timestamp_type, TimestampType::CreateTime);
    }

    #[test]
    fn the_nearest_place_wins_and_every_place_is_told() {
        let (config, sources) = layered(
            "retention.ms=5",
            "log.retention.ms=6",
            "log.retention.ms=7",
            "log.retention.minutes=8",
        );
        assert_eq!(config.retention_ms, Some(5));
        use Source::{Broker, Cluster, Default, File, Topic};
        assert_eq!(sources, [Topic, Broker, Cluster, File, Default]);
        let (config, _) = layered("", "", "log.retention.ms=7", "log.retention.ms=6");
        assert_eq!(config.retention_ms, Some(7));
    }

    #[test]
    fn retention_in_minutes_and_hours_is_turned_into_milliseconds() {
        let retention = |file| layered("", "", "", file).0.retention_ms;
        assert_eq!(retention("log.retention.hours=2"), Some(7_200_000));
        assert_eq!(
            retention("log.retention.hours=2\nlog.retention.minutes=3"),
            Some(180_000)
        );
        assert_eq!(
            retention("log.retention.minutes=3\nlog.retention.ms=4"),
            Some(4)
        );
        assert_eq!(retention("log.retention.hours=-1"), None);
        assert_eq!(
            layered("", "", "", "log.roll.hours=1").0.segment_ms,
            3_600_000
        );
    }

    #[test]
    fn unset_min_insync_replicas_is_half_the_replicas_rounded_up() {
        let config = effective(&Layers::default());
        let unset: Vec<i32> = (1..=6)
            .map(|factor| config.min_insync_replicas(factor))
            .collect();
        assert_eq!(unset, [1, 1, 2, 2, 3, 3]);
        let (config, _) = layered("min.insync.replicas=2", "", "", "");
        assert_eq!(config.min_insync_replicas(1), 1);
        assert_eq!(config.min_insync_replicas(3), 2);
    }

    #[test]
    fn overrides_are_refused_in_kafkas_words() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (
                &[("retention.ms", "abc")],
                "Invalid value abc for configuration retention.ms: Not a number of type LONG",
            ),
            (
                &[("retention.ms", "-2")],
                "Invalid value -2 for configuration retention.ms: Value must be at least -1",
            ),
            (
                &[("cleanup.policy", "foo")],
                "Invalid value foo for configuration cleanup.policy: String must be one of: \
                 compact, delete",
            ),
            (
                &[("compression.gzip.level", "0")],
                "Invalid value 0 for configuration compression.gzip.level: Value must be between \
                 1 and 9 or equal to -1",
            ),
            (
                &[("preallocate", "yes")],
                "Invalid value yes for configuration preallocate: Expected value to be either \
                 true or false",
            ),
            (
                &[("segment.bytes", "2147483648")],
                "Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT",
            ),
            (&[("no.such", "1")], "Unknown topic config name: no.such"),
            (
                &[("retension.ms", "1")],
                "Unknown topic config name: retension.ms (did you mean retention.ms?)",
            ),
            (
                &[
                    ("min.compaction.lag.ms", "9"),
                    ("max.compaction.lag.ms", "8"),
                ],
                "conflict topic config setting min.compaction.lag.ms (9) > \
                 max.compaction.lag.ms (8)",
            ),
            (&[("remote.storage.enable", "true")], NO_TIERED_STORAGE),
        ];
        for (overrides, message) in cases {
            let refusal = check(overrides.iter().copied()).expect_err(message);
            assert_eq!(refusal.to_string(), *message);
        }
        let fine = [
            ("retention.ms", " 7 "),
            ("cleanup.policy", "compact,delete"),
        ];
        assert_eq!(check(fine), Ok(()));
    }
}
