//! What a consumer makes of answers. Nothing waits here.

use protocol::messages::fetch::FetchResponse;
use tokio::time::Instant;
use types::{ErrorCode, Offset, TopicPartition};

use super::fetched::Fetched;
use super::position::Position;
use super::wire::{self, PartitionAnswer};
use super::{Consumer, DAMAGED_WITHIN, SILENT_AFTER};
use crate::metadata::Hint;
use crate::{Admin, Error, OffsetSpec, Reset, Result};

/// Something that was waited for.
pub(super) enum Event {
    Fetched {
        node_id: i32,
        asked: Vec<TopicPartition>,
        answer: Result<FetchResponse>,
    },
    Refreshed(Result<()>),
    Reset(TopicPartition, Result<Offset>),
    /// Where the epoch of the last fetched record ends, by a new leader.
    Validated {
        partition: TopicPartition,
        node_id: i32,
        generation: u64,
        leader_epoch: i32,
        end: Result<Offset>,
    },
}

impl Consumer {
    /// Takes an answer in. An error is one that no other try can mend.
    pub(super) fn on_event(&mut self, event: Event, now: Instant) -> Result<()> {
        let rest_until = now + self.client.config().retry_backoff;
        match event {
            Event::Fetched {
                node_id,
                mut asked,
                answer,
            } => {
                self.busy.remove(&node_id);
                // An answer to an earlier assignment says nothing about this one.
                asked.retain(|partition| {
                    let position = self.positions.get_mut(partition);
                    position.is_some_and(Position::on_answered)
                });
                match answer {
                    Ok(response) => {
                        self.trouble = None;
                        return self.on_response(response, node_id, &asked, now);
                    }
                    Err(error) if error.is_retriable() => {
                        tracing::debug!(node_id, %error, "fetch failed");
                        let since = self.trouble.take().map_or(now, |(since, _)| since);
                        self.trouble = Some((since, error));
                        self.resting.insert(node_id, rest_until);
                        self.wants_refresh = true;
                        for partition in &asked {
                            if let Some(position) = self.positions.get_mut(partition) {
                                position.preferred_replica = None;
                            }
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
            Event::Refreshed(result) => {
                self.is_refreshing = false;
                self.refresh_after = rest_until;
                match result {
                    Err(error) if !error.is_retriable() || is_gone(&error) => return Err(error),
                    Err(error) => {
                        tracing::debug!(%error, "metadata could not be refreshed");
                        self.wants_refresh = true;
                    }
                    Ok(()) => self.abandon_silent(now),
                }
            }
            Event::Reset(partition, offset) => self.assign(partition, offset?),
            Event::Validated {
                partition,
                node_id,
                generation,
                leader_epoch,
                end,
            } => {
                if end.is_err() {
                    self.resting.insert(node_id, rest_until);
                }
                return self.on_validated(partition, (generation, leader_epoch), end);
            }
        }
        Ok(())
    }

    fn on_response(
        &mut self,
        response: FetchResponse,
        node_id: i32,
        asked: &[TopicPartition],
        now: Instant,
    ) -> Result<()> {
        Error::check(response.error_code, None, || {
            format!("fetch from broker {node_id}")
        })?;
        let hints = wire::hints(&response, &self.client.cluster());
        let news: Vec<_> = hints
            .into_iter()
            .filter(|hint| self.client.learn_leader(hint))
            .collect();
        for (partition, answer) in wire::answers(response, &self.client.cluster()) {
            if asked.contains(&partition) {
                let is_about = |hint: &Hint| {
                    hint.topic == partition.topic && hint.partition == partition.partition
                };
                if answer.error_code != 0 && news.iter().any(is_about) {
                    if let Some(position) = self.positions.get_mut(&partition) {
                        position.preferred_replica = None;
                    }
                    continue;
                }
                self.on_partition(partition, answer, node_id, now)?;
            }
        }
        Ok(())
    }

    fn on_partition(
        &mut self,
        partition: TopicPartition,
        answer: PartitionAnswer,
        node_id: i32,
        now: Instant,
    ) -> Result<()> {
        let Some(position) = self.positions.get_mut(&partition) else {
            return Ok(());
        };
        let what = || format!("fetch {partition} at offset {}", position.fetch_offset);
        let refused = Error::check(answer.error_code, None, what);
        match refused {
            Ok(()) => {}
            Err(error) if error.code() == Some(ErrorCode::OffsetOutOfRange) => {
                // A follower may simply not have it yet; the leader has the last word.
                if position.preferred_replica.take().is_none() {
                    return self.reset(partition, error);
                }
                return Ok(());
            }
            Err(error) if error.is_retriable() => {
                tracing::debug!(%partition, %error, "will be fetched again");
                if error.code() == Some(ErrorCode::CorruptMessage) {
                    let since = *position.damaged_since.get_or_insert(now);
                    if now.duration_since(since) >= DAMAGED_WITHIN {
                        return Err(error);
                    }
                }
                position.preferred_replica = None;
                self.client.forget_topic(&partition.topic);
                self.wants_refresh = true;
                let rest_until = now + self.client.config().retry_backoff;
                self.resting.insert(node_id, rest_until);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if answer.preferred_read_replica >= 0 {
            position.preferred_replica = Some(answer.preferred_read_replica);
        }
        position.damaged_since = None;
        position.high_watermark = Some(answer.high_watermark);
        let from = position.fetch_offset;
        if let Some((next, epoch)) = answer.end().filter(|(next, _)| *next > from) {
            position.fetch_offset = next;
            position.fetched_epoch = epoch;
            position.waiting_count += 1;
            self.fetched.push_back(Fetched::new(partition, answer));
        } else if !answer.records.is_empty() {
            return Err(Error::Malformed {
                what: format!("fetch {partition} at offset {from}"),
                reason: "the records end before the first batch does".to_owned(),
            });
        }
        Ok(())
    }

    /// Gives up waiting for silent brokers that are not to be asked any more for anything they were
    /// asked for.
    fn abandon_silent(&mut self, now: Instant) {
        let patience = self.config.fetch_wait_max + SILENT_AFTER;
        let silent = self
            .busy
            .iter()
            .filter(|(_, since)| **since + patience <= now);
        let cluster = self.client.cluster();
        for (node_id, _) in silent {
            let is_asked_there = |(partition, position): (&TopicPartition, &Position)| {
                let topic = cluster.topics.get(&partition.topic);
                let known = topic.and_then(|topic| topic.partition(partition.partition));
                position.is_asked()
                    && known.is_none_or(|known| !known.has_leader() || known.leader == *node_id)
            };
            if !self.positions.iter().any(is_asked_there) {
                tracing::debug!(node_id, "silent and no longer the leader: given up");
                self.client.abandon(*node_id);
            }
        }
    }

    fn reset(&mut self, partition: TopicPartition, error: Error) -> Result<()> {
        let spec = match self.config.reset {
            None => return Err(error),
            Some(Reset::Earliest) => OffsetSpec::Earliest,
            Some(Reset::Latest) => OffsetSpec::Latest,
        };
        tracing::warn!(%partition, %error, ?spec, "the position is out of range: starting elsewhere");
        if let Some(position) = self.positions.get_mut(&partition) {
            position.is_resetting = true;
        }
        let admin = Admin::new(self.client.clone());
        let isolation_level = self.config.isolation_level;
        self.events.push(Box::pin(async move {
            let asked = [(partition.clone(), spec)];
            let found = admin.list_offsets(&asked, isolation_level).await;
            let offset = found.and_then(|mut found| match found.remove(&partition) {
                Some(found) => found.map(|found| found.offset),
                None => Err(Error::Closed),
            });
            Event::Reset(partition, offset)
        }));
        Ok(())
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId)
    )
}
