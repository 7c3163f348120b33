//! A failover made by hand, and its figures.

use super::*;
use crate::cmd::drill::ledger::{Answer, Entry};

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A record every 10 ms, answered after 2 ms, except that answers due in the outage come at its end.
fn ledger(total_ms: u64, outage: std::ops::Range<u64>) -> PartitionLedger {
    let entries = (0..total_ms / 10).map(|i| {
        let sent = i * 10;
        let due = sent + 2;
        let answered = if outage.contains(&due) {
            outage.end
        } else {
            due
        };
        Entry {
            sent: at(sent),
            answer: Answer::Acked {
                offset: i64::try_from(i).expect("small"),
                at: at(answered),
            },
        }
    });
    PartitionLedger {
        start_offset: 0,
        entries: entries.collect(),
    }
}

fn analyse(ledger: &Ledger, events: Vec<Event>, struck_at: u64) -> Analysis {
    let strikes = [Strike {
        node: 1,
        how: "killed",
        at: at(struck_at),
        restored_at: None,
    }];
    let leaders = BTreeMap::from([(0, 1), (1, 2)]);
    let recorded = Recorded {
        ledger,
        live: &Live::default(),
        events,
        troubles: &[
            (at(100), "before".to_owned()),
            (at(1003), "refused".to_owned()),
        ],
        strikes: &strikes,
        leaders: &leaders,
        ended: at(3000),
    };
    recorded.analyse()
}

fn leader(ms: u64, to: i32) -> Event {
    let what = What::Leader {
        partition: 0,
        from: 1,
        to,
        epoch: 2,
    };
    Event { at: at(ms), what }
}

#[test]
fn the_outage_is_the_longest_gap_of_the_struck_partition() {
    let ledger = Ledger::from([(0, ledger(3000, 1001..1300)), (1, ledger(3000, 0..0))]);
    let analysis = analyse(&ledger, vec![leader(1200, -1), leader(1250, 3)], 1000);
    let struck = &analysis.partitions[0];
    assert!(struck.is_struck);
    let gap = struck.longest_gap.expect("a gap");
    assert_eq!(
        (gap.start, gap.end, gap.is_open),
        (at(992), at(1300), false)
    );
    assert_eq!(
        (struck.new_leader_at, struck.leader_after),
        (Some(at(1250)), 3)
    );
    assert_eq!(analysis.recovered_at, Some(at(1300)));
    let other = &analysis.partitions[1];
    assert!(!other.is_struck);
    assert_eq!(other.longest_gap.map(|gap| gap.length()), Some(at(10)));
}

#[test]
fn phases_part_at_the_blow_and_at_the_recovery() {
    let ledger = Ledger::from([(0, ledger(3000, 1001..1300))]);
    let analysis = analyse(&ledger, vec![], 1000);
    let phases = analysis.acks;
    assert_eq!(phases.before.count, 100);
    assert!((phases.before.max - 2.0).abs() < 0.1, "{phases:?}");
    assert!((phases.during.max - 300.0).abs() < 1.0, "{phases:?}");
    assert!((phases.after.max - 2.0).abs() < 0.1, "{phases:?}");
    let all = phases.before.count + phases.during.count + phases.after.count;
    assert_eq!(all, 300);
}

#[test]
fn the_timeline_names_first_error_and_the_borders_of_the_gap() {
    let ledger = Ledger::from([(0, ledger(3000, 1001..1300))]);
    let analysis = analyse(&ledger, vec![leader(1250, 3)], 1000);
    let kinds: Vec<_> = analysis
        .timeline
        .iter()
        .map(|event| event.what.kind())
        .collect();
    assert_eq!(kinds, ["lastAck", "firstError", "leader", "firstAck"]);
}

#[test]
fn a_partition_that_never_answers_again_has_an_open_gap() {
    let mut dead = ledger(3000, 0..0);
    for entry in &mut dead.entries {
        if entry.sent >= at(1000) {
            entry.answer = Answer::None;
        }
    }
    let analysis = analyse(&Ledger::from([(0, dead)]), vec![], 1000);
    let gap = analysis.partitions[0].longest_gap.expect("a gap");
    assert_eq!((gap.start, gap.end, gap.is_open), (at(992), at(3000), true));
    assert!(
        !analysis
            .timeline
            .iter()
            .any(|event| event.what.kind() == "firstAck")
    );
}

#[test]
fn the_chart_counts_every_record_once() {
    let ledger = Ledger::from([(0, ledger(3000, 1001..1300))]);
    let analysis = analyse(&ledger, vec![], 1000);
    let sum = |of: fn(&Bucket) -> u64| analysis.buckets.iter().map(of).sum::<u64>();
    assert_eq!((sum(|it| it.sent), sum(|it| it.acked)), (300, 300));
    assert!(analysis.buckets.len() <= 31, "{}", analysis.buckets.len());
}
