//! Appending and reading back.

use std::io::ErrorKind;

use super::*;
use crate::disk::fault::{Fault, Op};

#[test]
fn batches_get_the_next_offsets_and_come_back_whole() {
    let bench = Bench::new();
    let mut log = bench.create();
    let first = append(&mut log, 3);
    let second = log
        .append_as_leader(&[batch(1), batch(2)], LeaderEpoch(4))
        .unwrap();
    assert_eq!((first.base_offset, first.last_offset), (0, 2));
    assert_eq!((second.base_offset, second.last_offset), (3, 5));
    assert_eq!(second.log_append_time, -1);
    assert_eq!(offsets(&log), [(0, 2), (3, 3), (4, 5)]);
    let read = log.reader().read(3, 1000, Offset::MAX, true).unwrap();
    for batch in split_batches(read.bytes) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        assert_eq!(batch.header.partition_leader_epoch, LeaderEpoch(4));
    }
}

#[test]
fn an_offset_within_a_batch_returns_the_whole_batch() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 3);
    append(&mut log, 3);
    let read = log.reader().read(4, 1000, Offset::MAX, false).unwrap();
    assert_eq!((read.first_offset, read.next_offset), (3, 6));
}

#[test]
fn reads_stop_at_the_limits_but_give_one_batch_if_asked() {
    let bench = Bench::new();
    let mut log = bench.create();
    for _ in 0..3 {
        append(&mut log, 2);
    }
    let reader = log.reader();
    let size = batch(2).bytes().len();
    let read = |max_bytes, up_to, min_one| {
        let read = reader.read(0, max_bytes, up_to, min_one).unwrap();
        (read.bytes.len(), read.next_offset)
    };
    assert_eq!(read(2 * size, 6, false), (2 * size, 4));
    assert_eq!(read(2 * size - 1, 6, false), (size, 2));
    assert_eq!(read(size - 1, 6, false), (0, 0));
    assert_eq!(read(1, 6, true), (size, 2));
    assert_eq!(read(usize::MAX, 4, true), (2 * size, 4));
    assert_eq!(read(usize::MAX, 3, true), (size, 2));
    assert_eq!(read(usize::MAX, 1, true), (0, 0));
}

#[test]
fn offsets_outside_the_log_are_refused_and_its_end_is_empty() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 3);
    log.increment_log_start(2).unwrap();
    let reader = log.reader();
    for offset in [-1, 1, 4] {
        let error = reader.read(offset, 100, Offset::MAX, true).unwrap_err();
        assert!(matches!(
            error,
            ReadError::OffsetOutOfRange {
                log_start_offset: 2,
                ..
            }
        ));
    }
    assert!(
        reader
            .read(3, 100, Offset::MAX, true)
            .unwrap()
            .bytes
            .is_empty()
    );
    assert_eq!(
        reader.read(2, 1, Offset::MAX, true).unwrap().first_offset,
        0
    );
}

#[test]
fn segments_roll_by_size_and_reading_goes_on_in_the_next() {
    let bench = Bench::new();
    let mut log = bench.create();
    for _ in 0..40 {
        append(&mut log, 2);
    }
    assert!(log.segment_count() > 3);
    let expected: Vec<_> = (0..40).map(|i| (2 * i, 2 * i + 1)).collect();
    assert_eq!(offsets(&log), expected);
    let reader = log.reader();
    for offset in 0..80 {
        let read = reader.read(offset, 1, Offset::MAX, true).unwrap();
        assert_eq!(read.first_offset, offset / 2 * 2, "offset {offset}");
    }
}

#[test]
fn a_segment_rolls_when_a_record_is_much_newer_than_its_first() {
    let mut bench = Bench::new();
    bench.config.segment_ms = HOUR_MS;
    let mut log = bench.create();
    for timestamp in [NOW_MS, NOW_MS + HOUR_MS, NOW_MS + HOUR_MS + 1] {
        log.append_as_leader(&[batch_at(1, timestamp)], EPOCH)
            .unwrap();
    }
    assert_eq!(log.segment_count(), 2);
    assert!(!log.maybe_roll(NOW_MS + 2 * HOUR_MS).unwrap());
    assert!(log.maybe_roll(NOW_MS + 3 * HOUR_MS).unwrap());
    assert!(!log.maybe_roll(NOW_MS + 9 * HOUR_MS).unwrap());
}

