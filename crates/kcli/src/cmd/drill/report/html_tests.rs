//! The page of a small drill.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::cmd::drill::analysis::{Recorded, Strike};
use crate::cmd::drill::event::Event;
use crate::cmd::drill::ledger::{Answer, Entry, Ledger, PartitionLedger};
use crate::cmd::drill::outcome::Claimed;
use crate::cmd::drill::preflight::Preflight;
use crate::cmd::drill::reader::Live;
use crate::cmd::drill::verdict::Verdict;

fn outcome() -> Outcome {
    let ms = Duration::from_millis;
    let entries = (0..300u64).map(|i| Entry {
        sent: ms(i * 10),
        answer: Answer::Acked {
            offset: i64::try_from(i).expect("small"),
            at: ms(if (100..150).contains(&i) {
                1500
            } else {
                i * 10 + 1
            }),
        },
    });
    let ledger = PartitionLedger {
        start_offset: 0,
        entries: entries.collect(),
    };
    let ledger = Ledger::from([(0, ledger)]);
    let strikes = vec![Strike {
        node: 2,
        how: "killed (SIGKILL)",
        at: ms(1000),
        restored_at: None,
    }];
    let struck = What::Struck {
        node: 2,
        how: "killed (SIGKILL)",
    };
    let recorded = Recorded {
        ledger: &ledger,
        live: &Live::default(),
        events: vec![Event {
            at: ms(1000),
            what: struck,
        }],
        troubles: &[(ms(1002), "<refused> & \"gone\"".to_owned())],
        strikes: &strikes,
        leaders: &BTreeMap::from([(0, 2)]),
        ended: ms(3000),
    };
    let analysis = recorded.analyse();
    Outcome {
        drill: "kill",
        cluster_id: "id".to_owned(),
        topic: "cities".to_owned(),
        run: 0xab,
        began: "today".to_owned(),
        plan: vec![("strike", "node 2".to_owned())],
        preflight: Preflight {
            weight: Weight::Good,
            findings: vec![],
        },
        strikes,
        ledger,
        analysis,
        ended: ms(3000),
        verdict: Ok(Verdict {
            acknowledged: 300,
            found: 300,
            ..Verdict::default()
        }),
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = page(&outcome());
    for word in [
        "http://", "https://", "src=", "@import", "url(", "<script", "<link",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("The outage, closely"), "{page}");
    assert!(
        page.contains("All 300 acknowledged records are there"),
        "{page}"
    );
}

#[test]
fn what_brokers_say_cannot_become_markup() {
    let page = page(&outcome());
    assert!(
        page.contains("&lt;refused&gt; &amp; &quot;gone&quot;"),
        "{page}"
    );
    assert!(!page.contains("<refused>"));
}

#[test]
fn every_element_that_is_opened_is_closed() {
    let page = page(&outcome());
    for name in [
        "svg", "table", "div", "figure", "tr", "main", "body", "html", "text", "ul",
    ] {
        let opened =
            page.matches(&format!("<{name} ")).count() + page.matches(&format!("<{name}>")).count();
        assert_eq!(
            opened,
            page.matches(&format!("</{name}>")).count(),
            "{name}"
        );
    }
}

#[test]
fn a_report_is_read_again_for_verifying() {
    let json = outcome().to_json().to_string();
    let (claimed, run) = Claimed::parse(json.as_bytes()).expect("a report");
    assert_eq!(run, 0xab);
    assert_eq!(claimed.topic, "cities");
    assert_eq!(claimed.partitions[0].acknowledged, [(0, 299)]);
    assert!(Claimed::parse(b"{}").is_err());
}

#[test]
fn the_exit_code_tells_the_verdict() {
    let mut outcome = outcome();
    assert_eq!(outcome.exit(), Exit::Ok);
    outcome.verdict = Ok(Verdict {
        lost: 1,
        ..Verdict::default()
    });
    assert_eq!(outcome.exit(), Exit::Broken);
    outcome.verdict = Err("no leader".to_owned());
    assert_eq!(outcome.exit(), Exit::Unreachable);
}
