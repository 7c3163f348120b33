//! What is deleted, and when.

use super::*;

fn filled(bench: &Bench) -> Log {
    let mut log = bench.create();
    for i in 0..40 {
        bench.clock.set_wall_ms(NOW_MS + i * HOUR_MS);
        log.append_as_leader(&[batch_at(1, NOW_MS + i * HOUR_MS)], EPOCH)
            .unwrap();
    }
    log
}

fn delete(log: &mut Log, high_watermark: Offset, now_ms: i64) -> Vec<Offset> {
    let retired = log.delete_old_segments(high_watermark, now_ms).unwrap();
    let bases = retired.iter().map(|segment| segment.base_offset).collect();
    log.remove_retired(retired, now_ms).unwrap();
    bases
}

fn bases(bench: &Bench) -> Vec<Offset> {
    let mut bases = Vec::new();
    for name in bench.names() {
        bases.extend(
            name.strip_suffix(".log")
                .map(|base| base.parse::<Offset>().unwrap()),
        );
    }
    bases
}

#[test]
fn segments_older_than_the_limit_go_but_never_beyond_the_high_watermark() {
    let mut bench = Bench::new();
    bench.config.retention_ms = Some(10 * HOUR_MS);
    let mut log = filled(&bench);
    let all = bases(&bench);
    let now = NOW_MS + 39 * HOUR_MS;
    assert_eq!(delete(&mut log, all[1] - 1, now), []);
    assert_eq!(delete(&mut log, all[1], now), [0]);
    let gone = delete(&mut log, 40, now);
    let start = log.log_start_offset();
    assert!(gone.iter().all(|base| *base < 29) && start <= 29 && start > all[1]);
    assert_eq!(offsets(&log).first(), Some(&(start, start)));
    assert_eq!(log.log_end_offset(), 40);
}

#[test]
fn an_idle_log_is_emptied_in_the_end_and_keeps_its_offsets() {
    let mut bench = Bench::new();
    bench.config.retention_ms = Some(10 * HOUR_MS);
    let mut log = filled(&bench);
    delete(&mut log, 40, NOW_MS + 1000 * HOUR_MS);
    assert_eq!(
        (
            log.log_start_offset(),
            log.log_end_offset(),
            log.size_bytes()
        ),
        (40, 40, 0)
    );
    assert_eq!(delete(&mut log, 40, NOW_MS + 2000 * HOUR_MS), []);
    let mut log = bench.reopen(log);
    assert_eq!(append(&mut log, 1).base_offset, 40);
}

#[test]
fn a_record_from_the_future_does_not_pin_its_segment() {
    let mut bench = Bench::new();
    bench.config.retention_ms = Some(HOUR_MS);
    let mut log = bench.create();
    let future = NOW_MS + 1000 * HOUR_MS;
    log.append_as_leader(&[batch_at(1, future)], EPOCH).unwrap();
    assert_eq!(delete(&mut log, 1, NOW_MS + HOUR_MS), []);
    assert_eq!(delete(&mut log, 1, NOW_MS + HOUR_MS + 1), [0]);
}

#[test]
fn size_leaves_at_least_as_much_as_the_limit() {
    let mut bench = Bench::new();
    let log = filled(&bench);
    let total = log.size_bytes();
    let first = bench
        .disk
        .contents(&bench.path("00000000000000000000.log"))
        .unwrap()
        .len() as u64;
    let mut log = bench.reopen(log);
    bench.config.retention_bytes = Some(total - first + 1);
    log.set_config(bench.config.clone());
    assert_eq!(delete(&mut log, 40, NOW_MS), []);
    bench.config.retention_bytes = Some(total - first);
    log.set_config(bench.config.clone());
    assert_eq!(delete(&mut log, 40, NOW_MS), [0]);
    bench.config.retention_bytes = Some(0);
    log.set_config(bench.config.clone());
    delete(&mut log, 40, NOW_MS);
    assert_eq!(log.size_bytes(), 0);
}

