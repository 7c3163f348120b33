//! A member: what it said of itself, and how far its partitions have come.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::Str;
use protocol::data::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentValue;
use protocol::data::consumer_group_member_metadata::{
    ClassicMemberMetadata, ClassicProtocol, ConsumerGroupMemberMetadataValue,
};

use super::owned::Owned;

/// The epoch of a static member that left and is expected back.
pub(crate) const LEFT_FOR_NOW: i32 = -2;
/// The epoch of a member that is gone.
pub(crate) const LEFT: i32 = -1;

/// A member of a consumer group. Hard state: exactly what the log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    /// Changes seldom; shared so that a changed epoch does not copy it.
    pub(crate) about: Arc<About>,
    pub(crate) current: Current,
}

/// What a member said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) rack_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) topic_names: BTreeSet<Arc<str>>,
    /// As it was given; use [`About::regex`] to know whether there is one.
    pub(crate) topic_regex: Option<Arc<str>>,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) server_assignor: Option<Arc<str>>,
    /// Of a member that speaks the classic protocol in a consumer group.
    pub(crate) classic: Option<Classic>,
}

/// What a classic member said when it joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classic {
    pub(crate) session_timeout_ms: i32,
    /// Names with the embedded subscriptions, the preferred one first.
    pub(crate) protocols: Vec<(Arc<str>, Bytes)>,
}

/// How far a member's partitions have come towards its target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Current {
    /// What its next heartbeat is expected to say.
    pub(crate) epoch: i32,
    /// What it may say if it never heard of `epoch`.
    pub(crate) previous_epoch: i32,
    pub(crate) state: State,
    /// What it may read.
    pub(crate) assigned: Owned,
    /// What it had, and has to say that it gave up.
    pub(crate) revoking: Owned,
}

/// Where a member stands, under Kafka's numbers.
///
/// ```text
///            target moved on, nothing to give up
///          ┌──────────────────────────────┐
///          │                              ▼
///       Stable ──▶ Unrevoked ──▶ Unreleased ──▶ Stable
///             must give up    others have not given up yet what it is to get
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It has what it is to have at its epoch.
    #[default]
    Stable,
    /// It was told to give up partitions and has not said that it did.
    Unrevoked,
    /// It waits for partitions that others have still to give up.
    Unreleased,
    /// Written by a version that knows more states than this one.
    Unknown,
}

impl State {
    pub(crate) const fn to_wire(self) -> i8 {
        match self {
            Self::Stable => 0,
            Self::Unrevoked => 1,
            Self::Unreleased => 2,
            Self::Unknown => 127,
        }
    }

    pub(crate) const fn from_wire(number: i8) -> Self {
        match number {
            0 => Self::Stable,
            1 => Self::Unrevoked,
            2 => Self::Unreleased,
            _ => Self::Unknown,
        }
    }
}

impl Default for About {
    fn default() -> Self {
        Self {
            instance_id: None,
            rack_id: None,
            client_id: Arc::from(""),
            client_host: Arc::from(""),
            topic_names: BTreeSet::new(),
            topic_regex: Some(Arc::from("")),
            rebalance_timeout_ms: -1,
            server_assignor: None,
            classic: None,
        }
    }
}

impl About {
    /// The regular expression it subscribed, if any.
    pub(crate) fn regex(&self) -> Option<&Arc<str>> {
        self.topic_regex.as_ref().filter(|regex| !regex.is_empty())
    }

    pub(crate) const fn is_classic(&self) -> bool {
        self.classic.is_some()
    }

    pub(crate) fn rebalance_timeout(&self) -> Duration {
        millis(self.rebalance_timeout_ms)
    }

    pub(crate) fn from_record(value: &ConsumerGroupMemberMetadataValue) -> Self {
        Self {
            instance_id: value.instance_id.as_ref().map(own),
            rack_id: value.rack_id.as_ref().map(own),
            client_id: own(&value.client_id),
            client_host: own(&value.client_host),
            topic_names: value.subscribed_topic_names.iter().map(own).collect(),
            topic_regex: value.subscribed_topic_regex.as_ref().map(own),
            rebalance_timeout_ms: value.rebalance_timeout_ms,
            server_assignor: value.server_assignor.as_ref().map(own),
            classic: value
                .classic_member_metadata
                .as_ref()
                .map(Classic::from_record),
        }
    }

    pub(crate) fn to_record(&self) -> ConsumerGroupMemberMetadataValue {
        ConsumerGroupMemberMetadataValue {
            instance_id: self.instance_id.as_ref().map(word),
            rack_id: self.rack_id.as_ref().map(word),
            client_id: word(&self.client_id),
            client_host: word(&self.client_host),
            subscribed_topic_names: self.topic_names.iter().map(word).collect(),
            subscribed_topic_regex: self.topic_regex.as_ref().map(word),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            server_assignor: self.server_assignor.as_ref().map(word),
            classic_member_metadata: self.classic.as_ref().map(Classic::to_record),
        }
    }
}

impl Classic {
    pub(crate) fn session_timeout(&self) -> Duration {
        millis(self.session_timeout_ms)
    }

    fn from_record(value: &ClassicMemberMetadata) -> Self {
        let protocols = value.supported_protocols.iter();
        Self {
            session_timeout_ms: value.session_timeout_ms,
            protocols: protocols
                // A slice of the log would keep the whole batch in memory.
                .map(|p| (own(&p.name), Bytes::copy_from_slice(&p.metadata)))
                .collect(),
        }
    }

    fn to_record(&self) -> ClassicMemberMetadata {
        let protocols = self.protocols.iter();
        ClassicMemberMetadata {
            session_timeout_ms: self.session_timeout_ms,
            supported_protocols: protocols
                .map(|(name, metadata)| ClassicProtocol {
                    name: word(name),
                    metadata: metadata.clone(),
                })
                .collect(),
        }
    }
}

impl Current {
    /// Whether there is nothing left to do until the target moves on.
    pub(crate) fn is_reconciled_to(&self, target_epoch: i32) -> bool {
        self.state == State::Stable && self.epoch == target_epoch
    }

    pub(crate) fn from_record(value: &ConsumerGroupCurrentMemberAssignmentValue) -> Self {
        let owned = |topics| Owned::from_record(topics, value.member_epoch);
        Self {
            epoch: value.member_epoch,
            previous_epoch: value.previous_member_epoch,
            state: State::from_wire(value.state),
            assigned: owned(&value.assigned_partitions),
            revoking: owned(&value.partitions_pending_revocation),
        }
    }

    pub(crate) fn to_record(&self) -> ConsumerGroupCurrentMemberAssignmentValue {
        ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: self.epoch,
            previous_member_epoch: self.previous_epoch,
            state: self.state.to_wire(),
            assigned_partitions: self.assigned.to_record(),
            partitions_pending_revocation: self.revoking.to_record(),
        }
    }
}

/// A name that does not keep the request it came in.
pub(crate) fn own(name: &Str) -> Arc<str> {
    Arc::from(&**name)
}

/// A name for the wire.
pub(crate) fn word(name: &Arc<str>) -> Str {
    Str::from(&**name)
}

/// Milliseconds of the wire, nothing for negative ones.
pub(crate) fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
