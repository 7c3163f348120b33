//! `kcli quorum status`.

use client::admin::{QuorumDescription, QuorumReplica};
use serde_json::json;

use crate::cmd::cluster::reasons;
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Page, Report, Tone};

/// Shows the quorum.
pub(crate) async fn run(context: &Context) -> Result {
    let quorum = context.admin().await?.describe_quorum().await?;
    let ids = |replicas: &[QuorumReplica]| replicas.iter().map(|r| r.node_id).collect::<Vec<_>>();
    let (voters, observers) = (ids(&quorum.voters), ids(&quorum.observers));
    let (lag, lag_ms) = slowest(&quorum, context.now_ms());
    let may_fail = reasons::margin(&quorum, context.now_ms());
    let lagging = reasons::lagging(&quorum, context.now_ms());
    let leader = (quorum.leader_id >= 0).then_some(quorum.leader_id);
    let json = json!({
        "leader": leader,
        "leaderEpoch": quorum.leader_epoch,
        "highWatermark": quorum.high_watermark,
        "maxFollowerLag": lag,
        "maxFollowerLagMs": lag_ms,
        "voters": voters,
        "observers": observers,
        "mayFail": may_fail,
    });
    let leader = match leader {
        Some(id) => Cell::toned(id.to_string(), Tone::Good),
        None => Cell::toned("none", Tone::Bad),
    };
    let page = Page::default().facts(vec![
        ("leader", leader),
        ("epoch", Cell::from(quorum.leader_epoch.to_string())),
        (
            "high watermark",
            Cell::from(quorum.high_watermark.to_string()),
        ),
        (
            "slowest replica",
            Cell::from(format!("{lag} records behind")),
        ),
        ("voters", Cell::list(&voters)),
        ("observers", Cell::list(&observers)),
        ("may fail", tolerance(may_fail, voters.len(), &lagging)),
    ]);
    context.output.print(&Report::new(&json, page))
}

/// How many voters may fail, and why it is not more.
fn tolerance(may_fail: usize, voter_count: usize, lagging: &[(i32, String)]) -> Cell {
    let of = format!("{may_fail} of {voter_count} voters");
    if !lagging.is_empty() {
        let lagging = lagging.iter().map(|(id, why)| format!("voter {id} {why}"));
        let lagging = lagging.collect::<Vec<_>>().join(", ");
        return Cell::toned(format!("{of} ({lagging})"), Tone::Warn);
    }
    match voter_count.is_multiple_of(2) {
        true => Cell::from(format!(
            "{of} (an odd number would do as well with one less)"
        )),
        false => Cell::from(of),
    }
}

/// How far the slowest replica is behind the leader: in records, and since when in milliseconds.
fn slowest(quorum: &QuorumDescription, now_ms: i64) -> (i64, i64) {
    let all = || quorum.voters.iter().chain(&quorum.observers);
    let leader = all().find(|replica| replica.node_id == quorum.leader_id);
    let end = leader.map_or(quorum.high_watermark, |leader| leader.log_end_offset);
    let others = all().filter(|replica| replica.node_id != quorum.leader_id);
    let behind = others.filter(|replica| replica.log_end_offset >= 0);
    let Some(slowest) = behind.min_by_key(|replica| replica.log_end_offset) else {
        return (0, 0);
    };
    let lag = (end - slowest.log_end_offset).max(0);
    let lag_ms = match (lag, slowest.last_caught_up_ms) {
        (1.., since @ 1..) => (now_ms - since).max(0),
        _ => 0,
    };
    (lag, lag_ms)
}
