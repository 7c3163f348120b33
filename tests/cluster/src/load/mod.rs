//! Clients that write and read all the time, and write down what they see.
//!
//! ```text
//! producers: unique values, idempotent, acks=all, at a steady rate, spread over the partitions
//! readers:   assigned to all partitions from their beginning, polling without end
//! groups:    members in processes of their own, which share the partitions and commit
//! watcher:   asks every broker who leads, and which topics there are
//! ```

pub mod group;
pub mod java;
pub mod light;
pub mod places;
mod producer;
mod reader;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use client::Address;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use types::TopicPartition;

use crate::history::{Recorder, Tp};
use crate::layout::rack;

/// How much is asked of a cluster.
#[derive(Debug, Clone)]
pub struct LoadSpec {
    /// The topic, which exists.
    pub topic: String,
    /// What it is called in the history: another name for each creation of a topic.
    pub label: String,
    /// Its partitions.
    pub partition_count: i32,
    /// Producers.
    pub producer_count: u32,
    /// Records a second of each producer.
    pub rate: u32,
    /// Bytes of a record's value, at least 16.
    pub value_bytes: usize,
    /// Readers of all partitions.
    pub reader_count: u32,
    /// Whether readers have racks: the first reader that of broker 1, and so on.
    pub has_racks: bool,
    /// How long a producer tries: longer than anything that is broken here.
    pub delivery_timeout: Duration,
}

impl LoadSpec {
    /// Three producers of 300 records a second each and two readers.
    #[must_use]
    pub fn new(topic: &str, partition_count: i32) -> Self {
        Self {
            topic: topic.to_owned(),
            label: topic.to_owned(),
            partition_count,
            producer_count: 3,
            rate: 300,
            value_bytes: 100,
            reader_count: 2,
            has_racks: false,
            delivery_timeout: Duration::from_secs(60),
        }
    }

    /// What a partition is called in the history.
    #[must_use]
    pub fn tp(&self, partition: i32) -> Tp {
        format!("{}-{partition}", self.label).into()
    }

    /// The partitions by the name they have in the history, in order.
    #[must_use]
    pub fn tps(&self) -> Vec<Tp> {
        (0..self.partition_count)
            .map(|index| self.tp(index))
            .collect()
    }

    fn partition(&self, index: i32) -> TopicPartition {
        TopicPartition::new(self.topic.as_str(), index)
    }
}

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    spec: LoadSpec,
    producers: JoinSet<Result<()>>,
    others: JoinSet<Result<()>>,
    stop_producers: CancellationToken,
    stop_others: CancellationToken,
}

impl Load {
    /// Starts them. Each has connections of its own.
    #[must_use]
    pub fn start(spec: LoadSpec, bootstrap: &[Address], recorder: &Recorder) -> Self {
        let (stop_producers, stop_others) = (CancellationToken::new(), CancellationToken::new());
        let (mut producers, mut others) = (JoinSet::new(), JoinSet::new());
        let shared = Arc::new(spec.clone());
        for _ in 0..spec.producer_count {
            producers.spawn(producer::run(
                Arc::clone(&shared),
                bootstrap.to_vec(),
                recorder.clone(),
                stop_producers.clone(),
            ));
        }
        for broker in (1..).take(usize::try_from(spec.reader_count).unwrap_or(0)) {
            others.spawn(reader::run(
                Arc::clone(&shared),
                match spec.has_racks {
                    true => rack(broker),
                    false => String::new(),
                },
                bootstrap.to_vec(),
                recorder.clone(),
                stop_others.clone(),
            ));
        }
        others.spawn(watcher::run(
            shared,
            bootstrap.to_vec(),
            recorder.clone(),
            stop_others.clone(),
        ));
        Self {
            spec,
            producers,
            others,
            stop_producers,
            stop_others,
        }
    }

    /// What it asks.
    #[must_use]
    pub fn spec(&self) -> &LoadSpec {
        &self.spec
    }

    /// Stops writing, waits until every record has an answer, gives the readers a moment to read it
    /// all, and stops them.
    ///
    /// # Errors
    /// A client met an error that it should never meet.
    pub async fn finish(mut self) -> Result<()> {
        self.stop_producers.cancel();
        let mut written = Ok(());
        while let Some(ended) = self.producers.join_next().await {
            written = written.and(ended?);
        }
        tokio::time::sleep(LAST_READS).await;
        self.stop_others.cancel();
        while let Some(ended) = self.others.join_next().await {
            written = written.and(ended?);
        }
        written
    }
}

/// What the readers are given to read the last records.
const LAST_READS: Duration = Duration::from_millis(500);

/// A value as it stands in a record: sixteen hexadecimal digits, then filling.
fn to_bytes(value: u64, len: usize) -> bytes::Bytes {
    let mut text = format!("{value:016x}");
    text.extend(std::iter::repeat_n('.', len.saturating_sub(text.len())));
    text.into_bytes().into()
}

/// Reads a value back; what is not one of ours becomes a value that nobody sent.
pub(crate) fn from_bytes(bytes: Option<&[u8]>) -> u64 {
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let ours = |text: &str| u64::from_str_radix(text.get(..16)?, 16).ok();
    text.and_then(|text| java::value_of(text).or_else(|| ours(text)))
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_back_from_its_record() {
        let bytes = to_bytes(0x1_0000_002a, 100);
        assert_eq!(bytes.len(), 100);
        assert_eq!(from_bytes(Some(&bytes)), 0x1_0000_002a);
        assert_eq!(from_bytes(Some(b"short")), u64::MAX);
        assert_eq!(from_bytes(None), u64::MAX);
        assert_eq!(from_bytes(Some(b"7.12")), 7 << 32 | 12);
    }
}
