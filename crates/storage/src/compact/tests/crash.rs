//! Kills, power cuts and failing disks at every call, and everything that may happen to a log
//! meanwhile.

use std::io::ErrorKind;

use super::*;
use crate::disk::fault::{Fault, Op};

/// Two segments of rows, and the rows after them.
fn dirty() -> Bench {
    let bench = Bench::new();
    bench.produce("a1 b1 c1");
    bench.produce("a2 b2");
    bench.seal();
    bench.produce_as(7, 0, "c2 d1");
    bench.produce("b-");
    bench.seal();
    bench.produce("e1");
    bench.log.lock().flush().unwrap();
    bench
}

const BEFORE: &str = "a1@0 b1@1 c1@2 a2@3 b2@4 c2@5 d1@6 b-@7 e1@8";
const AFTER: &str = "a2@3 c2@5 d1@6 b-@7 e1@8";

fn no_leftovers(bench: &Bench) {
    let names = bench.names();
    let is_left = |name: &&String| name.ends_with(".cleaned") || name.ends_with(".swap");
    assert_eq!(names.iter().find(is_left), None, "{names:?}");
}

/// Lets the call number `at` of a round fail; whether there was such a call.
fn fail_call(bench: &Bench, at: u64, fault: Fault) -> bool {
    bench.disk.plan(None, at, u64::MAX, fault);
    let result = bench.try_clean();
    let was_hit = bench.disk.planned_count() > 0 && result.is_err();
    bench.disk.heal();
    was_hit || result.is_err()
}

#[test]
fn a_round_that_is_killed_at_any_call_leaves_the_old_log_or_the_new_one() {
    let mut ends = Vec::new();
    for at in 0.. {
        let mut bench = dirty();
        // Every call from there on fails: the process sees nothing more of the disk.
        let was_hit = fail_call(&bench, at, Fault::Error(ErrorKind::Other));
        bench.disk.kill();
        bench.reopen(Shutdown::Unclean);
        let rows = short(&bench.rows());
        assert!(rows == BEFORE || rows == AFTER, "call {at}: {rows}");
        no_leftovers(&bench);
        bench.log.lock().flush().unwrap();
        bench.try_clean().unwrap();
        assert_eq!(short(&bench.rows()), AFTER, "call {at}");
        ends.push(rows == AFTER);
        if !was_hit {
            break;
        }
    }
    assert!(ends.len() > 20 && !ends[0] && ends[ends.len() - 1]);
}

#[test]
fn a_power_cut_at_any_call_leaves_the_old_log_or_the_new_one() {
    for at in 0.. {
        let mut was_hit = false;
        for seed in [None, Some(1), Some(2), Some(3)] {
            let mut bench = dirty();
            was_hit |= fail_call(&bench, at, Fault::Error(ErrorKind::Other));
            bench.disk.crash(seed);
            bench.reopen(Shutdown::PowerLoss);
            let rows = short(&bench.rows());
            assert!(rows == BEFORE || rows == AFTER, "call {at}: {rows}");
            no_leftovers(&bench);
            bench.try_clean().unwrap();
            assert_eq!(short(&bench.rows()), AFTER, "call {at}");
        }
        if !was_hit {
            break;
        }
    }
}

#[test]
fn a_recovery_that_is_killed_itself_is_done_again() {
    for at in 0.. {
        let mut bench = dirty();
        // Killed with the new segment in `.swap` and the old ones half gone.
        bench.disk.plan(
            Some(Op::Names),
            10,
            u64::MAX,
            Fault::Error(ErrorKind::Other),
        );
        assert!(bench.try_clean().is_err());
        bench.disk.kill();
        let point = bench.log.lock().recovery_point();
        bench
            .disk
            .plan(None, at, u64::MAX, Fault::Error(ErrorKind::Other));
        let (disk, clock, config) = (&bench.disk, &bench.clock, &bench.config);
        let opened = open(disk, clock, config, point, Shutdown::Unclean);
        let is_done = opened.is_ok();
        bench.disk.kill();
        bench.reopen(Shutdown::Unclean);
        let rows = short(&bench.rows());
        assert!(rows == BEFORE || rows == AFTER, "call {at}: {rows}");
        no_leftovers(&bench);
        if is_done {
            break;
        }
    }
}

#[test]
fn one_failing_call_is_survived_without_a_restart_or_takes_the_log_offline() {
    for at in 0.. {
        let mut bench = dirty();
        bench
            .disk
            .plan(None, at, 1, Fault::Error(ErrorKind::StorageFull));
        let result = bench.try_clean();
        if bench.disk.planned_count() > 0 {
            break;
        }
        if bench.log.lock().is_offline() {
            bench.disk.kill();
            bench.reopen(Shutdown::Unclean);
        } else if result.is_err() {
            assert_eq!(short(&bench.rows()), BEFORE, "call {at}");
            no_leftovers(&bench);
        }
        assert_eq!(bench.log.lock().uncleanable(), None, "call {at}");
        bench.produce("f1");
        bench.log.lock().flush().unwrap();
        bench.try_clean().unwrap();
        assert_eq!(short(&bench.rows()), format!("{AFTER} f1@9"), "call {at}");
    }
}

