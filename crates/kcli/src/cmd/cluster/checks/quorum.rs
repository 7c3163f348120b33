//! The quorum: how many may fail, and what its leader's clock says.

use client::Admin;

use super::super::look::Look;
use super::{Finding, some};
use crate::context::Context;

/// A clock that differs by more confuses retention and lookups by time.
const SKEW_MAX_MS: i64 = 2_000;

/// Whether the voters are as many as make sense.
pub(super) fn voters(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "voters";
    let quorum = match &look.quorum {
        None => return vec![Finding::ok(CHECK, "a cluster without a quorum of its own")],
        Some(Err(why)) => return vec![Finding::unknown(CHECK, why.clone())],
        Some(Ok(quorum)) => quorum,
    };
    let count = quorum.voters.len();
    let may_fail = count.saturating_sub(1) / 2;
    let brokers = look.cluster.brokers.len();
    let ids: Vec<String> = quorum
        .voters
        .iter()
        .map(|v| v.node_id.to_string())
        .collect();
    vec![match count {
        1 if brokers > 1 => Finding::warn(
            CHECK,
            format!(
                "one voter ({}) for {brokers} brokers: if it fails, nothing fails over",
                some(&ids)
            ),
            "make two more controllers voters: kcli quorum add-voter",
        ),
        2 => Finding::bad(
            CHECK,
            format!(
                "two voters ({}): both are needed, so killing either stops all failover",
                some(&ids)
            ),
            "add a third voter, a small controller-only node will do: kcli quorum add-voter",
        ),
        n if n.is_multiple_of(2) => Finding::warn(
            CHECK,
            format!("{n} voters survive {may_fail} failures, as {} do", n - 1),
            "make it an odd number: kcli quorum add-voter or remove-voter",
        ),
        n => Finding::ok(CHECK, format!("{n} voters, {may_fail} may fail")),
    }]
}

/// Whether the active controller's clock agrees with this machine's.
pub(super) async fn clock(admin: &Admin, context: &Context) -> Vec<Finding> {
    const CHECK: &str = "clock";
    let before_ms = context.now_ms();
    let Ok(Ok(quorum)) =
        tokio::time::timeout(std::time::Duration::from_secs(3), admin.describe_quorum()).await
    else {
        return vec![Finding::unknown(
            CHECK,
            "the quorum does not say what time it is",
        )];
    };
    let after_ms = context.now_ms();
    let leader = quorum.voters.iter().find(|v| v.node_id == quorum.leader_id);
    let Some(theirs) = leader.map(|l| l.last_fetch_ms).filter(|at| *at > 0) else {
        return vec![Finding::unknown(
            CHECK,
            "the quorum does not say what time it is",
        )];
    };
    // Somewhere between question and answer is when they looked at it.
    let skew_ms = match theirs {
        early if early < before_ms => early - before_ms,
        late if late > after_ms => late - after_ms,
        _ => 0,
    };
    vec![match skew_ms.abs() > SKEW_MAX_MS {
        false => Finding::ok(
            CHECK,
            "the active controller's clock agrees with this machine's",
        ),
        true => Finding::warn(
            CHECK,
            format!(
                "the clock of node {} is {skew_ms} ms away from this machine's",
                quorum.leader_id
            ),
            "let NTP or chrony run on all machines: retention and lookups by time rely on clocks",
        ),
    }]
}
