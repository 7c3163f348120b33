//! The broker's configuration, as far as groups care. Names are those of Kafka's keys.

use std::time::Duration;

/// Which online migrations between the two protocols are allowed (`group.consumer.migration.policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationPolicy {
    /// Classic groups may become consumer groups.
    pub upgrade: bool,
    /// Consumer groups may become classic groups.
    pub downgrade: bool,
}

/// Limits of a value that groups may choose, and what they get if they do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Without a choice of the group's own.
    pub default: Duration,
    /// Smaller choices are raised to it.
    pub min: Duration,
    /// Larger choices are lowered to it.
    pub max: Duration,
}

impl Choice {
    /// The value that holds for a group that chose `chosen`.
    #[must_use]
    pub fn of(&self, chosen: Option<Duration>) -> Duration {
        match chosen {
            Some(chosen) => chosen.max(self.min).min(self.max),
            None => self.default,
        }
    }
}

/// Configuration of all groups of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout: Duration,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay: Duration,
    /// `group.max.size`: members of a classic group, those that are about to join included.
    pub max_size: usize,
    /// `group.consumer.max.size`.
    pub consumer_max_size: usize,
    /// `group.consumer.session.timeout.ms` with its limits.
    pub consumer_session_timeout: Choice,
    /// `group.consumer.heartbeat.interval.ms` with its limits.
    pub consumer_heartbeat_interval: Choice,
    /// `group.consumer.assignment.interval.ms` with its limits.
    pub consumer_assignment_interval: Choice,
    /// `group.consumer.regex.refresh.interval.ms`.
    pub consumer_regex_refresh_interval: Duration,
    /// `group.consumer.assignors`, the first of which is the default.
    pub consumer_assignors: Vec<String>,
    /// `group.consumer.migration.policy`.
    pub consumer_migration: MigrationPolicy,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.commit.timeout.ms`: how long an answer waits for the high watermark.
    pub commit_timeout: Duration,
    /// `offsets.retention.minutes`.
    pub offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval: Duration,
    /// Largest batch, in bytes, that one step may write. Larger ones are refused before they are decided.
    pub batch_bytes_max: usize,
}

impl Default for Settings {
    /// Kafka's defaults.
    fn default() -> Self {
        let choice = |default, min, max| Choice {
            default: Duration::from_millis(default),
            min: Duration::from_millis(min),
            max: Duration::from_millis(max),
        };
        Self {
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_mins(30),
            initial_rebalance_delay: Duration::from_secs(3),
            max_size: i32::MAX as usize,
            consumer_max_size: i32::MAX as usize,
            consumer_session_timeout: choice(45_000, 45_000, 60_000),
            consumer_heartbeat_interval: choice(5_000, 5_000, 15_000),
            consumer_assignment_interval: choice(1_000, 0, 15_000),
            consumer_regex_refresh_interval: Duration::from_mins(10),
            consumer_assignors: vec!["uniform".to_owned(), "range".to_owned()],
            consumer_migration: MigrationPolicy {
                upgrade: true,
                downgrade: true,
            },
            offset_metadata_max_bytes: 4096,
            commit_timeout: Duration::from_secs(5),
            offsets_retention: Duration::from_hours(24 * 7),
            offsets_retention_check_interval: Duration::from_mins(10),
            batch_bytes_max: 16 * 1024 * 1024,
        }
    }
}