#[test]
fn jitter_makes_a_segment_roll_earlier_never_later() {
    let mut bench = Bench::new();
    bench.config.segment_ms = HOUR_MS;
    bench.config.segment_jitter_ms = HOUR_MS / 2;
    let mut log = bench.create();
    append(&mut log, 1);
    assert!(!log.maybe_roll(NOW_MS + HOUR_MS / 2 - 1).unwrap());
    assert!(log.maybe_roll(NOW_MS + HOUR_MS + 1).unwrap());
}

#[test]
fn batches_larger_than_a_segment_and_stale_epochs_are_refused() {
    let bench = Bench::new();
    let mut log = bench.create();
    log.append_as_leader(&[batch(1)], LeaderEpoch(3)).unwrap();
    let error = log
        .append_as_leader(&[batch(100)], LeaderEpoch(3))
        .unwrap_err();
    assert!(matches!(
        error,
        AppendError::LargerThanSegment {
            segment_bytes: 1000,
            ..
        }
    ));
    let error = log
        .append_as_leader(&[batch(1)], LeaderEpoch(2))
        .unwrap_err();
    assert!(matches!(error, AppendError::StaleLeaderEpoch { .. }));
    assert_eq!(log.log_end_offset(), 1);
}

#[test]
fn a_follower_keeps_offsets_and_epochs_and_becomes_byte_equal() {
    let (leader_bench, follower_bench) = (Bench::new(), Bench::new());
    let mut leader = leader_bench.create();
    let mut follower = follower_bench.create();
    for epoch in [0, 0, 2, 5] {
        for count in 1..4 {
            leader
                .append_as_leader(&[batch(count)], LeaderEpoch(epoch))
                .unwrap();
        }
    }
    while follower.log_end_offset() < leader.log_end_offset() {
        let from = follower.log_end_offset();
        let read = leader.reader().read(from, 5000, Offset::MAX, true).unwrap();
        follower.append_as_follower(read.bytes).unwrap();
    }
    assert_eq!(offsets(&follower), offsets(&leader));
    assert_eq!(follower.latest_epoch(), LeaderEpoch(5));
    for epoch in 0..7 {
        let epoch = LeaderEpoch(epoch);
        assert_eq!(
            follower.end_offset_for_epoch(epoch),
            leader.end_offset_for_epoch(epoch)
        );
    }
    for name in leader_bench
        .names()
        .iter()
        .filter(|name| name.ends_with(".log"))
    {
        let path = leader_bench.path(name);
        assert_eq!(
            follower_bench.disk.contents(&path),
            leader_bench.disk.contents(&path)
        );
    }
}

#[test]
fn a_follower_takes_more_at_once_than_a_segment_holds() {
    let bench = Bench::new();
    let mut log = bench.create();
    let mut bytes = Vec::new();
    for base in 0..30 {
        let mut builder = builder(1, NOW_MS);
        builder.set_base_offset(base).set_leader_epoch(EPOCH);
        bytes.extend(builder.build().unwrap().bytes);
    }
    log.append_as_follower(bytes.into()).unwrap();
    assert_eq!(log.log_end_offset(), 30);
    assert!(log.segment_count() > 2);
    assert!(
        bench
            .names()
            .iter()
            .filter(|n| n.ends_with(".log"))
            .all(|name| { bench.disk.contents(&bench.path(name)).unwrap().len() <= 1000 })
    );
}

#[test]
fn a_follower_refuses_what_does_not_continue_its_log_or_is_damaged() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 3);
    let copied = |base, epoch| {
        let mut builder = builder(2, NOW_MS);
        builder
            .set_base_offset(base)
            .set_leader_epoch(LeaderEpoch(epoch));
        builder.build().unwrap().bytes
    };
    let mut damaged = copied(3, 0).to_vec();
    damaged[70] ^= 1;
    let mut cut = copied(3, 0);
    cut.truncate(cut.len() - 1);
    let refused = |log: &mut Log, bytes: Bytes| log.append_as_follower(bytes).unwrap_err();
    assert!(matches!(
        refused(&mut log, copied(2, 0)),
        AppendError::UnexpectedOffset { .. }
    ));
    assert!(matches!(
        refused(&mut log, copied(3, -1)),
        AppendError::StaleLeaderEpoch { .. }
    ));
    assert!(matches!(
        refused(&mut log, damaged.into()),
        AppendError::Malformed { .. }
    ));
    assert!(matches!(
        refused(&mut log, cut),
        AppendError::Malformed { .. }
    ));
    assert!(matches!(
        refused(&mut log, Bytes::new()),
        AppendError::Malformed { .. }
    ));
    assert_eq!(offsets(&log), [(0, 2)]);
}

