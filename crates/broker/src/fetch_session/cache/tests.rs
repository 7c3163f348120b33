//! Sessions by transcript.

use protocol::messages::fetch::{FetchPartition, FetchTopic, ForgottenTopic};
use protocol::{RecordSet, Str};
use types::Offset;

use super::*;

const NOW: Duration = Duration::from_secs(1000);
const MINUTE: Duration = Duration::from_secs(60);
const VERSION: i16 = 12;

fn cache(slots: usize) -> SessionCache {
    SessionCache::new(Limits {
        slots,
        evict_after: 2 * MINUTE,
    })
}

fn request(id: i32, epoch: i32, partitions: &[i32]) -> FetchRequest {
    let partitions: Vec<_> = partitions
        .iter()
        .map(|partition| FetchPartition {
            partition: *partition,
            ..FetchPartition::default()
        })
        .collect();
    let topics = if partitions.is_empty() {
        Vec::new()
    } else {
        vec![FetchTopic {
            topic: Str::from_static("t"),
            partitions,
            ..FetchTopic::default()
        }]
    };
    FetchRequest {
        session_id: id,
        session_epoch: epoch,
        topics,
        ..FetchRequest::default()
    }
}

fn answer(high_watermark: Offset) -> PartitionData {
    PartitionData {
        high_watermark,
        log_start_offset: 0,
        last_stable_offset: high_watermark,
        ..PartitionData::default()
    }
}

fn with_records(high_watermark: Offset) -> PartitionData {
    let records = Some(RecordSet::from(bytes::Bytes::from_static(b"batch")));
    PartitionData {
        records,
        ..answer(high_watermark)
    }
}

fn failed(code: ErrorCode) -> PartitionData {
    PartitionData {
        error_code: code.to_wire(),
        ..answer(-1)
    }
}

/// Sends the request, answers each partition by `answer_for`, returns the id and who was told.
fn fetch(
    cache: &SessionCache,
    request: &FetchRequest,
    now: Duration,
    answer_for: impl Fn(i32) -> PartitionData,
) -> Result<(i32, Vec<i32>), ErrorCode> {
    let plan = cache.begin(request, VERSION, now)?;
    let answers = plan
        .interests
        .iter()
        .map(|interest| answer_for(interest.partition))
        .collect();
    let mut next = 100 + i32::try_from(cache.len()).expect("few sessions");
    let draw = || {
        next += 1;
        next
    };
    let (id, told) = cache.finish(plan, answers, now, draw);
    Ok((
        id,
        told.into_iter()
            .map(|(interest, _)| interest.partition)
            .collect(),
    ))
}

#[test]
fn an_incremental_response_names_only_what_changed() {
    let cache = cache(10);
    let (id, told) = fetch(&cache, &request(0, 0, &[0, 1, 2]), NOW, |_| answer(5)).expect("full");
    assert!(id > 0);
    assert_eq!(told, [0, 1, 2]);
    let quiet = fetch(&cache, &request(id, 1, &[]), NOW, |_| answer(5));
    assert_eq!(quiet, Ok((id, vec![])));
    let moved = fetch(&cache, &request(id, 2, &[]), NOW, |p| {
        answer(if p == 1 { 6 } else { 5 })
    });
    assert_eq!(moved, Ok((id, vec![1])));
}

#[test]
fn a_partition_that_failed_is_answered_again() {
    let cache = cache(10);
    let (id, _) = fetch(&cache, &request(0, 0, &[0]), NOW, |_| answer(5)).expect("full");
    let unknown = |_| failed(ErrorCode::UnknownTopicOrPartition);
    assert_eq!(
        fetch(&cache, &request(id, 1, &[]), NOW, unknown),
        Ok((id, vec![0]))
    );
    assert_eq!(
        fetch(&cache, &request(id, 2, &[]), NOW, |_| answer(5)),
        Ok((id, vec![0]))
    );
    assert_eq!(
        fetch(&cache, &request(id, 3, &[]), NOW, |_| answer(5)),
        Ok((id, vec![]))
    );
}

#[test]
fn partitions_with_records_go_to_the_end() {
    let cache = cache(10);
    let (id, _) = fetch(&cache, &request(0, 0, &[0, 1, 2]), NOW, |_| answer(5)).expect("full");
    let some = |p| if p == 0 { with_records(9) } else { answer(5) };
    assert_eq!(
        fetch(&cache, &request(id, 1, &[]), NOW, some),
        Ok((id, vec![0]))
    );
    let plan = cache
        .begin(&request(id, 2, &[]), VERSION, NOW)
        .expect("next epoch");
    let order: Vec<_> = plan
        .interests
        .iter()
        .map(|interest| interest.partition)
        .collect();
    assert_eq!(order, [1, 2, 0]);
}

