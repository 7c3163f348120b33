//! What is not well, from one look at the cluster. Nothing is asked here.

use client::admin::QuorumDescription;
use client::metadata::Partition;
use serde_json::{Value, json};

use super::look::Look;
use crate::replicas::State;

/// A voter that has had nothing for so long is not keeping up.
const VOTER_LAG_MS: i64 = 10_000;

/// One thing that is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// For programs.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: String,
}

impl Reason {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// All of them: causes before what follows from them.
pub(crate) fn all(look: &Look, now_ms: i64) -> Vec<Reason> {
    let mut reasons = quorum(look, now_ms);
    let fenced = look.fenced().into_iter();
    reasons.extend(fenced.map(|id| Reason::new("brokerFenced", format!("broker {id} is fenced"))));
    for (id, dirs) in &look.log_dirs {
        if let Err(why) = dirs {
            let message = format!("broker {id} does not answer: {why}");
            reasons.push(Reason::new("brokerUnreachable", message));
        }
    }
    for (id, path, why) in look.bad_dirs() {
        let code = match why.as_str() {
            "full" => "diskFull",
            _ => "logDirOffline",
        };
        reasons.push(Reason::new(code, format!("broker {id}: {path} is {why}")));
    }
    reasons.extend(bounded(partitions(look)));
    reasons
}

/// Some of each kind by name, and how many more there are.
fn bounded(all: Vec<Reason>) -> Vec<Reason> {
    const NAMED_MAX: usize = 10;
    let mut reasons = Vec::new();
    for kind in all.chunk_by(|a, b| a.code == b.code) {
        reasons.extend(kind.iter().take(NAMED_MAX).cloned());
        let (more, code) = (kind.len().saturating_sub(NAMED_MAX), kind[0].code);
        let what = match code {
            "partitionOffline" => "have no leader",
            "partitionUnderMinIsr" => "have fewer replicas in sync than min.insync.replicas",
            _ => "have replicas out of sync",
        };
        if more > 0 {
            reasons.push(Reason::new(code, format!("{more} more partitions {what}")));
        }
    }
    reasons
}

fn partitions(look: &Look) -> Vec<Reason> {
    let mut all: Vec<(State, Reason)> = Vec::new();
    for (topic, partition, state) in look.partitions() {
        let name = format!("{topic}-{}", partition.index);
        let out = partition
            .replicas
            .iter()
            .filter(|id| !partition.isr.contains(id));
        let out: Vec<_> = out.map(ToString::to_string).collect();
        let (in_sync, out) = (partition.isr.len(), out.join(", "));
        let is_complete = out.is_empty();
        let reason = match state {
            State::Offline => Reason::new(
                "partitionOffline",
                format!("partition {name} has no leader"),
            ),
            State::UnderMinIsr => Reason::new(
                "partitionUnderMinIsr",
                format!(
                    "partition {name}: only {in_sync} in sync, fewer than min.insync.replicas; out of sync: {out}"
                ),
            ),
            State::AtMinIsr | State::UnderReplicated if !is_complete => Reason::new(
                "partitionUnderReplicated",
                format!("partition {name}: out of sync: {out}"),
            ),
            _ => continue,
        };
        all.push((state, reason));
    }
    all.sort_by_key(|(state, reason)| {
        (
            reason.code != "partitionOffline",
            reason.code != "partitionUnderMinIsr",
            *state,
        )
    });
    all.into_iter().map(|(_, reason)| reason).collect()
}

fn quorum(look: &Look, now_ms: i64) -> Vec<Reason> {
    match &look.quorum {
        None => Vec::new(),
        Some(Err(why)) => vec![Reason::new(
            "quorumUnreachable",
            format!("the metadata quorum does not answer, perhaps most voters are down: {why}"),
        )],
        Some(Ok(quorum)) if quorum.leader_id < 0 => {
            vec![Reason::new(
                "quorumLeaderless",
                "the metadata quorum has no leader",
            )]
        }
        Some(Ok(quorum)) => lagging(quorum, now_ms)
            .into_iter()
            .map(|(id, why)| Reason::new("voterLagging", format!("voter {id} {why}")))
            .collect(),
    }
}

/// Voters that do not keep up, and how it shows.
pub(crate) fn lagging(quorum: &QuorumDescription, now_ms: i64) -> Vec<(i32, String)> {
    let leader = quorum.voters.iter().find(|v| v.node_id == quorum.leader_id);
    // The leader's clock wrote the times, so it is the one to compare them with.
    let now_ms = leader
        .map(|l| l.last_fetch_ms)
        .filter(|at| *at > 0)
        .unwrap_or(now_ms);
    let end = leader.map_or(quorum.high_watermark, |leader| leader.log_end_offset);
    let followers = quorum
        .voters
        .iter()
        .filter(|v| v.node_id != quorum.leader_id);
    let mut lagging = Vec::new();
    for voter in followers {
        let silent_ms = now_ms - voter.last_fetch_ms;
        let behind_ms = now_ms - voter.last_caught_up_ms;
        if voter.log_end_offset < 0 {
            lagging.push((voter.node_id, "has not been heard of".to_owned()));
        } else if voter.last_fetch_ms > 0 && silent_ms > VOTER_LAG_MS {
            let seconds = silent_ms / 1000;
            lagging.push((
                voter.node_id,
                format!("has not been heard of for {seconds} s"),
            ));
        } else if voter.last_caught_up_ms > 0
            && behind_ms > VOTER_LAG_MS
            && voter.log_end_offset < end
        {
            let count = end - voter.log_end_offset;
            lagging.push((
                voter.node_id,
                format!("is {count} records behind for {} s", behind_ms / 1000),
            ));
        }
    }
    lagging
}

/// How many more voters may fail while a majority is left that keeps up.
pub(crate) fn margin(quorum: &QuorumDescription, now_ms: i64) -> usize {
    let keep_up = match quorum.leader_id {
        ..0 => 0,
        _ => quorum.voters.len() - lagging(quorum, now_ms).len(),
    };
    keep_up.saturating_sub(quorum.voters.len() / 2 + 1)
}

/// The whole for programs.
pub(crate) fn json(look: &Look, reasons: &[Reason], now_ms: i64) -> Value {
    let partitions = look.partitions();
    let count = |state| partitions.iter().filter(|(_, _, s)| *s == state).count();
    let is_out_of_sync = |topic: &str, p: &Partition| {
        let expected = look.expected(topic, p);
        expected.iter().any(|id| !p.isr.contains(id))
    };
    let out_of_sync = partitions
        .iter()
        .filter(|(topic, p, _)| is_out_of_sync(topic, p));
    let quorum = look.quorum.as_ref().and_then(|quorum| quorum.as_ref().ok());
    let quorum = quorum.map(|quorum| {
        let lagging: Vec<i32> = lagging(quorum, now_ms)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        json!({
            "leader": (quorum.leader_id >= 0).then_some(quorum.leader_id),
            "leaderEpoch": quorum.leader_epoch,
            "voters": quorum.voters.iter().map(|v| v.node_id).collect::<Vec<_>>(),
            "laggingVoters": lagging,
            // How many more may fail.
            "margin": margin(quorum, now_ms),
        })
    });
    let dirs = look.bad_dirs().into_iter();
    let dirs = dirs
        .map(|(broker, path, why)| json!({ "broker": broker, "directory": path, "error": why }));
    json!({
        "isHealthy": reasons.is_empty(),
        "reasons": reasons.iter().map(|r| json!({ "code": r.code, "message": r.message })).collect::<Vec<_>>(),
        "troubles": reasons.iter().map(|r| &r.message).collect::<Vec<_>>(),
        "brokersUp": look.up(),
        "brokersFenced": look.fenced(),
        "partitions": partitions.len(),
        "offlinePartitions": count(State::Offline),
        "underMinIsrPartitions": count(State::UnderMinIsr),
        "underReplicatedPartitions": out_of_sync.count(),
        "quorum": quorum,
        "badLogDirs": dirs.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use client::admin::QuorumReplica;

    use super::*;

    fn voter(
        node_id: i32,
        log_end_offset: i64,
        last_fetch_ms: i64,
        last_caught_up_ms: i64,
    ) -> QuorumReplica {
        QuorumReplica {
            node_id,
            directory_id: types::Uuid::ZERO,
            log_end_offset,
            last_fetch_ms,
            last_caught_up_ms,
        }
    }

    #[test]
    fn a_thousand_partitions_are_not_a_thousand_lines() {
        let many = |code| (0..1000).map(move |_| Reason::new(code, "x"));
        let all = many("partitionOffline").chain(many("partitionUnderReplicated"));
        let told = bounded(all.collect());
        assert_eq!(told.len(), 22);
        assert_eq!(told[10].message, "990 more partitions have no leader");
    }

    #[test]
    fn a_voter_is_judged_by_the_leaders_clock() {
        let quorum = QuorumDescription {
            leader_id: 1,
            leader_epoch: 1,
            high_watermark: 90,
            voters: vec![
                voter(1, 100, 50_000, 50_000),
                voter(2, 100, 49_900, 49_900),
                voter(3, 80, 30_000, 30_000),
                voter(4, 70, 49_900, 20_000),
                voter(5, -1, -1, -1),
            ],
            observers: vec![],
            listeners: vec![],
        };
        // A clock of ours that is hours ahead changes nothing.
        let lagging: Vec<_> = lagging(&quorum, 9_000_000)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert_eq!(lagging, [3, 4, 5]);
    }

    #[test]
    fn a_dead_voter_leaves_less_to_fail() {
        let quorum = |leader_id, third_heard_ms| QuorumDescription {
            leader_id,
            leader_epoch: 1,
            high_watermark: 100,
            voters: vec![
                voter(1, 100, 50_000, 50_000),
                voter(2, 100, 49_900, 49_900),
                voter(3, 80, third_heard_ms, third_heard_ms),
            ],
            observers: vec![],
            listeners: vec![],
        };
        assert_eq!(margin(&quorum(1, 49_000), 0), 1);
        assert_eq!(margin(&quorum(1, 30_000), 0), 0);
        assert_eq!(margin(&quorum(-1, 49_000), 50_000), 0);
    }
}
