//! Committing: how far a member has read, in the name it has in the group.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use types::{ErrorCode, TopicPartition};

use super::exchange::is_about_coordinator;
use super::member::{Identity, View};
use crate::admin::NewOffset;
use crate::backoff::Backoff;
use crate::{Client, Error, Result};

/// The last version that names topics by name.
const NAMES_UNTIL: i16 = 9;

/// Where reading goes on, by partition.
pub(super) type Offsets = BTreeMap<TopicPartition, NewOffset>;

/// Who commits: whatever the member is called when the request goes out.
#[derive(Debug, Clone)]
pub(super) struct Committer {
    pub(super) client: Client,
    pub(super) group_id: String,
    pub(super) instance_id: Option<String>,
    pub(super) view: watch::Receiver<View>,
}

/// A commit that did not succeed.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) error: Error,
    /// The identity that the coordinator did not know.
    pub(super) disowned: Option<Identity>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            disowned: None,
        }
    }
}

impl Committer {
    /// Commits, and tries again while that may help. What is acknowledged survives what acknowledged
    /// records survive. Nothing is committed any more once the member has lost its partitions: others
    /// may have read on since.
    ///
    /// # Errors
    /// The first error among the partitions; the others may have been committed.
    pub(super) async fn commit(
        &self,
        offsets: &Offsets,
        deadline: Instant,
    ) -> std::result::Result<(), Failed> {
        let config = self.client.config();
        let mut backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max);
        let losses = self.view.borrow().loss_count;
        loop {
            let (identity, loss_count) = {
                let view = self.view.borrow();
                (view.identity.clone(), view.loss_count)
            };
            if loss_count != losses {
                let code = ErrorCode::RebalanceInProgress.to_wire();
                let what = self.what();
                return Err(Error::refused(code, Some("the partitions were lost"), what).into());
            }
            let attempt = self.try_once(&identity, offsets);
            let error = match timeout_at(deadline, attempt).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_elapsed) => {
                    return Err(self.timed_out(None).into());
                }
            };
            if is_disowned(&error) {
                let disowned = Some(identity);
                return Err(Failed { error, disowned });
            }
            if !may_help(&error) {
                return Err(error.into());
            }
            tracing::debug!(group = self.group_id, %error, "will be committed again");
            if error.code() != Some(ErrorCode::CoordinatorLoadInProgress) {
                self.client.forget_coordinator(&self.group_id);
            }
            let pause = backoff.next_pause();
            if Instant::now() + pause >= deadline {
                return Err(self.timed_out(Some(error)).into());
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_once(&self, identity: &Identity, offsets: &Offsets) -> Result<()> {
        let connection = self.client.coordinator(&self.group_id).await?;
        let address = &connection.address;
        let key = protocol::ApiKey::OffsetCommit;
        let version = connection
            .versions
            .choose_up_to(key, NAMES_UNTIL, address)?;
        let request = OffsetCommitRequest {
            group_id: Str::from(self.group_id.as_str()),
            generation_id_or_member_epoch: identity.generation,
            member_id: Str::from(identity.member_id.as_str()),
            group_instance_id: self.instance_id.as_deref().map(Str::from),
            topics: topics(offsets),
            ..OffsetCommitRequest::default()
        };
        let response = connection.request_version(&request, version).await?;
        let partitions = response.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(move |partition| (&topic.name, partition))
        });
        for (topic, partition) in partitions {
            Error::check(partition.error_code, None, || {
                format!("{} for {topic}-{}", self.what(), partition.partition_index)
            })?;
        }
        Ok(())
    }

    fn what(&self) -> String {
        format!("commit of group {}", self.group_id)
    }

    fn timed_out(&self, last: Option<Error>) -> Error {
        Error::TimedOut {
            what: self.what(),
            after: self.client.config().api_timeout,
            last: last.map(std::sync::Arc::new),
        }
    }
}

fn topics(offsets: &Offsets) -> Vec<OffsetCommitRequestTopic> {
    let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for (key, new) in offsets {
        let partitions = topics.entry(&key.topic).or_default();
        partitions.push(OffsetCommitRequestPartition {
            partition_index: key.partition,
            committed_offset: new.offset,
            committed_leader_epoch: new.leader_epoch,
            committed_metadata: Some(Str::from(new.metadata.as_str())),
        });
    }
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| OffsetCommitRequestTopic {
            name: Str::from(name),
            partitions,
            ..OffsetCommitRequestTopic::default()
        });
    topics.collect()
}

fn is_disowned(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration)
    )
}

/// Whether another try may succeed: with a coordinator that is ready, after the rebalance, or with
/// the epoch that a heartbeat is about to bring.
fn may_help(error: &Error) -> bool {
    match error.code() {
        Some(ErrorCode::UnknownTopicOrPartition) => false,
        Some(ErrorCode::RebalanceInProgress | ErrorCode::StaleMemberEpoch) => true,
        Some(code) if is_about_coordinator(code.to_wire()) => true,
        _ => error.is_retriable(),
    }
}
