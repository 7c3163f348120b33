//! The broker's configuration as the groups see it.

use std::time::Duration;

use ::coordinator::{Choice, MigrationPolicy, Settings};
use config::server::ServerConfig;
use metadata::{Delta, MetadataImage, ResourceKind};

use super::OFFSETS_TOPIC;
use crate::state::Core;

const ASSIGNMENT_INTERVAL: &str = "group.consumer.assignment.interval.ms";

/// Whether what holds may be different after these changes.
pub(super) fn are_concerned(delta: &Delta) -> bool {
    delta.configs.keys().any(|resource| match resource.kind {
        ResourceKind::Broker => true,
        ResourceKind::Topic => *resource.name == *OFFSETS_TOPIC,
        _ => false,
    })
}

/// What holds with this image.
pub(super) fn of(core: &Core, image: &MetadataImage) -> Settings {
    let mut settings = of_file(&core.config);
    // A batch has to fit into a segment, and an operator may have made those small.
    let segment_bytes = count(core.topic_config(image, OFFSETS_TOPIC).segment_bytes);
    settings.batch_bytes_max = settings.batch_bytes_max.min(segment_bytes);
    // The only key that changes while the broker runs, for all brokers at once.
    let dynamic = image.config(ResourceKind::Broker, "", ASSIGNMENT_INTERVAL);
    if let Some(ms) = dynamic.and_then(|text| text.trim().parse().ok()) {
        settings.consumer_assignment_interval.default = Duration::from_millis(ms);
    }
    settings
}

/// What the node's own file says.
pub(super) fn of_file(config: &ServerConfig) -> Settings {
    let (groups, offsets) = (&config.groups, &config.offsets);
    let minutes = u64::try_from(offsets.offsets_retention_minutes).unwrap_or_default();
    Settings {
        min_session_timeout: groups.group_min_session_timeout,
        max_session_timeout: groups.group_max_session_timeout,
        initial_rebalance_delay: groups.group_initial_rebalance_delay,
        max_size: count(groups.group_max_size),
        consumer_max_size: count(groups.group_consumer_max_size),
        consumer_session_timeout: Choice {
            default: groups.group_consumer_session_timeout,
            min: groups.group_consumer_min_session_timeout,
            max: groups.group_consumer_max_session_timeout,
        },
        consumer_heartbeat_interval: Choice {
            default: groups.group_consumer_heartbeat_interval,
            min: groups.group_consumer_min_heartbeat_interval,
            max: groups.group_consumer_max_heartbeat_interval,
        },
        consumer_assignment_interval: Choice {
            default: groups.group_consumer_assignment_interval,
            min: groups.group_consumer_min_assignment_interval,
            max: groups.group_consumer_max_assignment_interval,
        },
        consumer_regex_refresh_interval: groups.group_consumer_regex_refresh_interval,
        consumer_assignors: groups.group_consumer_assignors.clone(),
        consumer_migration: migration(groups.group_consumer_migration_policy.as_deref()),
        offset_metadata_max_bytes: count(offsets.offset_metadata_max_bytes),
        commit_timeout: offsets.offsets_commit_timeout,
        offsets_retention: Duration::from_secs(minutes.saturating_mul(60)),
        offsets_retention_check_interval: offsets.offsets_retention_check_interval,
        ..Settings::default()
    }
}

fn migration(policy: Option<&str>) -> MigrationPolicy {
    let is = |name: &str| policy.is_some_and(|policy| policy.eq_ignore_ascii_case(name));
    let both = is("bidirectional");
    MigrationPolicy {
        upgrade: both || is("upgrade"),
        downgrade: both || is("downgrade"),
    }
}

fn count(value: i32) -> usize {
    usize::try_from(value).unwrap_or_default()
}