#[test]
fn retries_get_their_first_offsets_and_gaps_are_refused() {
    let bench = Bench::new();
    let mut log = bench.create();
    let mut send = |id, epoch, sequence, count| {
        log.append_as_leader(&[producer_batch(id, epoch, sequence, count)], EPOCH)
            .map(|info| (info.base_offset, info.last_offset, info.duplicate))
    };
    assert_eq!(send(7, 0, 0, 3).unwrap(), (0, 2, false));
    assert_eq!(send(7, 0, 3, 1).unwrap(), (3, 3, false));
    assert_eq!(send(7, 0, 0, 3).unwrap(), (0, 2, true));
    assert!(matches!(
        send(7, 0, 5, 1),
        Err(AppendError::OutOfOrderSequence {
            last_sequence: 3,
            sequence: 5,
            ..
        })
    ));
    // An unknown producer may begin anywhere; a new epoch must begin at zero.
    assert_eq!(send(8, 0, 41, 1).unwrap(), (4, 4, false));
    assert!(matches!(
        send(7, 1, 4, 1),
        Err(AppendError::OutOfOrderSequence { .. })
    ));
    assert_eq!(send(7, 1, 0, 1).unwrap(), (5, 5, false));
    assert!(matches!(
        send(7, 0, 4, 1),
        Err(AppendError::InvalidProducerEpoch {
            current: ProducerEpoch(1),
            ..
        })
    ));
}

#[test]
fn only_the_last_five_batches_count_as_retries() {
    let bench = Bench::new();
    let mut log = bench.create();
    for sequence in 0..6 {
        log.append_as_leader(&[producer_batch(1, 0, sequence, 1)], EPOCH)
            .unwrap();
    }
    let mut send = |sequence| log.append_as_leader(&[producer_batch(1, 0, sequence, 1)], EPOCH);
    assert!(send(1).unwrap().duplicate);
    assert!(matches!(
        send(0),
        Err(AppendError::OutOfOrderSequence { .. })
    ));
}

#[test]
fn sequences_wrap_to_zero() {
    let bench = Bench::new();
    let mut log = bench.create();
    let mut send =
        |sequence, count| log.append_as_leader(&[producer_batch(1, 0, sequence, count)], EPOCH);
    send(i32::MAX - 1, 2).unwrap();
    send(0, 1).unwrap();
    assert!(send(i32::MAX - 1, 2).unwrap().duplicate);
    send(i32::MAX, 3).unwrap_err();
    send(1, 1).unwrap();
}

#[test]
fn a_failed_or_short_write_leaves_the_log_as_it_was() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 2);
    let before = bench.disk.contents(&bench.path("00000000000000000000.log"));
    bench
        .disk
        .plan(Some(Op::Write), 0, 1, Fault::Error(ErrorKind::StorageFull));
    let error = log.append_as_leader(&[batch(1)], EPOCH).unwrap_err();
    let AppendError::Storage(error) = error else {
        panic!("{error}")
    };
    assert!(error.is_disk_full() && !error.is_offline());
    bench.disk.plan(Some(Op::Write), 0, 1, Fault::Short(20));
    bench
        .disk
        .plan(Some(Op::Write), 0, 1, Fault::Error(ErrorKind::StorageFull));
    log.append_as_leader(&[batch(1)], EPOCH).unwrap_err();
    assert_eq!(
        bench.disk.contents(&bench.path("00000000000000000000.log")),
        before
    );
    append(&mut log, 1);
    assert_eq!(offsets(&log), [(0, 1), (2, 2)]);
}

#[test]
fn a_short_write_alone_is_completed() {
    let bench = Bench::new();
    let mut log = bench.create();
    bench.disk.plan(Some(Op::Write), 0, 3, Fault::Short(7));
    append(&mut log, 2);
    assert_eq!(offsets(&log), [(0, 1)]);
}

#[test]
fn a_write_that_cannot_be_undone_takes_the_log_offline() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 2);
    bench.disk.plan(Some(Op::Write), 0, 1, Fault::Short(20));
    bench
        .disk
        .plan(Some(Op::Write), 0, 1, Fault::Error(ErrorKind::Other));
    bench
        .disk
        .plan(Some(Op::SetLen), 0, 1, Fault::Error(ErrorKind::Other));
    let error = log.append_as_leader(&[batch(1)], EPOCH).unwrap_err();
    assert!(
        matches!(error, AppendError::Storage(Error::Offline { .. })),
        "{error}"
    );
    log.append_as_leader(&[batch(1)], EPOCH).unwrap_err();
    assert_eq!(offsets(&log), [(0, 1)]);
    // Opening it again cuts the torn batch off.
    let (log, report) = bench.try_open(0, Shutdown::Unclean).unwrap();
    assert_eq!(report.cut_bytes, 20);
    assert_eq!(offsets(&log), [(0, 1)]);
}

