//! Opening again, after every kind of end.

use super::*;

const SEGMENT: &str = "00000000000000000000.log";

fn filled(bench: &Bench, batches: i32) -> Log {
    let mut log = bench.create();
    for _ in 0..batches {
        append(&mut log, 2);
    }
    log
}

#[test]
fn a_log_closed_cleanly_opens_without_a_scan() {
    let bench = Bench::new();
    let mut log = filled(&bench, 40);
    let expected = offsets(&log);
    log.close().unwrap();
    assert!(log.append_as_leader(&[batch(1)], EPOCH).is_err());
    let (log, report) = bench
        .try_open(log.recovery_point(), Shutdown::Clean)
        .unwrap();
    assert_eq!(report, RecoveryReport::default());
    assert_eq!(offsets(&log), expected);
    assert_eq!(log.log_end_offset(), 80);
}

#[test]
fn a_killed_log_is_scanned_from_its_recovery_point_only() {
    let bench = Bench::new();
    let mut log = filled(&bench, 20);
    log.flush().unwrap();
    let size = batch(2).bytes().len() as u64;
    for _ in 0..20 {
        append(&mut log, 2);
    }
    let expected = offsets(&log);
    let (log, report) = bench
        .try_open(log.recovery_point(), Shutdown::Unclean)
        .unwrap();
    assert_eq!(report.scanned_bytes, 20 * size);
    assert_eq!((report.cut_bytes, report.cut_at_offset), (0, None));
    assert_eq!(offsets(&log), expected);
    assert_eq!(log.recovery_point(), 40);
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_to_the_last_whole_batch() {
    let bench = Bench::new();
    let log = filled(&bench, 5);
    let recovery_point = log.recovery_point();
    let whole = bench.disk.contents(&bench.path(SEGMENT)).unwrap();
    let size = batch(2).bytes().len();
    for length in 0..=whole.len() {
        bench.disk.overwrite(&bench.path(SEGMENT), &whole[..length]);
        let (log, report) = bench.try_open(recovery_point, Shutdown::Unclean).unwrap();
        let batches = length / size;
        assert_eq!(
            log.log_end_offset(),
            2 * i64::try_from(batches).unwrap(),
            "length {length}"
        );
        assert_eq!(report.cut_bytes, (length % size) as u64);
        assert_eq!(report.cut_at_offset.is_some(), !length.is_multiple_of(size));
    }
}

#[test]
fn a_tail_of_zeros_or_garbage_is_cut_and_the_log_goes_on() {
    for tail in [
        vec![0; 4096],
        vec![0xa5; 77],
        b"\0\0\0\0\0\0\0\x0a\0\0\x7f\xff".to_vec(),
    ] {
        let bench = Bench::new();
        let log = filled(&bench, 5);
        let mut bytes = bench.disk.contents(&bench.path(SEGMENT)).unwrap();
        bytes.extend(&tail);
        bench.disk.overwrite(&bench.path(SEGMENT), &bytes);
        let (mut log, report) = bench
            .try_open(log.recovery_point(), Shutdown::Unclean)
            .unwrap();
        assert_eq!(report.cut_bytes, tail.len() as u64);
        assert_eq!(append(&mut log, 1).base_offset, 10);
        assert_eq!(offsets(&bench.kill(log)).len(), 6);
    }
}

#[test]
fn damage_below_the_recovery_point_is_refused_and_nothing_is_changed() {
    let bench = Bench::new();
    let mut log = filled(&bench, 5);
    log.flush().unwrap();
    let whole = bench.disk.contents(&bench.path(SEGMENT)).unwrap();
    let path = bench.path(SEGMENT);
    bench.disk.overwrite(&path, &whole[..whole.len() - 1]);
    for shutdown in [Shutdown::Clean, Shutdown::Unclean, Shutdown::PowerLoss] {
        let error = bench.try_open(log.recovery_point(), shutdown).unwrap_err();
        assert!(matches!(error, Error::Corrupt { offset: 8, .. }), "{error}");
        assert_eq!(bench.disk.contents(&path).unwrap().len(), whole.len() - 1);
    }
    // Cut at a batch boundary: every batch is sound, but durable ones are missing.
    bench.disk.overwrite(&path, &whole[..whole.len() / 5 * 4]);
    let error = bench
        .try_open(log.recovery_point(), Shutdown::Unclean)
        .unwrap_err();
    assert!(
        error.to_string().contains("durable up to offset 10"),
        "{error}"
    );
}

#[test]
fn damage_in_a_sealed_segment_is_refused_unless_the_machine_lost_power() {
    let bench = Bench::new();
    let log = filled(&bench, 20);
    let path = bench.path(SEGMENT);
    let mut bytes = bench.disk.contents(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x10;
    bench.disk.overwrite(&path, &bytes);
    let error = bench.try_open(0, Shutdown::Unclean).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    let before = log.log_end_offset();
    let (log, report) = bench.try_open(0, Shutdown::PowerLoss).unwrap();
    assert_eq!(report.cut_at_offset, Some(log.log_end_offset()));
    assert!(log.log_end_offset() < before);
    assert_eq!(log.segment_count(), 1);
    assert_eq!(
        bench
            .names()
            .iter()
            .filter(|name| name.ends_with(".log"))
            .count(),
        1
    );
}

#[test]
fn a_sealed_segment_that_ends_early_is_missed() {
    let bench = Bench::new();
    let log = filled(&bench, 20);
    let path = bench.path(SEGMENT);
    let bytes = bench.disk.contents(&path).unwrap();
    bench
        .disk
        .overwrite(&path, &bytes[..bytes.len() - batch(2).bytes().len()]);
    let error = bench.try_open(0, Shutdown::Unclean).unwrap_err();
    assert!(
        error.to_string().contains("the next one begins at"),
        "{error}"
    );
    drop(log);
    let (_, report) = bench.try_open(0, Shutdown::PowerLoss).unwrap();
    assert!(report.cut_bytes > 0);
}

#[test]
fn indexes_are_built_anew_when_they_are_missing_or_absurd() {
    let names = [
        "00000000000000000000.index",
        "00000000000000000000.timeindex",
    ];
    for name in names {
        for damage in [
            None,
            Some(vec![]),
            Some(vec![7]),
            Some(vec![0; 96]),
            Some(vec![0xff; 96]),
        ] {
            let bench = Bench::new();
            let log = filled(&bench, 40);
            let expected = offsets(&log);
            let mut log = log;
            log.close().unwrap();
            let before = bench.disk.contents(&bench.path(name)).unwrap();
            match &damage {
                Some(bytes) => bench.disk.overwrite(&bench.path(name), bytes),
                None => bench.disk.remove(&bench.path(name)).unwrap(),
            }
            let log = bench.open(log.recovery_point(), Shutdown::Clean);
            assert_eq!(offsets(&log), expected);
            for offset in (0..80).rev() {
                let read = log.reader().read(offset, 1, Offset::MAX, true).unwrap();
                assert_eq!(read.first_offset, offset / 2 * 2, "{name} {damage:?}");
            }
            if damage.as_ref().is_none_or(|bytes| bytes.len() == 1) {
                assert_eq!(bench.disk.contents(&bench.path(name)).unwrap(), before);
            }
        }
    }
}

#[test]
fn closed_files_are_sane_and_a_second_close_changes_nothing() {
    let bench = Bench::new();
    let mut log = filled(&bench, 40);
    log.close().unwrap();
    let files = |bench: &Bench| {
        let names = bench.names().into_iter();
        names
            .map(|n| (bench.disk.contents(&bench.path(&n)), n))
            .collect::<Vec<_>>()
    };
    let before = files(&bench);
    let calls = bench.disk.calls();
    let mut log = bench.open(log.recovery_point(), Shutdown::Clean);
    log.close().unwrap();
    assert_eq!(files(&bench), before);
    let reads_only = bench.disk.calls() - calls;
    assert!(
        reads_only < 60,
        "{reads_only} calls to open and close an idle log"
    );
}

#[test]
fn the_window_of_five_survives_restart_kill_and_roll() {
    let bench = Bench::new();
    let mut log = bench.create();
    for sequence in 0..30 {
        log.append_as_leader(&[producer_batch(1, 0, sequence, 1)], EPOCH)
            .unwrap();
    }
    assert!(log.segment_count() > 1);
    let check = |log: &mut Log| {
        let mut send = |sequence| log.append_as_leader(&[producer_batch(1, 0, sequence, 1)], EPOCH);
        for sequence in 25..30 {
            let info = send(sequence).unwrap();
            assert_eq!(
                (info.base_offset, info.duplicate),
                (i64::from(sequence), true)
            );
        }
        assert!(matches!(
            send(24),
            Err(AppendError::OutOfOrderSequence { .. })
        ));
        assert!(matches!(
            send(31),
            Err(AppendError::OutOfOrderSequence { .. })
        ));
    };
    check(&mut log);
    let mut log = bench.reopen(log);
    check(&mut log);
    let mut log = bench.kill(log);
    check(&mut log);
    // Without any snapshot the log itself tells.
    for name in bench
        .names()
        .iter()
        .filter(|name| name.ends_with(".snapshot"))
    {
        bench.disk.remove(&bench.path(name)).unwrap();
    }
    let mut log = bench.kill(log);
    check(&mut log);
}

#[test]
fn epochs_are_read_from_the_log_if_their_file_is_lost_or_lies() {
    for text in [None, Some(&b"garbage"[..]), Some(b"0\n1\n7 0\n"), Some(b"")] {
        let bench = Bench::new();
        let mut log = bench.create();
        for epoch in [0, 0, 2, 5] {
            log.append_as_leader(&[batch(1)], LeaderEpoch(epoch))
                .unwrap();
        }
        log.close().unwrap();
        let path = bench.path("leader-epoch-checkpoint");
        match text {
            Some(text) => bench.disk.overwrite(&path, text),
            None => bench.disk.remove(&path).unwrap(),
        }
        let log = bench.open(log.recovery_point(), Shutdown::Clean);
        let expected = &b"0\n3\n0 0\n2 2\n5 3\n"[..];
        assert_eq!(bench.disk.contents(&path).unwrap(), expected, "{text:?}");
        assert_eq!(
            log.end_offset_for_epoch(LeaderEpoch(4)),
            (LeaderEpoch(2), 3)
        );
    }
}

#[test]
fn a_crash_after_a_flush_loses_nothing_that_was_flushed() {
    let bench = Bench::new();
    let mut log = filled(&bench, 20);
    log.flush().unwrap();
    let expected = offsets(&log);
    for _ in 0..20 {
        append(&mut log, 2);
    }
    let recovery_point = log.recovery_point();
    drop(log);
    bench.disk.crash(None);
    let log = bench.open(recovery_point, Shutdown::PowerLoss);
    assert_eq!(offsets(&log), expected);
}

#[test]
fn a_crash_that_keeps_any_part_of_what_was_not_synced_leaves_a_prefix() {
    for seed in 0..200 {
        let bench = Bench::new();
        let mut log = filled(&bench, 9);
        log.flush().unwrap();
        for _ in 0..20 {
            append(&mut log, 2);
        }
        let (all, recovery_point) = (offsets(&log), log.recovery_point());
        drop(log);
        bench.disk.crash(Some(seed));
        let (mut log, _) = bench.try_open(recovery_point, Shutdown::PowerLoss).unwrap();
        let found = offsets(&log);
        assert!(
            found.len() >= 9 && all.starts_with(&found),
            "seed {seed}: {found:?}"
        );
        append(&mut log, 2);
        let again = bench.reopen(log);
        assert_eq!(offsets(&again).len(), found.len() + 1);
    }
}

#[test]
fn the_folder_of_another_topic_id_is_refused() {
    let bench = Bench::new();
    let id = |text: &str| Some(TopicId(text.parse().unwrap()));
    let open = |topic_id| {
        let options = OpenOptions {
            topic_id,
            ..bench.options(0, Shutdown::Clean)
        };
        let clock = Arc::clone(&bench.clock) as _;
        Log::open(
            options,
            LogDeps {
                disk: Arc::new(bench.disk.clone()),
                clock,
            },
        )
    };
    let ours = id("btKKG7DmTHuLskg82MLVlQ");
    open(ours).unwrap();
    let (log, _) = open(None).unwrap();
    assert_eq!(log.topic_id(), ours);
    let error = open(id("J7s9e8PPTKOO47PxzI39VA")).unwrap_err();
    assert!(
        error.to_string().contains("btKKG7DmTHuLskg82MLVlQ"),
        "{error}"
    );
}

#[test]
fn leftovers_of_earlier_runs_are_cleared_away_and_a_damaged_compaction_is_not_touched() {
    let bench = Bench::new();
    let mut log = filled(&bench, 2);
    log.close().unwrap();
    for name in [
        "00000000000000000009.log.deleted",
        "x.tmp",
        "00000000000000000009.timeindex",
    ] {
        bench.disk.overwrite(&bench.path(name), b"x");
    }
    bench.open(log.recovery_point(), Shutdown::Clean);
    assert_eq!(bench.names().len(), 5, "{:?}", bench.names());
    bench
        .disk
        .overwrite(&bench.path("00000000000000000000.log.swap"), b"x");
    let error = bench
        .try_open(log.recovery_point(), Shutdown::Clean)
        .unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert_eq!(bench.names().len(), 6, "{:?}", bench.names());
}

#[test]
fn a_log_start_beyond_the_log_end_deletes_nothing() {
    let bench = Bench::new();
    let mut log = filled(&bench, 20);
    log.close().unwrap();
    let before = bench.names();
    for shutdown in [Shutdown::Clean, Shutdown::Unclean] {
        let options = OpenOptions {
            log_start_offset: 999,
            ..bench.options(log.recovery_point(), shutdown)
        };
        let clock = Arc::clone(&bench.clock) as _;
        let disk = Arc::new(bench.disk.clone());
        let error = Log::open(options, LogDeps { disk, clock }).unwrap_err();
        assert!(
            error.to_string().contains("checkpointed start is 999"),
            "{error}"
        );
        assert_eq!(bench.names(), before);
    }
}

#[test]
fn a_log_whose_segments_are_all_gone_is_missed() {
    for shutdown in [Shutdown::Clean, Shutdown::Unclean, Shutdown::PowerLoss] {
        let bench = Bench::new();
        let mut log = filled(&bench, 5);
        log.close().unwrap();
        bench.disk.remove(&bench.path(SEGMENT)).unwrap();
        let error = bench.try_open(log.recovery_point(), shutdown).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        for part in [DIR, "durable up to offset 10", "remove the folder"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(!bench.names().iter().any(|name| name == SEGMENT));
    }
}

#[test]
fn nothing_panics_at_the_last_offset() {
    let bench = Bench::new();
    let mut log = filled(&bench, 5);
    log.close().unwrap();
    bench
        .disk
        .overwrite(&bench.path("09223372036854775807.log"), b"");
    let log = bench.open(log.recovery_point(), Shutdown::Clean);
    assert_eq!(log.log_end_offset(), 10);
    let bench = Bench::new();
    let options = OpenOptions {
        log_start_offset: Offset::MAX,
        ..bench.options(0, Shutdown::Clean)
    };
    let clock = Arc::clone(&bench.clock) as _;
    let disk = Arc::new(bench.disk.clone());
    let (log, _) = Log::open(options, LogDeps { disk, clock }).unwrap();
    assert_eq!(log.log_end_offset(), Offset::MAX);
}

#[test]
fn what_is_sound_in_front_of_damage_is_served_and_the_damage_is_not() {
    let bench = Bench::new();
    let log = filled(&bench, 5);
    let path = bench.path(SEGMENT);
    let mut bytes = bench.disk.contents(&path).unwrap();
    let in_the_third = bytes.len() / 2;
    bytes[in_the_third] ^= 0x10;
    bench.disk.overwrite(&path, &bytes);
    let read = |offset| log.reader().read(offset, 10_000, Offset::MAX, true);
    let sound = read(0).unwrap();
    assert_eq!(sound.next_offset, 4);
    assert_eq!(split_batches(sound.bytes).count(), 2);
    let error = read(4).unwrap_err();
    let is_corrupt = matches!(error, ReadError::Storage(Error::Corrupt { .. }));
    assert!(is_corrupt, "{error}");
    assert_eq!(split_batches(read(6).unwrap().bytes).count(), 2);
}
