//! What a group chose for itself: configs of the resource GROUP, within the broker's limits.

use std::time::Duration;

use metadata::ResourceKind;

use crate::env::{Env, GroupId};
use crate::settings::Choice;

/// How long a member may be silent.
pub(crate) fn session_timeout(id: &GroupId, env: &Env<'_>) -> Duration {
    let choice = env.settings.consumer_session_timeout;
    choose(id, env, choice, "consumer.session.timeout.ms")
}

/// How often a member is to be heard of.
pub(crate) fn heartbeat_interval(id: &GroupId, env: &Env<'_>) -> Duration {
    let choice = env.settings.consumer_heartbeat_interval;
    choose(id, env, choice, "consumer.heartbeat.interval.ms")
}

/// How long one target assignment stands at least before the next is computed.
pub(crate) fn assignment_interval(id: &GroupId, env: &Env<'_>) -> Duration {
    let choice = env.settings.consumer_assignment_interval;
    choose(id, env, choice, "consumer.assignment.interval.ms")
}

fn choose(id: &GroupId, env: &Env<'_>, choice: Choice, key: &str) -> Duration {
    let value = env.image.config(ResourceKind::Group, id, key);
    choice.of(value
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_millis))
}
