//! Where a member begins to read a partition it has been given: where the group has come to, or
//! where `auto.offset.reset` says.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};
use tokio::sync::watch;
use types::{ErrorCode, Offset, TopicPartition};

use super::config::GroupProtocol;
use super::member::{Identity, View};
use crate::backoff::Backoff;
use crate::{Admin, Client, Error, IsolationLevel, OffsetSpec, Reset, Result};

/// The first version that asks about many groups at once.
const MANY_SINCE: i16 = 8;
/// The first version that says who asks.
const MEMBER_SINCE: i16 = 9;
/// The last version that names topics by name.
const NAMES_UNTIL: i16 = 9;
/// The first version that can leave out what an open transaction may still take back.
const STABLE_SINCE: i16 = 7;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) offset: Offset,
    /// Epoch of the leader that appended the record before it, -1 if unknown.
    pub(super) leader_epoch: i32,
    /// Whether the group has committed it.
    pub(super) is_committed: bool,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Starter {
    pub(super) client: Client,
    pub(super) group_id: String,
    pub(super) protocol: GroupProtocol,
    pub(super) view: watch::Receiver<View>,
    pub(super) reset: Option<Reset>,
    pub(super) isolation_level: IsolationLevel,
}

impl Starter {
    /// Looks up where to begin, and tries until it is known or the partitions are lost; partitions
    /// lost in the meantime may be missing.
    ///
    /// # Errors
    /// What no other try can mend: nothing is committed and `auto.offset.reset` is `none`, or access
    /// is denied.
    pub(super) async fn starts(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Start>> {
        let config = self.client.config();
        let mut backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max);
        let losses = self.view.borrow().loss_count;
        loop {
            let (identity, loss_count) = {
                let view = self.view.borrow();
                (view.identity.clone(), view.loss_count)
            };
            if loss_count != losses {
                return Ok(BTreeMap::new());
            }
            let error = match self.try_once(&identity, partitions).await {
                Ok(starts) => return Ok(starts),
                Err(error) => error,
            };
            if !may_help(&error) {
                return Err(error);
            }
            tracing::debug!(group = self.group_id, %error, "positions will be asked for again");
            if error.code() != Some(ErrorCode::CoordinatorLoadInProgress) {
                self.client.forget_coordinator(&self.group_id);
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
    }

    async fn try_once(
        &self,
        identity: &Identity,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Start>> {
        let mut starts = self.committed(identity, partitions).await?;
        let new = partitions.iter().filter(|key| !starts.contains_key(*key));
        let new: Vec<TopicPartition> = new.cloned().collect();
        if !new.is_empty() {
            starts.extend(self.by_reset(new).await?);
        }
        Ok(starts)
    }

    async fn committed(
        &self,
        identity: &Identity,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Start>> {
        let connection = self.client.coordinator(&self.group_id).await?;
        let address = &connection.address;
        let key = protocol::ApiKey::OffsetFetch;
        let version = connection
            .versions
            .choose_up_to(key, NAMES_UNTIL, address)?;
        let request = self.request(identity, partitions, version);
        let response = connection.request_version(&request, version).await?;
        read(&self.group_id, &response, version)
    }

    fn request(
        &self,
        identity: &Identity,
        partitions: &[TopicPartition],
        version: i16,
    ) -> OffsetFetchRequest {
        let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for key in partitions {
            by_topic.entry(&key.topic).or_default().push(key.partition);
        }
        let by_topic = by_topic.into_iter();
        let group_id = Str::from(self.group_id.as_str());
        let require_stable = version >= STABLE_SINCE;
        if version < MANY_SINCE {
            let topics = by_topic.map(|(name, partition_indexes)| OffsetFetchRequestTopic {
                name: Str::from(name),
                partition_indexes,
            });
            return OffsetFetchRequest {
                group_id,
                topics: Some(topics.collect()),
                require_stable,
                ..OffsetFetchRequest::default()
            };
        }
        let is_named = version >= MEMBER_SINCE && self.protocol == GroupProtocol::Consumer;
        let topics = by_topic.map(|(name, partition_indexes)| OffsetFetchRequestTopics {
            name: Str::from(name),
            partition_indexes,
            ..OffsetFetchRequestTopics::default()
        });
        let group = OffsetFetchRequestGroup {
            group_id,
            member_id: is_named.then(|| Str::from(identity.member_id.as_str())),
            member_epoch: if is_named { identity.generation } else { -1 },
            topics: Some(topics.collect()),
        };
        OffsetFetchRequest {
            groups: vec![group],
            require_stable,
            ..OffsetFetchRequest::default()
        }
    }

    async fn by_reset(&self, new: Vec<TopicPartition>) -> Result<Vec<(TopicPartition, Start)>> {
        let spec = match self.reset {
            Some(Reset::Earliest) => OffsetSpec::Earliest,
            Some(Reset::Latest) => OffsetSpec::Latest,
            None => {
                return Err(Error::NothingCommitted {
                    group: self.group_id.clone(),
                    partitions: new,
                });
            }
        };
        let admin = Admin::new(self.client.clone());
        let asked: Vec<_> = new.into_iter().map(|key| (key, spec)).collect();
        let found = admin.list_offsets(&asked, self.isolation_level).await?;
        let starts = found.into_iter().map(|(key, found)| {
            let found = found?;
            // The epoch found is that of the record at the offset, not of the one before it.
            let start = Start {
                offset: found.offset,
                leader_epoch: -1,
                is_committed: false,
            };
            Ok((key, start))
        });
        starts.collect()
    }
}

fn read(
    group: &str,
    response: &OffsetFetchResponse,
    version: i16,
) -> Result<BTreeMap<TopicPartition, Start>> {
    let what = || format!("committed offsets of group {group}");
    let mut starts = BTreeMap::new();
    let mut take = |topic: &Str, index, code, offset, leader_epoch| {
        Error::check(code, None, what)?;
        if offset >= 0 {
            let start = Start {
                offset,
                leader_epoch,
                is_committed: true,
            };
            starts.insert(TopicPartition::new(&**topic, index), start);
        }
        Ok::<(), Error>(())
    };
    if version < MANY_SINCE {
        Error::check(response.error_code, None, what)?;
        for topic in &response.topics {
            for p in &topic.partitions {
                let (offset, epoch) = (p.committed_offset, p.committed_leader_epoch);
                take(&topic.name, p.partition_index, p.error_code, offset, epoch)?;
            }
        }
        return Ok(starts);
    }
    for found in response
        .groups
        .iter()
        .filter(|found| &*found.group_id == group)
    {
        Error::check(found.error_code, None, what)?;
        for topic in &found.topics {
            for p in &topic.partitions {
                let (offset, epoch) = (p.committed_offset, p.committed_leader_epoch);
                take(&topic.name, p.partition_index, p.error_code, offset, epoch)?;
            }
        }
    }
    Ok(starts)
}

/// Whether another try may succeed: a topic that is not there yet, a member whose epoch has moved
/// on, or that learns with its next heartbeat that it is none any more.
fn may_help(error: &Error) -> bool {
    let is_passing = matches!(
        error.code(),
        Some(
            ErrorCode::StaleMemberEpoch
                | ErrorCode::UnknownMemberId
                | ErrorCode::IllegalGeneration
                | ErrorCode::RebalanceInProgress
                | ErrorCode::UnstableOffsetCommit
        )
    );
    let is_late = matches!(
        error,
        Error::TimedOut { .. } | Error::NoSuchPartition { .. }
    );
    is_passing || is_late || error.is_retriable()
}