#[test]
fn a_failed_fsync_takes_the_directory_offline_for_good() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 2);
    bench
        .disk
        .plan(Some(Op::Sync), 0, 1, Fault::Error(ErrorKind::Other));
    assert!(log.flush().unwrap_err().is_offline());
    assert!(log.flush().unwrap_err().is_offline());
    assert_eq!(log.recovery_point(), 0);
    log.append_as_leader(&[batch(1)], EPOCH).unwrap_err();
    assert_eq!(offsets(&log), [(0, 1)]);
}

#[test]
fn a_full_disk_never_leaves_a_torn_batch_behind() {
    for capacity in 0..1500 {
        let bench = Bench::new();
        let mut log = bench.create();
        append(&mut log, 2);
        bench.disk.set_capacity(Some(capacity));
        let mut expected = vec![(0, 1)];
        for _ in 0..12 {
            if let Ok(info) = log.append_as_leader(&[batch(2)], EPOCH) {
                expected.push((info.base_offset, info.last_offset));
            }
        }
        assert_eq!(offsets(&log), expected, "capacity {capacity}");
        bench.disk.set_capacity(None);
        let info = append(&mut log, 2);
        expected.push((info.base_offset, info.last_offset));
        let log = bench.kill(log);
        assert_eq!(offsets(&log), expected, "capacity {capacity}");
    }
}

#[test]
fn cold_bytes_are_not_waited_for() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 2);
    let reader = log.reader();
    assert_eq!(
        reader
            .try_read_cached(0, 500, Offset::MAX, true)
            .unwrap()
            .next_offset,
        2
    );
    bench.disk.set_cold(true);
    let error = reader
        .try_read_cached(0, 500, Offset::MAX, true)
        .unwrap_err();
    assert!(matches!(error, ReadError::WouldBlock));
    assert_eq!(
        reader.read(0, 500, Offset::MAX, true).unwrap().next_offset,
        2
    );
}

#[test]
fn timestamps_are_found_exactly_inside_batches() {
    let bench = Bench::new();
    let mut log = bench.create();
    for i in 0..30 {
        log.append_as_leader(&[batch_at(3, NOW_MS + i * 10)], EPOCH)
            .unwrap();
    }
    let find = |target| {
        let found = log.offset_for_timestamp(target, Offset::MAX).unwrap();
        found.map(|f| (f.offset, f.timestamp - NOW_MS))
    };
    assert_eq!(find(0), Some((0, 0)));
    for i in 0..30 {
        let start = NOW_MS + i * 10;
        assert_eq!(find(start), Some((i * 3, i * 10)));
        assert_eq!(find(start + 1), Some((i * 3 + 1, i * 10 + 1)));
        assert_eq!(find(start - 5), Some((i * 3, i * 10)));
    }
    assert_eq!(find(NOW_MS + 293), None);
    assert_eq!(log.offset_for_timestamp(NOW_MS + 12, 5).unwrap(), None);
    assert_eq!(
        log.offset_for_timestamp(NOW_MS + 11, 5)
            .unwrap()
            .unwrap()
            .offset,
        4
    );
}

#[test]
fn the_largest_timestamp_is_found_wherever_it_is() {
    let bench = Bench::new();
    let mut log = bench.create();
    for i in 0..30 {
        let late = if i == 12 { 1000 } else { 0 };
        log.append_as_leader(&[batch_at(3, NOW_MS + i * 10 + late)], EPOCH)
            .unwrap();
    }
    let max = |log: &Log, up_to| {
        let found = log.max_timestamp_offset(up_to).unwrap();
        found.map(|f| (f.offset, f.timestamp - NOW_MS))
    };
    assert_eq!(max(&log, Offset::MAX), Some((38, 1122)));
    assert_eq!(max(&log, 38), Some((37, 1121)));
    assert_eq!(max(&log, 36), Some((35, 112)));
    assert_eq!(max(&log, 0), None);
    log.increment_log_start(39).unwrap();
    assert_eq!(max(&log, Offset::MAX), Some((89, 292)));
}
