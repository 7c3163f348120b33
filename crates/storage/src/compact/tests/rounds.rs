//! What one round does.

use super::*;

#[test]
fn the_last_record_of_each_key_stays_at_its_offset() {
    let bench = Bench::new();
    bench.produce("a1 b1 a2");
    bench.produce("c1 b2");
    bench.seal();
    bench.produce("a3 d1");
    let report = bench.clean();
    assert_eq!(short(&bench.rows()), "c1@3 b2@4 a3@5 d1@6");
    assert_eq!((report.first_dirty_offset, report.clean_offset), (0, 7));
    assert_eq!((report.dropped_count, report.key_count), (3, 4));
    assert_eq!(bench.log.lock().clean_offset(), Some(7));
    // Nothing is dirty now, and nothing is done.
    assert!(bench.try_clean().unwrap().is_none());
}

#[test]
fn the_active_segment_and_what_is_above_the_high_watermark_are_not_touched() {
    let bench = Bench::new();
    bench.produce("a1 a2");
    bench.seal();
    bench.produce("a3 a4");
    bench.seal();
    bench.produce("a5 a6");
    let report = bench.clean_up_to(3, &CleanOptions::default()).unwrap();
    assert_eq!(report.unwrap().clean_offset, 2);
    assert_eq!(short(&bench.rows()), "a2@1 a3@2 a4@3 a5@4 a6@5");
    bench.try_clean().unwrap().unwrap();
    assert_eq!(short(&bench.rows()), "a4@3 a5@4 a6@5");
    bench.clean();
    assert_eq!(short(&bench.rows()), "a6@5");
}

#[test]
fn what_is_not_durable_yet_is_not_touched() {
    let bench = Bench::new();
    bench.produce("a1 a2");
    bench.log.lock().maybe_roll(i64::MAX / 2).unwrap();
    assert!(bench.try_clean().unwrap().is_none());
    bench.log.lock().flush().unwrap();
    assert!(bench.try_clean().unwrap().is_some());
}

#[test]
fn a_second_round_only_adds_what_has_become_dirty() {
    let bench = Bench::new();
    bench.produce("a1 b1 c1");
    bench.clean();
    bench.produce("b2 d1");
    let report = bench.clean();
    assert_eq!((report.first_dirty_offset, report.clean_offset), (3, 5));
    assert_eq!(report.key_count, 2);
    assert_eq!(short(&bench.rows()), "a1@0 c1@2 b2@3 d1@4");
}

#[test]
fn small_segments_become_one_and_large_ones_stay_apart() {
    let bench = Bench::new();
    for i in 0..10 {
        bench.produce(&format!("a{i}"));
        bench.seal();
    }
    assert_eq!(bench.log.lock().segment_count(), 11);
    bench.clean();
    assert_eq!(short(&bench.rows()), "a9@9");
    let count = bench.log.lock().segment_count();
    assert_eq!(count, 3, "two of up to 500 bytes, and the active one");
    bench.produce("b1");
    bench.clean();
    assert_eq!(bench.log.lock().segment_count(), 2);
    assert_eq!(short(&bench.rows()), "a9@9 b1@10");
}

#[test]
fn a_segment_that_loses_nothing_is_not_written_again() {
    let bench = Bench::new();
    let long = "x".repeat(400);
    bench.produce(&format!("a{long}"));
    bench.produce(&format!("b{long}"));
    bench.seal();
    let calls = bench.disk.calls();
    let report = bench.try_clean().unwrap().unwrap();
    assert_eq!(report.before_bytes, report.after_bytes);
    assert!(bench.names().iter().all(|name| !name.ends_with(".deleted")));
    // Reading is all that it takes.
    assert!(bench.disk.calls() - calls < 20);
    // What is clean already is looked at, and only what follows is written.
    bench.produce(&format!("b{}", "y".repeat(400)));
    bench.clean();
    let deleted = bench
        .names()
        .into_iter()
        .filter(|n| n.ends_with(".log.deleted"));
    assert_eq!(
        deleted.collect::<Vec<_>>(),
        ["00000000000000000001.log.deleted"]
    );
}

#[test]
fn a_change_late_in_a_segment_keeps_what_came_before_byte_for_byte() {
    let bench = Bench::new();
    bench.produce("a1 b1");
    bench.produce("c1 d1");
    bench.produce("e1 e2");
    let before = batches(&bench.log.lock());
    bench.clean();
    let after = batches(&bench.log.lock());
    assert_eq!(before[..2], after[..2]);
    assert_eq!(short(&bench.rows()), "a1@0 b1@1 c1@2 d1@3 e2@5");
}

#[test]
fn records_without_a_key_go() {
    let bench = Bench::new();
    bench.produce("?1 a1 ?2");
    let report = bench.clean();
    assert_eq!((report.dropped_count, report.keyless_count), (2, 2));
    assert_eq!(short(&bench.rows()), "a1@1");
}

#[test]
fn a_full_key_map_leaves_the_rest_for_the_next_round() {
    let bench = Bench::new();
    bench.produce("a1 b1 a2 c1 a3 d1");
    bench.seal();
    let options = CleanOptions {
        dedupe_buffer_bytes: 3 * 24,
        load_factor: 0.9,
        ..CleanOptions::default()
    };
    let mut clean_offsets = Vec::new();
    while let Some(report) = bench.clean_up_to(6, &options).unwrap() {
        clean_offsets.push(report.clean_offset);
    }
    // Two keys at a time: a b | a c | a d.
    assert_eq!(clean_offsets, [2, 4, 6]);
    assert_eq!(short(&bench.rows()), "b1@1 c1@3 a3@4 d1@5");
}