#[test]
fn compacted_topics_keep_what_delete_records_has_not_passed() {
    let mut bench = Bench::new();
    bench.config.retention_ms = Some(1);
    bench.config.delete = false;
    bench.config.compact = true;
    let mut log = filled(&bench);
    let all = bases(&bench);
    assert_eq!(delete(&mut log, 40, NOW_MS + 1000 * HOUR_MS), []);
    assert!(log.increment_log_start(all[2]).unwrap());
    assert!(!log.increment_log_start(all[2]).unwrap());
    assert!(matches!(
        log.increment_log_start(41),
        Err(Error::Invalid(_))
    ));
    assert_eq!(delete(&mut log, 40, NOW_MS), [all[0], all[1]]);
    assert_eq!(log.epoch_at(all[2]), EPOCH);
    assert_eq!(log.epoch_at(all[2] - 1), LeaderEpoch::NONE);
}

#[test]
fn files_are_renamed_first_and_removed_after_the_delay() {
    let mut bench = Bench::new();
    bench.config.retention_bytes = Some(0);
    bench.config.file_delete_delay_ms = 60_000;
    let mut log = filled(&bench);
    let reader = log.reader();
    assert_eq!(
        reader.read(0, 1, Offset::MAX, true).unwrap().first_offset,
        0
    );
    delete(&mut log, 40, NOW_MS);
    let deleted = |bench: &Bench| {
        bench
            .names()
            .iter()
            .filter(|n| n.ends_with(".deleted"))
            .count()
    };
    assert!(deleted(&bench) > 3);
    let error = reader.read(0, 1, Offset::MAX, true).unwrap_err();
    assert!(matches!(error, ReadError::Changed), "{error}");
    assert!(log.take_due_removals(NOW_MS + 59_999).is_empty());
    let due = log.take_due_removals(NOW_MS + 60_000);
    assert_eq!(due.len(), deleted(&bench));
    assert!(log.take_due_removals(NOW_MS + 60_000).is_empty());
    log.put_back_removals(due.clone(), NOW_MS + 60_001);
    assert_eq!(log.take_due_removals(NOW_MS + 60_001), due);
}

#[test]
fn a_log_out_of_service_touches_no_file() {
    let mut bench = Bench::new();
    bench.config.retention_bytes = Some(0);
    let mut log = filled(&bench);
    let retired = log.delete_old_segments(40, NOW_MS).unwrap();
    let names = bench.names();
    log.retire("the log was deleted");
    log.remove_retired(retired, NOW_MS).unwrap();
    assert_eq!(bench.names(), names);
}

#[test]
fn segments_below_the_persisted_log_start_do_not_come_back() {
    let bench = Bench::new();
    let log = filled(&bench);
    let all = bases(&bench);
    drop(log);
    let options = OpenOptions {
        log_start_offset: all[2] + 1,
        ..bench.options(0, Shutdown::Unclean)
    };
    let clock = Arc::clone(&bench.clock) as _;
    let deps = LogDeps {
        disk: Arc::new(bench.disk.clone()),
        clock,
    };
    let (log, _) = Log::open(options, deps).unwrap();
    assert_eq!(log.log_start_offset(), all[2] + 1);
    assert_eq!(bases(&bench), all[2..]);
}

#[test]
fn silent_producers_are_forgotten() {
    let mut bench = Bench::new();
    bench.config.producer_id_expiration_ms = HOUR_MS;
    let mut log = bench.create();
    log.append_as_leader(&[producer_batch(1, 0, 0, 1)], EPOCH)
        .unwrap();
    log.expire_producers(NOW_MS + HOUR_MS - 1, 1);
    assert_eq!(log.producer_count(), 1);
    log.expire_producers(NOW_MS + HOUR_MS, 1);
    assert_eq!(log.producer_count(), 0);
}
