//! Settings of a consumer that belongs to a group, with Kafka's defaults.

use std::time::Duration;

use super::assignor::Assignor;

/// The protocol that a consumer and its coordinator speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// The members' leader assigns, and everybody stops or hands over at the same time.
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

/// Settings of a group's member. The doc of each field begins with Kafka's name of it.
#[derive(Debug, Clone)]
pub struct GroupConfig {
    /// `group.id`.
    pub group_id: String,
    /// `group.instance.id`: a member that keeps its partitions when it restarts within the session
    /// timeout. Unique within the group.
    pub instance_id: Option<String>,
    /// `group.protocol`.
    pub protocol: GroupProtocol,
    /// `partition.assignment.strategy`, best first. Classic protocol only; members hand partitions
    /// over one by one if all of these can.
    pub assignors: Vec<Assignor>,
    /// `group.remote.assignor`: `uniform` or `range`, or the coordinator's choice. Consumer protocol
    /// only.
    pub remote_assignor: Option<String>,
    /// `session.timeout.ms`: silent for so long, a member has left. Classic protocol only: the
    /// coordinator sets it in the other.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`. Classic protocol only.
    pub heartbeat_interval: Duration,
    /// `max.poll.interval.ms`: an application that has not come back for more after this time is
    /// stuck, and leaves the group. Also how long the others wait for it in a rebalance.
    pub poll_interval_max: Duration,
    /// `enable.auto.commit`.
    pub is_auto_commit: bool,
    /// `auto.commit.interval.ms`.
    pub auto_commit_interval: Duration,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            instance_id: None,
            protocol: GroupProtocol::Classic,
            assignors: vec![Assignor::Range, Assignor::CooperativeSticky],
            remote_assignor: None,
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            poll_interval_max: Duration::from_secs(300),
            is_auto_commit: true,
            auto_commit_interval: Duration::from_secs(5),
        }
    }
}

impl GroupConfig {
    /// Whether a rebalance leaves members what they have until something of it shall move.
    pub(crate) fn is_cooperative(&self) -> bool {
        self.assignors
            .iter()
            .all(|assignor| assignor.is_cooperative())
    }
}
