//! Compaction, as clients see it.

use std::time::Duration;

use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use tokio::sync::oneshot;
use tokio::time::timeout;
use types::{Clock, TimestampMs};

use super::*;
use crate::BrokerError;
use crate::lifecycle::cleaner::{Cleaner, clean_once};

/// Tells everybody the time but the threads under test.
#[derive(Debug)]
struct Trap(Arc<ManualClock>);

impl Clock for Trap {
    fn wall_ms(&self) -> TimestampMs {
        assert_ne!(std::thread::current().name(), Some("cleaner-0"), "trap");
        self.0.wall_ms()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

#[tokio::test]
async fn a_panic_of_the_cleaner_ends_the_broker() {
    let clock = Arc::new(ManualClock::at(START_MS));
    let mut options = options(&[], &FaultDisk::new(clock.clone()), &clock);
    options.clock = Arc::new(Trap(clock));
    let (sender, failed) = oneshot::channel();
    let on_failure = move |error| sender.send(error).expect("awaited");
    let cleaner = Cleaner::start(Core::new(options), on_failure).expect("started");
    let failed = timeout(Duration::from_secs(20), failed).await;
    let error = failed.expect("noticed").expect("reported");
    assert!(matches!(error, BrokerError::Panicked(_)), "{error}");
    cleaner.stop();
}

/// `a1`: key a, value a1; `a-`: key a is deleted.
fn keyed(items: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    for (i, item) in (0..).zip(items) {
        let value = Some(item.as_bytes()).filter(|_| !item.ends_with('-'));
        let appended = builder.append(START_MS + i, Some(&item.as_bytes()[..1]), value, &[]);
        appended.expect("appended");
    }
    builder.build().expect("built").bytes
}

impl TestBroker {
    /// A compacted topic that rolls after every batch or so.
    async fn create_compacted(&self, name: &str) {
        self.create_topic(name, 1).await;
        for (key, value) in [
            ("cleanup.policy", "compact"),
            ("internal.segment.bytes", "100"),
            ("min.cleanable.dirty.ratio", "0.01"),
        ] {
            self.set_topic_config(name, key, value).await;
        }
    }

    /// Flushes, as the housekeeping does, and compacts what is dirty.
    pub(super) async fn compact(&self) -> bool {
        let core = Arc::clone(&self.core);
        let compacted = tokio::task::spawn_blocking(move || {
            core.log_dirs.housekeep(core.clock.wall_ms(), &|_| None);
            clean_once(&core)
        });
        compacted.await.expect("no panic")
    }
}

async fn values(client: &Client, topic: &str) -> Vec<(i64, String)> {
    let rows = client.read_all(topic).await.into_iter();
    rows.map(|(offset, value)| (offset, String::from_utf8_lossy(&value).into_owned()))
        .collect()
}

#[tokio::test]
async fn a_consumer_of_a_compacted_topic_finds_the_last_value_of_each_key() {
    let broker = TestBroker::start().await;
    broker.create_compacted("c").await;
    let client = broker.client().await;
    for items in [["a1", "b1"], ["a2", "c1"], ["b2", "c-"], ["d1", "d2"]] {
        client.produce("c", keyed(&items)).await;
    }
    assert!(broker.compact().await);
    let expected = [(2, "a2"), (4, "b2"), (5, ""), (6, "d1"), (7, "d2")];
    let expected = expected.map(|(offset, value)| (offset, value.to_owned()));
    assert_eq!(values(&client, "c").await, expected);
    // From within a gap on, the next batch comes.
    let answer = client.fetch("c", 1).await;
    assert_eq!((answer.error_code, answer.log_start_offset), (0, 0));
    let records = answer.records.unwrap_or_default().to_bytes();
    let first = split_batches(records)
        .next()
        .expect("a batch")
        .expect("sound");
    assert!(first.header.last_offset() >= 1);
    let at = async |timestamp| {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: "c".into(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: 0,
                    current_leader_epoch: -1,
                    timestamp,
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let answer = client.call(&request, 7).await.topics[0].partitions[0].clone();
        (answer.error_code, answer.offset)
    };
    assert_eq!(at(-2).await, (0, 0));
    assert_eq!(at(-1).await, (0, 8));
    assert_eq!(at(START_MS).await, (0, 2));
    assert_eq!(at(START_MS + 1).await, (0, 5));
    assert_eq!(at(-3).await, (0, 5));
    assert!(!broker.compact().await, "all is clean");
}

#[tokio::test]
async fn topics_that_are_only_deleted_and_nodes_without_a_cleaner_compact_nothing() {
    let broker = TestBroker::start_with(&[("log.cleaner.enable", "false")]).await;
    broker.create_compacted("c").await;
    let client = broker.client().await;
    for _ in 0..3 {
        client.produce("c", keyed(&["a1", "a2"])).await;
    }
    assert!(!broker.compact().await);
    assert_eq!(client.read_all("c").await.len(), 6);

    let broker = TestBroker::start().await;
    broker.create_compacted("c").await;
    broker
        .set_topic_config("c", "cleanup.policy", "delete")
        .await;
    let client = broker.client().await;
    for _ in 0..3 {
        client.produce("c", keyed(&["a1", "a2"])).await;
    }
    assert!(!broker.compact().await);
    // As soon as it is to be compacted, all of it is.
    broker
        .set_topic_config("c", "cleanup.policy", "compact")
        .await;
    assert!(broker.compact().await);
    assert_eq!(client.read_all("c").await.len(), 3);
}

#[tokio::test]
async fn how_far_compaction_came_is_kept_in_kafka_s_checkpoint() {
    let broker = TestBroker::start().await;
    broker.create_compacted("c").await;
    let client = broker.client().await;
    for _ in 0..3 {
        client.produce("c", keyed(&["a1", "a2"])).await;
    }
    assert!(broker.compact().await);
    let path = PathBuf::from("/data/cleaner-offset-checkpoint");
    let text = broker.disk.contents(&path).expect("written");
    assert_eq!(String::from_utf8_lossy(&text), "0\n1\nc 0 4\n");
}

#[tokio::test]
async fn one_log_that_cannot_be_compacted_is_counted_and_does_not_stop_the_others() {
    let broker = TestBroker::start().await;
    broker.create_compacted("bad").await;
    broker.create_compacted("good").await;
    let client = broker.client().await;
    for _ in 0..3 {
        client.produce("bad", keyed(&["a1", "a2"])).await;
        client.produce("good", keyed(&["a1", "a2"])).await;
    }
    let path = PathBuf::from("/data/bad-0/00000000000000000000.log");
    let mut bytes = broker.disk.contents(&path).expect("there");
    *bytes.last_mut().expect("bytes") ^= 1;
    broker.disk.overwrite(&path, &bytes);
    broker.compact().await;
    assert_eq!(broker.core.log_dirs.uncleanable_count(), 1);
    assert_eq!(client.read_all("good").await.len(), 3);
    assert!(!broker.compact().await, "it is not tried again");
}
