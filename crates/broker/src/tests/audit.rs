//! Audits of a broker's replicas.

use std::path::Path;

use rpc::audit::{Auditor as _, PartitionId, Range, Refusal, ReplicaState};

use super::*;
use crate::audit::Replicas;

const fn range(topic_id: TopicId, from_offset: i64, end_offset: i64) -> Range {
    Range {
        partition: PartitionId {
            topic_id,
            partition: 0,
        },
        from_offset,
        end_offset,
        is_deep: true,
    }
}

/// Base offsets of the batches in a range, and which of them are damaged.
async fn read(replicas: &Replicas, mut range: Range) -> Result<(Vec<i64>, Vec<i64>), Refusal> {
    let (mut all, mut damaged) = (Vec::new(), Vec::new());
    loop {
        let piece = replicas.read(range).await?;
        if piece.batches.is_empty() {
            return Ok((all, damaged));
        }
        all.extend(piece.batches.iter().map(|batch| batch.base_offset));
        let bad = piece.batches.iter().filter(|batch| batch.is_damaged);
        damaged.extend(bad.map(|batch| batch.base_offset));
        range.from_offset = piece.next_offset;
    }
}

async fn broker_with_batches() -> (TestBroker, TopicId) {
    let broker = TestBroker::start().await;
    let id = broker.create_topic("t", 1).await;
    let client = broker.client().await;
    for _ in 0..5 {
        let appended = client.produce("t", batch(&["a", "b"])).await;
        assert_code(appended.error_code, ErrorCode::None);
    }
    (broker, id)
}

#[tokio::test]
async fn a_range_holds_the_batches_that_reach_into_it() {
    let (broker, id) = broker_with_batches().await;
    let replicas = Replicas::new(Arc::clone(&broker.core));
    let read = async |from, end| {
        read(&replicas, range(id, from, end))
            .await
            .expect("there")
            .0
    };
    assert_eq!(read(0, 10).await, [0, 2, 4, 6, 8]);
    assert_eq!(read(3, 7).await, [2, 4, 6]);
    assert_eq!(read(4, 6).await, [4]);
    assert_eq!(read(5, 5).await, Vec::<i64>::new());
    assert_eq!(read(10, 10).await, Vec::<i64>::new());
}

#[tokio::test]
async fn what_is_not_here_or_not_committed_is_refused() {
    let (broker, id) = broker_with_batches().await;
    let replicas = Replicas::new(Arc::clone(&broker.core));
    let refused = read(&replicas, range(id, 0, 11)).await;
    let expected = Refusal::OutOfRange {
        log_start_offset: 0,
        high_watermark: 10,
    };
    assert_eq!(refused, Err(expected));
    let elsewhere = topic_id("nope");
    assert_eq!(
        read(&replicas, range(elsewhere, 0, 1)).await,
        Err(Refusal::Absent)
    );
}

#[tokio::test]
async fn positions_tell_leaders_followers_and_strangers_apart() {
    let (broker, id) = broker_with_batches().await;
    let followed = topic_id("f");
    let records = vec![
        topic("f", followed),
        partition(followed, 0, &[2, 1], &[2], 2),
    ];
    broker.apply(records).await;
    let replicas = Replicas::new(Arc::clone(&broker.core));
    let position = |topic_id| replicas.position(range(topic_id, 0, 0).partition);
    let led = position(id);
    assert_eq!((led.state, led.high_watermark), (ReplicaState::Leader, 10));
    assert_eq!(position(followed).state, ReplicaState::Follower);
    assert_eq!(position(topic_id("nope")).state, ReplicaState::Absent);
    broker.core.partitions.get(id, 0).expect("there").stop();
    assert_eq!(position(id).state, ReplicaState::Offline);
}

#[tokio::test]
async fn a_deep_audit_names_the_damaged_batch() {
    let (broker, id) = broker_with_batches().await;
    let path = Path::new("/data/t-0/00000000000000000000.log");
    let mut bytes = broker.disk.contents(path).expect("a segment");
    let batch_bytes = bytes.len() / 5;
    // A bit of a value in the third batch.
    let at = 3 * batch_bytes - 3;
    bytes[at] ^= 1;
    broker.disk.overwrite(path, &bytes);
    let replicas = Replicas::new(Arc::clone(&broker.core));
    let found = read(&replicas, range(id, 0, 10)).await;
    assert_eq!(found, Ok((vec![0, 2, 4, 6, 8], vec![4])));
}
