//! A drill that is over: plan, figures and verdict, as one JSON object. `drill verify` reads it again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::analysis::{Analysis, Gap, Strike, ms};
use super::ledger::Ledger;
use super::preflight::{Preflight, Weight};
use super::verdict::Verdict;
use crate::exit::Exit;

/// The form of the JSON object.
const VERSION: u32 = 1;

/// Everything about one drill.
#[derive(Debug)]
pub(super) struct Outcome {
    /// `kill` or `rolling-restart`.
    pub(super) drill: &'static str,
    pub(super) cluster_id: String,
    pub(super) topic: String,
    pub(super) run: u64,
    /// When it began, for people.
    pub(super) began: String,
    /// What was planned, a line each: label and text.
    pub(super) plan: Vec<(&'static str, String)>,
    pub(super) preflight: Preflight,
    pub(super) strikes: Vec<Strike>,
    pub(super) ledger: Ledger,
    pub(super) analysis: Analysis,
    /// When the last record was handed over.
    pub(super) ended: Duration,
    /// What was found on reading back, or why it was not read.
    pub(super) verdict: Result<Verdict, String>,
}

impl Outcome {
    /// Partitions that have not been written to again since they were struck.
    pub(super) fn is_stuck(&self) -> bool {
        let figures = &self.analysis.partitions;
        figures
            .iter()
            .any(|it| it.longest_gap.is_some_and(|gap| gap.is_open))
    }

    /// The exit code it comes to.
    pub(super) fn exit(&self) -> Exit {
        match &self.verdict {
            Err(_) => Exit::Unreachable,
            Ok(verdict) if !verdict.is_clean() => Exit::Broken,
            Ok(_) if self.is_stuck() && self.preflight.weight < Weight::Stops => Exit::Unhealthy,
            Ok(_) => Exit::Ok,
        }
    }

    /// The whole drill in a sentence.
    pub(super) fn sentence(&self) -> String {
        let verdict = match &self.verdict {
            Err(why) => return format!("Not verified: {why}"),
            Ok(verdict) => verdict,
        };
        if !verdict.is_clean() {
            return format!(
                "BROKEN: of {} acknowledged records {} are lost; {} duplicated, {} out of order, {} \
                 moved, {} vanished",
                verdict.acknowledged,
                verdict.lost,
                verdict.duplicated,
                verdict.out_of_order,
                verdict.moved,
                verdict.vanished
            );
        }
        let count = verdict.acknowledged;
        let kept = format!("All {count} acknowledged records are there, once each and in order");
        match self.longest_gap() {
            Some(gap) if gap.is_open => format!(
                "{kept}. Writing had not gone on everywhere when the drill ended, after {}",
                shown(gap.length())
            ),
            Some(gap) => format!(
                "{kept}. Longest time without an acknowledgement: {}",
                shown(gap.length())
            ),
            None => kept,
        }
    }

    /// The longest gap of any partition.
    pub(super) fn longest_gap(&self) -> Option<Gap> {
        let gaps = self
            .analysis
            .partitions
            .iter()
            .filter_map(|it| it.longest_gap);
        gaps.max_by_key(Gap::length)
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let optional_ms = |at: Option<Duration>| at.map(ms);
        let gap = |gap: Option<Gap>| {
            gap.map(|gap| {
                json!({
                    "startMs": ms(gap.start),
                    "endMs": ms(gap.end),
                    "lengthMs": ms(gap.length()),
                    "isOpen": gap.is_open,
                })
            })
        };
        let partitions = self.analysis.partitions.iter().map(|it| {
            let ledger = self.ledger.get(&it.partition);
            json!({
                "partition": it.partition,
                "leaderBefore": it.leader_before,
                "leaderAfter": it.leader_after,
                "isStruck": it.is_struck,
                "newLeaderAtMs": optional_ms(it.new_leader_at),
                "sent": it.sent,
                "acknowledgedCount": it.acked,
                "longestGap": gap(it.longest_gap),
                "longestReadGap": gap(it.longest_read_gap),
                "startOffset": ledger.map(|ledger| ledger.start_offset),
                "acknowledged": ledger.map(super::ledger::PartitionLedger::acked_ranges),
            })
        });
        let timeline = self.analysis.timeline.iter().map(|event| {
            json!({
                "atMs": ms(event.at),
                "kind": event.what.kind(),
                "node": event.what.node(),
                "partition": event.what.partition(),
                "text": event.what.to_string(),
            })
        });
        let strikes = self.strikes.iter().map(|strike| {
            json!({
                "node": strike.node,
                "how": strike.how,
                "atMs": ms(strike.at),
                "restoredAtMs": optional_ms(strike.restored_at),
            })
        });
        let plan = self
            .plan
            .iter()
            .map(|(label, text)| json!({ "label": label, "text": text }));
        json!({
            "version": VERSION,
            "drill": self.drill,
            "clusterId": self.cluster_id,
            "topic": self.topic,
            "run": format!("{:016x}", self.run),
            "began": self.began,
            "plan": plan.collect::<Vec<_>>(),
            "expected": self.preflight,
            "summary": self.sentence(),
            "exitCode": self.exit().code(),
            "strikes": strikes.collect::<Vec<_>>(),
            "timeline": timeline.collect::<Vec<_>>(),
            "longestGapMs": self.longest_gap().map(|gap| ms(gap.length())),
            "recoveredAtMs": optional_ms(self.analysis.recovered_at),
            "acknowledgementLatencyMs": self.analysis.acks,
            "readLatencyMs": self.analysis.reads,
            "partitions": partitions.collect::<Vec<_>>(),
            "verification": self.verdict.as_ref().ok(),
            "notVerified": self.verdict.as_ref().err(),
            "chart": self.analysis.buckets,
        })
    }
}

/// A time as people say it.
pub(super) fn shown(time: Duration) -> String {
    match time.as_millis() {
        0..1000 => format!("{:.0} ms", ms(time)),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// What `drill verify` needs of a report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Claimed {
    version: u32,
    pub(super) cluster_id: String,
    pub(super) topic: String,
    pub(super) run: String,
    pub(super) partitions: Vec<ClaimedPartition>,
}

/// One partition of it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClaimedPartition {
    pub(super) partition: i32,
    pub(super) start_offset: i64,
    pub(super) acknowledged: Vec<(u64, u64)>,
}

impl Claimed {
    /// Out of a report's text.
    ///
    /// # Errors
    /// A sentence on what it is not.
    pub(super) fn parse(text: &[u8]) -> Result<(Self, u64), String> {
        let claimed: Self = serde_json::from_slice(text)
            .map_err(|error| format!("not a report of `kcli drill` as JSON: {error}"))?;
        if claimed.version != VERSION {
            return Err(format!("version {} is not known here", claimed.version));
        }
        let run = u64::from_str_radix(&claimed.run, 16);
        let run = run.map_err(|error| format!("run {:?}: {error}", claimed.run))?;
        Ok((claimed, run))
    }
}