#[test]
fn wrong_epochs_unknown_ids_and_the_other_naming_are_refused() {
    let cache = cache(10);
    let (id, _) = fetch(&cache, &request(0, 0, &[0]), NOW, |_| answer(5)).expect("full");
    let refused = |request: &FetchRequest, version| {
        cache.begin(request, version, NOW).map(|_| ()).unwrap_err()
    };
    assert_eq!(
        refused(&request(id, 2, &[]), VERSION),
        ErrorCode::InvalidFetchSessionEpoch
    );
    assert_eq!(
        refused(&request(id + 1, 1, &[]), VERSION),
        ErrorCode::FetchSessionIdNotFound
    );
    assert_eq!(
        refused(&request(id, 1, &[]), 13),
        ErrorCode::FetchSessionTopicIdError
    );
    assert!(
        cache.begin(&request(id, 1, &[]), VERSION, NOW).is_ok(),
        "a refusal does not move the epoch"
    );
    assert_eq!(
        refused(&request(id, 1, &[]), VERSION),
        ErrorCode::InvalidFetchSessionEpoch
    );
}

#[test]
fn interests_are_added_changed_and_forgotten() {
    let cache = cache(10);
    let (id, _) = fetch(&cache, &request(0, 0, &[0, 1]), NOW, |_| answer(5)).expect("full");
    let mut next = request(id, 1, &[2]);
    next.topics[0].partitions.push(FetchPartition {
        partition: 1,
        fetch_offset: 7,
        ..FetchPartition::default()
    });
    next.forgotten_topics_data = vec![ForgottenTopic {
        topic: Str::from_static("t"),
        partitions: vec![0],
        ..ForgottenTopic::default()
    }];
    let plan = cache.begin(&next, VERSION, NOW).expect("next epoch");
    let now: Vec<_> = plan
        .interests
        .iter()
        .map(|i| (i.partition, i.fetch_offset))
        .collect();
    assert_eq!(now, [(1, 7), (2, 0)]);
}

#[test]
fn forgetting_everything_closes_the_session() {
    let cache = cache(10);
    let (id, _) = fetch(&cache, &request(0, 0, &[0]), NOW, |_| answer(5)).expect("full");
    let mut last = request(id, 1, &[]);
    last.forgotten_topics_data = vec![ForgottenTopic {
        topic: Str::from_static("t"),
        partitions: vec![0],
        ..ForgottenTopic::default()
    }];
    assert_eq!(fetch(&cache, &last, NOW, |_| answer(5)), Ok((0, vec![])));
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_final_fetch_closes_its_session_and_is_answered_in_full() {
    let cache = cache(10);
    let (id, _) = fetch(&cache, &request(0, 0, &[0]), NOW, |_| answer(5)).expect("full");
    assert_eq!(
        fetch(&cache, &request(id, -1, &[3]), NOW, |_| answer(5)),
        Ok((0, vec![3]))
    );
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_full_cache_answers_without_a_session() {
    let cache = cache(1);
    let (first, _) = fetch(&cache, &request(0, 0, &[0]), NOW, |_| answer(5)).expect("full");
    assert_eq!(
        fetch(&cache, &request(0, 0, &[0, 1]), NOW, |_| answer(5)),
        Ok((0, vec![0, 1]))
    );
    assert!(fetch(&cache, &request(first, 1, &[]), NOW, |_| answer(5)).is_ok());
}

#[test]
fn an_idle_session_makes_room_and_a_larger_one_pushes_out_an_old_smaller_one() {
    let cache = cache(1);
    let (first, _) = fetch(&cache, &request(0, 0, &[0]), NOW, |_| answer(5)).expect("full");
    let later = NOW + 3 * MINUTE;
    assert!(
        fetch(&cache, &request(first, 1, &[]), later, |_| answer(5)).is_ok(),
        "in use"
    );
    let (second, _) = fetch(&cache, &request(0, 0, &[0, 1]), later, |_| answer(5)).expect("full");
    assert!(second > 0, "larger than the old one");
    assert_eq!(
        fetch(&cache, &request(0, 0, &[5]), later, |_| answer(5)),
        Ok((0, vec![5]))
    );
    let (third, _) = fetch(&cache, &request(0, 0, &[5]), later + 3 * MINUTE, |_| {
        answer(5)
    })
    .expect("full");
    assert!(third > 0, "the second was idle");
}

#[test]
fn a_follower_pushes_out_a_consumer_at_once() {
    let cache = cache(1);
    fetch(&cache, &request(0, 0, &[0, 1, 2]), NOW, |_| answer(5)).expect("full");
    let follower = FetchRequest {
        replica_id: 2,
        ..request(0, 0, &[0])
    };
    let (id, _) = fetch(&cache, &follower, NOW, |_| answer(5)).expect("full");
    assert!(id > 0);
}

#[test]
fn the_epoch_wraps_to_one() {
    assert_eq!(epoch_after(i32::MAX), 1);
    assert_eq!(epoch_after(1), 2);
}