#[test]
fn readers_are_told_that_the_log_has_changed_and_find_the_next_record_in_a_gap() {
    let bench = Bench::new();
    bench.produce("a1");
    bench.produce("b1");
    bench.produce("a2");
    bench.seal();
    let old = bench.log.lock().reader();
    bench.clean();
    let error = old.read(0, 300, 3, true).unwrap_err();
    assert!(matches!(error, crate::ReadError::Changed));
    let read = bench.log.lock().reader().read(0, 1, 3, true).unwrap();
    assert_eq!((read.first_offset, read.next_offset), (1, 2));
    let found = bench.log.lock().offset_for_timestamp(0, 3).unwrap();
    assert_eq!(found.unwrap().offset, 1);
}

#[test]
fn every_codec_timestamp_and_epoch_stays() {
    for codec in Compression::ALL {
        let bench = Bench::new();
        for (epoch, items) in [(3, ["a1", "b1"]), (5, ["b2", "c1"])] {
            let mut builder = BatchBuilder::new(codec);
            for (item, i) in items.iter().zip(0..) {
                let (key, value) = item.split_at(1);
                let timestamp = NOW_MS + i64::from(epoch) * 100 - i;
                let value = Some(value.as_bytes());
                builder
                    .append(timestamp, Some(key.as_bytes()), value, &[])
                    .unwrap();
            }
            let batch = ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap();
            let mut log = bench.log.lock();
            log.append_as_leader(&[batch], LeaderEpoch(epoch)).unwrap();
        }
        bench.clean();
        assert_eq!(short(&bench.rows()), "a1@0 b2@2 c1@3");
        let headers = bench.headers();
        assert!(headers.iter().all(|h| h.compression() == Ok(codec)));
        let epochs = headers.iter().map(|h| h.partition_leader_epoch.0);
        assert_eq!(epochs.collect::<Vec<_>>(), [3, 5]);
        assert_eq!(
            (headers[0].max_timestamp, headers[0].last_offset()),
            (NOW_MS + 300, 1)
        );
        let log = bench.log.lock();
        assert_eq!(
            log.end_offset_for_epoch(LeaderEpoch(3)),
            (LeaderEpoch(3), 2)
        );
    }
}

#[test]
fn an_empty_batch_keeps_the_sequence_of_its_producer() {
    let mut bench = Bench::new();
    bench.produce_as(7, 0, "a1 b1");
    bench.produce_as(7, 2, "a2 b2");
    bench.produce_as(8, 0, "c1");
    bench.produce("a3 b3 c3");
    bench.clean();
    assert_eq!(short(&bench.rows()), "a3@5 b3@6 c3@7");
    let kept: Vec<_> = bench
        .headers()
        .iter()
        .map(|h| (h.base_offset, h.record_count))
        .collect();
    assert_eq!(kept, [(2, 0), (4, 0), (5, 3)]);
    // Even if nothing but the log itself is left.
    for name in bench
        .names()
        .iter()
        .filter(|name| name.ends_with(".snapshot"))
    {
        bench.disk.remove(&Path::new(DIR).join(name)).unwrap();
    }
    bench.reopen(Shutdown::Unclean);
    let mut log = bench.log.lock();
    let sequences = |id| {
        let producers = log.producers();
        let found = producers.iter().find(|p| p.producer_id == ProducerId(id));
        found.map(|p| p.last_sequence)
    };
    assert_eq!((sequences(7), sequences(8)), (Some(3), Some(0)));
    let retry = batch("a2 b2", |builder| {
        builder.set_producer(ProducerId(7), ProducerEpoch(0), 2);
    });
    let info = log.append_as_leader(&[retry], EPOCH).unwrap();
    assert!(info.duplicate && info.base_offset == 2);
}

#[test]
fn the_end_of_the_log_can_be_reached_though_all_of_it_is_gone() {
    let bench = Bench::new();
    bench.produce("a1 b1");
    bench.produce("a- b-");
    bench.clean();
    bench.advance_ms(2000);
    bench.produce("c1");
    bench.clean();
    bench.produce("c-");
    bench.clean();
    bench.advance_ms(2000);
    bench.produce("?1");
    bench.clean();
    assert_eq!(short(&bench.rows()), "");
    let headers = bench.headers();
    assert_eq!(headers.last().unwrap().next_offset(), 7);
    assert_eq!(bench.log.lock().log_end_offset(), 7);
}

#[test]
fn what_compaction_wrote_is_verified_by_whoever_reads_it() {
    let bench = Bench::new();
    bench.produce("a1 b1 a2");
    bench.clean();
    let reader = || bench.log.lock().reader();
    let path = Path::new(DIR).join("00000000000000000000.log");
    let mut bytes = bench.disk.contents(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    bench.disk.overwrite(&path, &bytes);
    let cached = reader().try_read_cached(0, 1000, Offset::MAX, true);
    assert!(matches!(cached, Err(crate::ReadError::WouldBlock)));
    let read = reader().read(0, 1000, Offset::MAX, true);
    let is_corrupt = matches!(read, Err(crate::ReadError::Storage(Error::Corrupt { .. })));
    assert!(is_corrupt);
}
