//! One member, as it described itself when it joined.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::data::group_metadata::MemberMetadata;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};

use crate::classic::migrate::PortraitMember;
use crate::env::{Caller, Token};

/// A member's id, owned: a string of a request would keep the whole request in memory.
pub(in crate::classic) type MemberId = Arc<str>;

/// A way of assigning partitions that a member knows, and what it has to say to who assigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::classic) struct Protocol {
    pub(in crate::classic) name: Arc<str>,
    pub(in crate::classic) metadata: Bytes,
}

/// Which request of a member is unanswered. It never is more than one: a newer one takes its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::classic) enum Waiting {
    #[default]
    Nothing,
    /// A `JoinGroup`, until the barrier opens.
    Join(Token),
    /// A `SyncGroup`, until the leader has assigned.
    Sync(Token),
}

/// A member of a classic group.
#[derive(Clone, Debug)]
pub(in crate::classic) struct Member {
    pub(in crate::classic) id: MemberId,
    /// Static members have one, and keep it when they return under another member id (KIP-345).
    pub(in crate::classic) instance_id: Option<Arc<str>>,
    pub(in crate::classic) client_id: Arc<str>,
    pub(in crate::classic) client_host: Arc<str>,
    pub(in crate::classic) session_timeout: Duration,
    /// How long the others wait for it to join again.
    pub(in crate::classic) rebalance_timeout: Duration,
    /// In the order it prefers them, each name once.
    pub(super) protocols: Vec<Protocol>,
    /// What the leader gave it, empty before.
    pub(in crate::classic) assignment: Bytes,
    pub(super) waiting: Waiting,
    /// It never got the answer to its first join: it cannot heartbeat, and nobody knows whether it waits.
    pub(in crate::classic) is_new: bool,
}

impl Member {
    /// A member as its `JoinGroup` describes it.
    pub(in crate::classic) fn joining(
        id: MemberId,
        caller: &Caller,
        request: &JoinGroupRequest,
    ) -> Self {
        Self {
            id,
            instance_id: request.group_instance_id.as_deref().map(Arc::from),
            client_id: Arc::from(&*caller.client_id),
            client_host: Arc::from(&*caller.client_host),
            session_timeout: from_ms(request.session_timeout_ms),
            rebalance_timeout: from_ms(request.rebalance_timeout_ms),
            protocols: owned(&request.protocols),
            assignment: Bytes::new(),
            waiting: Waiting::Nothing,
            is_new: true,
        }
    }

    /// A member as the log knows it: with the one protocol that was chosen.
    pub(in crate::classic) fn stored(stored: &MemberMetadata, protocol: &str) -> Self {
        let session_timeout = from_ms(stored.session_timeout);
        let rebalance_timeout = match stored.rebalance_timeout {
            // Written by versions of Kafka that knew no rebalance timeout.
            -1 => session_timeout,
            ms => from_ms(ms),
        };
        Self {
            id: Arc::from(&*stored.member_id),
            instance_id: stored.group_instance_id.as_deref().map(Arc::from),
            client_id: Arc::from(&*stored.client_id),
            client_host: Arc::from(&*stored.client_host),
            session_timeout,
            rebalance_timeout,
            protocols: vec![Protocol {
                name: Arc::from(protocol),
                metadata: Bytes::copy_from_slice(&stored.subscription),
            }],
            assignment: Bytes::copy_from_slice(&stored.assignment),
            waiting: Waiting::Nothing,
            is_new: false,
        }
    }

    /// In the order of the member's preference, each name once.
    pub(in crate::classic) fn protocols(&self) -> &[Protocol] {
        &self.protocols
    }

    /// What it says to who assigns by that protocol; empty if it does not know the protocol.
    pub(in crate::classic) fn metadata(&self, protocol: &str) -> Bytes {
        let known = self.protocols.iter().find(|it| &*it.name == protocol);
        known.map_or_else(Bytes::new, |it| it.metadata.clone())
    }

    /// Whether the request offers the same protocols with the same metadata in the same order.
    pub(in crate::classic) fn offers(&self, protocols: &[JoinGroupRequestProtocol]) -> bool {
        self.protocols.len() == protocols.len()
            && self.protocols.iter().zip(protocols).all(|(mine, theirs)| {
                *mine.name == *theirs.name && mine.metadata == theirs.metadata
            })
    }

    /// The first protocol of its own that all members know.
    pub(super) fn vote(&self, is_common: impl Fn(&str) -> bool) -> Option<&Arc<str>> {
        let names = self.protocols.iter().map(|it| &it.name);
        names.into_iter().find(|name| is_common(name))
    }

    pub(in crate::classic) fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    pub(in crate::classic) fn waiting(&self) -> Waiting {
        self.waiting
    }

    pub(in crate::classic) fn waits_to_join(&self) -> bool {
        matches!(self.waiting, Waiting::Join(_))
    }

    /// Whether silence says nothing about it: it waits for our answer, and cannot heartbeat meanwhile.
    /// Not so for one that never got an answer, or joins of clients that gave up would pile up.
    pub(in crate::classic) fn may_be_silent(&self) -> bool {
        !self.is_new && self.waiting != Waiting::Nothing
    }
}

/// Copies what the group keeps, so that the request can be freed. Of a name said twice, the first counts.
pub(super) fn owned(protocols: &[JoinGroupRequestProtocol]) -> Vec<Protocol> {
    let mut seen = HashSet::new();
    let first = protocols.iter().filter(|it| seen.insert(&*it.name));
    first
        .map(|it| Protocol {
            name: Arc::from(&*it.name),
            metadata: Bytes::copy_from_slice(&it.metadata),
        })
        .collect()
}

/// Negative times are none at all.
pub(in crate::classic) fn from_ms(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

pub(in crate::classic) fn to_ms(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

impl Member {
    /// The member without what waits.
    pub(in crate::classic) fn portrait(&self) -> PortraitMember {
        let protocols = self.protocols.iter();
        PortraitMember {
            id: Arc::clone(&self.id),
            instance_id: self.instance_id.clone(),
            client_id: Arc::clone(&self.client_id),
            client_host: Arc::clone(&self.client_host),
            rebalance_timeout_ms: to_ms(self.rebalance_timeout),
            session_timeout_ms: to_ms(self.session_timeout),
            protocols: protocols
                .map(|it| (Arc::clone(&it.name), it.metadata.clone()))
                .collect(),
            assignment: self.assignment.clone(),
        }
    }
}

impl From<PortraitMember> for Member {
    fn from(portrait: PortraitMember) -> Self {
        let protocols = portrait.protocols.into_iter();
        Self {
            id: portrait.id,
            instance_id: portrait.instance_id,
            client_id: portrait.client_id,
            client_host: portrait.client_host,
            session_timeout: from_ms(portrait.session_timeout_ms),
            rebalance_timeout: from_ms(portrait.rebalance_timeout_ms),
            protocols: protocols
                .map(|(name, metadata)| Protocol { name, metadata })
                .collect(),
            assignment: portrait.assignment,
            waiting: Waiting::Nothing,
            is_new: false,
        }
    }
}
