//! Tombstones, lags, transactions, and deletion beside compaction.

use protocol::records::{EndTxnMarker, Outcome};

use super::*;

#[test]
fn a_tombstone_stays_for_its_time_after_the_first_round_and_then_goes() {
    let bench = Bench::new();
    bench.produce("a1 b1");
    bench.produce("a-");
    bench.clean();
    assert_eq!(short(&bench.rows()), "b1@1 a-@2");
    let horizons = bench
        .headers()
        .iter()
        .map(|h| h.delete_horizon_ms())
        .collect::<Vec<_>>();
    assert_eq!(horizons, [None, Some(NOW_MS + 1000)]);
    bench.advance_ms(999);
    bench.produce("c1");
    bench.clean();
    assert_eq!(short(&bench.rows()), "b1@1 a-@2 c1@3");
    bench.advance_ms(1);
    bench.produce("d1");
    bench.clean();
    assert_eq!(short(&bench.rows()), "b1@1 c1@3 d1@4");
}

#[test]
fn a_tombstone_beyond_this_round_does_not_start_to_wait() {
    let bench = Bench::new();
    bench.produce("a1 b1 c- a2");
    bench.seal();
    let options = CleanOptions {
        dedupe_buffer_bytes: 3 * 24,
        load_factor: 0.9,
        ..CleanOptions::default()
    };
    let report = bench.clean_up_to(4, &options).unwrap().unwrap();
    assert_eq!(report.clean_offset, 2);
    assert_eq!(bench.headers()[0].delete_horizon_ms(), None);
    bench.clean_up_to(4, &options).unwrap().unwrap();
    assert_eq!(bench.headers()[0].delete_horizon_ms(), Some(NOW_MS + 1000));
}

#[test]
fn young_records_wait_and_old_ones_are_overdue() {
    let bench = Bench::new();
    let config = LogConfig {
        min_compaction_lag_ms: 10_000,
        max_compaction_lag_ms: 60_000,
        min_cleanable_dirty_ratio: 1.0,
        ..bench.config.clone()
    };
    bench.log.lock().set_config(config);
    bench.produce("a1 a2");
    bench.seal();
    let dirtiness = || {
        let end = bench.log.lock().log_end_offset();
        let view = bench.log.lock().cleaning_view(end).unwrap();
        view.dirtiness(types::Clock::wall_ms(&*bench.clock))
            .unwrap()
    };
    assert_eq!(dirtiness(), None);
    assert!(bench.try_clean().unwrap().is_none());
    bench.advance_ms(10_001);
    let dirty = dirtiness().unwrap();
    assert!(!dirty.is_overdue && dirty.cleanable_bytes == dirty.total_bytes);
    bench.advance_ms(50_001);
    assert!(dirtiness().unwrap().is_overdue);
    // A quiet log's last segment is closed for it.
    bench.produce("a3");
    bench.advance_ms(100_000);
    let now_ms = types::Clock::wall_ms(&*bench.clock);
    bench.log.lock().roll_for_cleaning(now_ms).unwrap();
    bench.log.lock().flush().unwrap();
    bench.try_clean().unwrap().unwrap();
    assert_eq!(short(&bench.rows()), "a3@2");
}

#[test]
fn deletion_goes_on_beside_compaction_and_only_where_it_is_asked_for() {
    let bench = Bench::new();
    bench.produce("a1 b1");
    bench.seal();
    bench.produce("a2");
    bench.clean();
    let later = NOW_MS + 30 * 24 * 3_600_000;
    let mut log = bench.log.lock();
    let retired = log.delete_old_segments(3, later).unwrap();
    assert!(retired.is_empty());
    let config = LogConfig {
        delete: true,
        ..bench.config.clone()
    };
    log.set_config(config);
    let retired = log.delete_old_segments(3, later).unwrap();
    assert!(!retired.is_empty());
    log.remove_retired(retired, later).unwrap();
    assert_eq!(log.log_start_offset(), 3);
}

fn transactional(bench: &Bench, sequence: i32, items: &str) {
    let batch = batch(items, |builder| {
        builder
            .set_producer(ProducerId(1), ProducerEpoch(0), sequence)
            .set_transactional(true);
    });
    bench.log.lock().append_as_leader(&[batch], EPOCH).unwrap();
}

fn end(bench: &Bench, outcome: Outcome) {
    let marker = EndTxnMarker {
        outcome,
        coordinator_epoch: 0,
    };
    let batch = marker
        .to_batch(ProducerId(1), ProducerEpoch(0), NOW_MS)
        .unwrap();
    let batch = ValidatedBatch::new(&batch.bytes).unwrap();
    bench.log.lock().append_as_leader(&[batch], EPOCH).unwrap();
}

#[test]
fn an_aborted_record_never_takes_the_place_of_an_earlier_one() {
    let bench = Bench::new();
    bench.produce("a1 b1");
    transactional(&bench, 0, "a2 b-");
    end(&bench, Outcome::Abort);
    transactional(&bench, 2, "b3");
    end(&bench, Outcome::Commit);
    bench.produce("c1 b4");
    bench.clean();
    bench.advance_ms(10_000);
    bench.produce("d1");
    bench.clean();
    let rows = bench.rows();
    let keyed: Vec<_> = rows
        .into_iter()
        .filter(|(_, key, _)| key.len() == 1)
        .collect();
    assert_eq!(short(&keyed), "a1@0 a2@2 c1@7 b4@8 d1@9");
    let controls = bench.headers().into_iter().filter(|h| h.is_control());
    assert_eq!(controls.map(|h| h.base_offset).collect::<Vec<_>>(), [4, 6]);
}

#[test]
fn nothing_is_cleaned_beyond_an_open_transaction() {
    let bench = Bench::new();
    bench.produce("a1 a2");
    bench.seal();
    transactional(&bench, 0, "b1");
    bench.produce("a3");
    let report = bench.clean();
    assert_eq!(report.clean_offset, 2);
    assert_eq!(short(&bench.rows()), "a2@1 b1@2 a3@3");
}