#[test]
fn a_full_disk_stops_a_round_until_there_is_room() {
    let bench = dirty();
    bench.disk.set_capacity(Some(40));
    let error = bench.try_clean().unwrap_err();
    assert!(matches!(&error, Stopped::Storage(error) if error.is_disk_full()));
    no_leftovers(&bench);
    assert_eq!(short(&bench.rows()), BEFORE);
    bench.disk.set_capacity(None);
    bench.try_clean().unwrap().unwrap();
    assert_eq!(short(&bench.rows()), AFTER);
}

#[test]
fn a_damaged_batch_makes_the_log_uncleanable_until_it_is_opened_again() {
    let mut bench = dirty();
    let path = Path::new(DIR).join("00000000000000000005.log");
    let sound = bench.disk.contents(&path).unwrap();
    let mut damaged = sound.clone();
    damaged[70] ^= 1;
    bench.disk.overwrite(&path, &damaged);
    let error = bench.try_clean().unwrap_err();
    assert!(
        matches!(error, Stopped::Storage(Error::Corrupt { .. })),
        "{error}"
    );
    assert!(bench.log.lock().uncleanable().is_some());
    assert!(bench.try_clean().unwrap().is_none());
    no_leftovers(&bench);
    bench.disk.overwrite(&path, &sound);
    bench.reopen(Shutdown::Clean);
    bench.try_clean().unwrap().unwrap();
}

#[test]
fn whatever_happens_to_the_log_at_any_call_wins() {
    type Change = fn(&mut Log);
    let changes: [(Change, &str); 4] = [
        (|log| log.truncate_to(4).unwrap(), "a1@0 b1@1 c1@2"),
        (|log| log.truncate_fully_and_start_at(20).unwrap(), ""),
        (
            |log| {
                log.increment_log_start(5).unwrap();
                let retired = log.delete_old_segments(9, NOW_MS).unwrap();
                log.remove_retired(retired, NOW_MS).unwrap();
            },
            "c2@5 d1@6 b-@7 e1@8",
        ),
        (|log| log.close().unwrap(), ""),
    ];
    for (change, expected) in changes {
        for op in [Op::Open, Op::Read, Op::Write, Op::Sync, Op::SyncDir] {
            let mut bench = dirty();
            let other = Arc::clone(&bench.log);
            bench.disk.meanwhile(op, move || {
                change(&mut other.try_lock().expect("the log's lock is free"));
            });
            if let Err(error) = bench.try_clean() {
                assert!(matches!(error, Stopped::Changed), "{op:?}: {error}");
            }
            let is_closed = bench.log.lock().is_offline();
            bench.reopen(Shutdown::Unclean);
            let rows = short(&bench.rows());
            if is_closed {
                assert!(rows == BEFORE || rows == AFTER, "{op:?}: {rows}");
            } else {
                assert!(
                    rows == expected || rows == kept_of(AFTER, expected),
                    "{op:?}: {rows}"
                );
            }
            no_leftovers(&bench);
        }
    }
}

/// Those of `rows` that are in `allowed` as well.
fn kept_of(rows: &str, allowed: &str) -> String {
    let kept = rows
        .split(' ')
        .filter(|row| allowed.split(' ').any(|a| a == *row));
    kept.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_round_that_is_asked_to_stop_stops_at_once() {
    for stop_at in 1.. {
        let bench = dirty();
        let mut count = 0;
        let mut spend = |_| {
            count += 1;
            if count < stop_at {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let options = CleanOptions::default();
        let result = clean(&bench.log, 9, NOW_MS, &options, &mut Pace::new(&mut spend));
        no_leftovers(&bench);
        match result {
            Err(Stopped::Asked) => assert_eq!(short(&bench.rows()), BEFORE),
            result => {
                result.unwrap().unwrap();
                break;
            }
        }
    }
}

#[test]
fn a_truncation_takes_the_clean_offset_along() {
    let mut bench = dirty();
    bench.try_clean().unwrap().unwrap();
    assert_eq!(bench.log.lock().clean_offset(), Some(8));
    bench.log.lock().truncate_to(6).unwrap();
    assert_eq!(bench.log.lock().clean_offset(), Some(5));
    bench.produce("x1 x2 x3");
    // The checkpoint may be older than the truncation.
    bench.reopen(Shutdown::Unclean);
    bench.log.lock().restore_clean_offset(8);
    assert_eq!(bench.log.lock().clean_offset(), Some(5));
}

#[test]
fn a_truncation_into_a_gap_ends_where_the_last_batch_does() {
    for to in 1..=9 {
        let mut bench = dirty();
        bench.try_clean().unwrap().unwrap();
        let before = bench.rows();
        bench.log.lock().truncate_to(to).unwrap();
        let end = bench.log.lock().log_end_offset();
        assert!(end <= to);
        assert_eq!(bench.headers().last().map_or(0, |h| h.next_offset()), end);
        bench.reopen(Shutdown::Unclean);
        assert_eq!(bench.log.lock().log_end_offset(), end);
        let kept: Vec<_> = before
            .into_iter()
            .filter(|(offset, ..)| *offset < end)
            .collect();
        assert_eq!(bench.rows(), kept);
        bench.produce("x1");
        assert_eq!(bench.rows().last().unwrap().0, end);
    }
}
