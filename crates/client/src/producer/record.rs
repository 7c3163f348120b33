//! What goes in, and what comes back for it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use protocol::records::RecordHeader;
use tokio::sync::Notify;
use tokio::time::Instant;
use types::{Offset, PartitionIndex, TimestampMs, TopicPartition};

use crate::{Error, Result};

/// A record to send.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Where to.
    pub topic: Arc<str>,
    /// The partition, if the key shall not decide.
    pub partition: Option<PartitionIndex>,
    /// The key. Records of one key go to one partition.
    pub key: Option<Bytes>,
    /// The value. `None` deletes the key in a compacted topic.
    pub value: Option<Bytes>,
    /// Headers, in order; names may repeat.
    pub headers: Vec<RecordHeader>,
    /// Its time; now, if not given.
    pub timestamp_ms: Option<TimestampMs>,
}

/// Where a record ended up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: PartitionIndex,
    /// Its offset; -1 with `acks=0`, or when the broker only knows that it has it already.
    pub offset: Offset,
    /// When the broker appended it, if the topic keeps that time; else -1.
    pub append_time_ms: TimestampMs,
    /// When the answer was read from the socket, however late it is asked for.
    pub acked_at: Instant,
}

/// Something that went wrong on the way and is being tried again.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// When it was met.
    pub at: Instant,
    /// The broker it was met at.
    pub node_id: i32,
    /// The topic and partition concerned; `None` if it concerns all that this broker leads.
    pub partition: Option<TopicPartition>,
    /// What it was.
    pub error: Error,
}

/// The answer to one record, once it is there.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub(super) topic: Arc<str>,
    pub(super) partition: PartitionIndex,
    pub(super) index: i32,
    pub(super) completion: Arc<Completion>,
}

impl Delivery {
    /// Waits for the answer.
    ///
    /// # Errors
    /// The broker refused the record, or it could not be delivered in time.
    ///
    /// # Cancel safety
    /// The record is sent whether the future is dropped or not.
    pub async fn wait(&self) -> Result<Receipt> {
        let (mut completion, mut index) = (Arc::clone(&self.completion), self.index);
        loop {
            let next = match completion.outcome().await {
                Outcome::Failed(error) => return Err(error.clone()),
                Outcome::Written(written) => return Ok(self.receipt(written, index)),
                Outcome::Split {
                    first,
                    first_count,
                    second,
                } => match index < *first_count {
                    true => (Arc::clone(first), index),
                    false => (Arc::clone(second), index - first_count),
                },
            };
            (completion, index) = next;
        }
    }

    /// Whether the answer is there.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.result().is_some()
    }

    /// The answer, if it is there. Those of one partition come in the order of their `send`.
    #[must_use]
    pub fn result(&self) -> Option<Result<Receipt>> {
        let (mut completion, mut index) = (&self.completion, self.index);
        loop {
            match completion.outcome.get()? {
                Outcome::Failed(error) => return Some(Err(error.clone())),
                Outcome::Written(written) => return Some(Ok(self.receipt(written, index))),
                Outcome::Split {
                    first, first_count, ..
                } if index < *first_count => completion = first,
                Outcome::Split {
                    first_count,
                    second,
                    ..
                } => (completion, index) = (second, index - first_count),
            }
        }
    }

    fn receipt(&self, written: &Written, index: i32) -> Receipt {
        Receipt {
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            offset: match written.base_offset {
                ..0 => -1,
                base => base + i64::from(index),
            },
            append_time_ms: written.append_time_ms,
            acked_at: written.at,
        }
    }
}

/// How a batch ended. Set once.
#[derive(Debug, Default)]
pub(super) struct Completion {
    outcome: OnceLock<Outcome>,
    done: Notify,
}

/// A batch in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Offset of its first record, -1 if the broker does not tell.
    pub(super) base_offset: Offset,
    /// The broker's time, -1 if the topic keeps the producer's.
    pub(super) append_time_ms: TimestampMs,
    /// When its answer was read.
    pub(super) at: Instant,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Written(Written),
    Failed(Error),
    /// The batch was too large and went on as two.
    Split {
        first: Arc<Completion>,
        first_count: i32,
        second: Arc<Completion>,
    },
}

impl Completion {
    /// Sets the outcome; the first one stays.
    pub(super) fn set(&self, outcome: Outcome) {
        if self.outcome.set(outcome).is_ok() {
            self.done.notify_waiters();
        }
    }

    async fn outcome(&self) -> &Outcome {
        loop {
            let done = self.done.notified();
            if let Some(outcome) = self.outcome.get() {
                return outcome;
            }
            done.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(index: i32, completion: &Arc<Completion>) -> Delivery {
        Delivery {
            topic: "t".into(),
            partition: 0,
            index,
            completion: Arc::clone(completion),
        }
    }

    fn written(base_offset: Offset) -> Outcome {
        Outcome::Written(Written {
            base_offset,
            append_time_ms: -1,
            at: Instant::now(),
        })
    }

    #[tokio::test]
    async fn each_record_of_a_batch_has_its_own_offset() {
        let completion = Arc::new(Completion::default());
        let waiting = delivery(2, &completion);
        assert!(!waiting.is_done());
        completion.set(written(40));
        assert_eq!(waiting.wait().await.expect("written").offset, 42);
        let result = waiting.result().expect("it is there");
        assert_eq!(result.expect("written").offset, 42);
    }

    #[tokio::test]
    async fn records_of_a_split_batch_follow_their_half() {
        let whole = Completion::default();
        let (first, second) = (Arc::<Completion>::default(), Arc::<Completion>::default());
        whole.set(Outcome::Split {
            first: Arc::clone(&first),
            first_count: 2,
            second: Arc::clone(&second),
        });
        let whole = Arc::new(whole);
        first.set(written(10));
        second.set(Outcome::Failed(Error::Closed));
        assert_eq!(
            delivery(1, &whole).wait().await.expect("written").offset,
            11
        );
        assert!(delivery(2, &whole).wait().await.is_err());
    }
}
