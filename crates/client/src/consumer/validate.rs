//! Whether what was read is still in the log after another broker has taken the lead (KIP-320).
//!
//! ```text
//! new leader's epoch ─▶ "where did the epoch of my last record end?" ─▶ behind my position: go on
//!                                                                      before it: cut off, go there
//! ```
//!
//! Records are cut off only where a leader was elected that did not have them all (unclean), but
//! then an offset alone would silently point into other records.

use protocol::ApiKey;
use protocol::Str;
use protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use types::{Offset, TopicPartition};

use super::events::Event;
use super::{Consumer, Position};
use crate::{Client, Error, Result};

/// "I am no replica."
const CONSUMER: i32 = -1;

impl Position {
    /// Whether the leader of this epoch has to be asked first.
    pub(super) fn must_be_validated(&self, leader_epoch: i32) -> bool {
        self.fetched_epoch >= 0
            && leader_epoch > self.fetched_epoch
            && leader_epoch > self.validated_epoch
    }
}

impl Consumer {
    /// Asks the partition's leader.
    pub(super) fn validate(&mut self, partition: TopicPartition, node_id: i32, leader_epoch: i32) {
        let Some(position) = self.positions.get_mut(&partition) else {
            return;
        };
        position.is_resetting = true;
        let (generation, fetched_epoch) = (position.generation, position.fetched_epoch);
        let client = self.client.clone();
        self.events.push(Box::pin(async move {
            let asked = (&partition, leader_epoch, fetched_epoch);
            let end = epoch_end(&client, node_id, asked).await;
            Event::Validated {
                partition,
                node_id,
                generation,
                leader_epoch,
                end,
            }
        }));
    }

    pub(super) fn on_validated(
        &mut self,
        partition: TopicPartition,
        (generation, leader_epoch): (u64, i32),
        end: Result<Offset>,
    ) -> Result<()> {
        let Some(position) = self.positions.get_mut(&partition) else {
            return Ok(());
        };
        if position.generation != generation {
            return Ok(());
        }
        position.is_resetting = false;
        let fetch_offset = position.fetch_offset;
        match end {
            // -1: the leader knows nothing of the epoch, and cannot say.
            Ok(end) if end < 0 || end >= fetch_offset => {
                position.validated_epoch = leader_epoch;
                Ok(())
            }
            Ok(end) => self.cut_off(partition, end),
            // Brokers before 2.1 have no such question.
            Err(Error::Unsupported { .. }) => {
                position.validated_epoch = leader_epoch;
                Ok(())
            }
            Err(error) if error.is_retriable() => {
                tracing::debug!(%partition, %error, "will be validated again");
                self.client.forget_topic(&partition.topic);
                self.wants_refresh = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// What was fetched is no longer in the log.
    fn cut_off(&mut self, partition: TopicPartition, end: Offset) -> Result<()> {
        let error = Error::CutOff {
            partition: partition.clone(),
            end,
        };
        if self.config.reset.is_none() {
            return Err(error);
        }
        tracing::warn!(%partition, %error, "going on from there");
        self.assign(partition, end);
        Ok(())
    }
}

async fn epoch_end(
    client: &Client,
    node_id: i32,
    (key, current_leader_epoch, leader_epoch): (&TopicPartition, i32, i32),
) -> Result<Offset> {
    let connection = client.broker(node_id).await?;
    let version = connection.version(ApiKey::OffsetForLeaderEpoch)?;
    let request = OffsetForLeaderEpochRequest {
        replica_id: CONSUMER,
        topics: vec![OffsetForLeaderTopic {
            topic: Str::from(&*key.topic),
            partitions: vec![OffsetForLeaderPartition {
                partition: key.partition,
                current_leader_epoch,
                leader_epoch,
            }],
        }],
    };
    let response = connection.request_version(&request, version).await?;
    let mut answers = response.topics.iter().flat_map(|topic| &topic.partitions);
    let answer = answers.find(|answer| answer.partition == key.partition);
    let what = || format!("where epoch {leader_epoch} of {key} ends");
    let answer = answer.ok_or_else(|| Error::Malformed {
        what: what(),
        reason: "the answer lacks the partition".to_owned(),
    })?;
    Error::check(answer.error_code, None, what)?;
    Ok(answer.end_offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_leader_than_that_of_the_last_record_is_asked_and_once() {
        let mut position = Position::new(7, 0);
        assert!(
            !position.must_be_validated(5),
            "nothing is known of the record"
        );
        position.fetched_epoch = 4;
        assert!(!position.must_be_validated(4));
        assert!(position.must_be_validated(5));
        position.validated_epoch = 5;
        assert!(!position.must_be_validated(5));
        assert!(position.must_be_validated(6));
    }
}
