//! Replicas: are there enough, in the right places, and led by the right ones.

use std::collections::{BTreeMap, BTreeSet};

use client::Admin;
use client::metadata::Topic;

use super::super::look::Look;
use super::{Finding, some};
use crate::cmd::partition::throttle;
use crate::replicas::State;

fn factor(topic: &Topic) -> usize {
    let counts = topic.partitions.iter().map(|p| p.replicas.len());
    counts.min().unwrap_or(0)
}

fn topics(look: &Look) -> impl Iterator<Item = &Topic> {
    let all: BTreeMap<_, _> = look.topics.topics.iter().collect();
    all.into_values().map(AsRef::as_ref)
}

/// Whether a lost broker loses events.
pub(super) fn factors(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "replication factor";
    let brokers = look.cluster.brokers.len();
    if brokers < 2 {
        return vec![Finding::ok(CHECK, "one broker, one replica of everything")];
    }
    let single = topics(look).filter(|t| !t.is_internal && factor(t) == 1);
    let single: Vec<String> = single.map(|topic| topic.name.to_string()).collect();
    let enough = brokers.min(3);
    let thin = topics(look).filter(|t| t.is_internal && factor(t) < enough);
    let thin: Vec<String> = thin.map(|topic| topic.name.to_string()).collect();
    let mut findings = Vec::new();
    if let Some(first) = single.first() {
        findings.push(Finding::warn(
            CHECK,
            match single.len() {
                1 => format!("{first} has one replica: it stops when its broker does"),
                _ => format!(
                    "{} have one replica: each stops when its broker does",
                    some(&single)
                ),
            },
            format!("give them more: kcli partition move {first} ID,ID,ID"),
        ));
    }
    if let Some(first) = thin.first() {
        findings.push(Finding::warn(
            CHECK,
            format!(
                "the cluster's own {} {} fewer than {enough} replicas: groups stop with a broker",
                some(&thin),
                if thin.len() == 1 { "has" } else { "have" }
            ),
            format!("give them more: kcli partition move {first} ID,ID,ID"),
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            "every topic survives the loss of a broker",
        ));
    }
    findings
}

/// Whether min.insync.replicas fits the number of replicas.
pub(super) fn min_isr(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "min.insync.replicas";
    let of = |topic: &Topic| Some((look.min_isrs.get(&*topic.name).copied()?, factor(topic)));
    let named = |is_meant: &dyn Fn(usize, usize) -> bool| {
        let meant =
            topics(look).filter(|t| of(t).is_some_and(|(min, factor)| is_meant(min, factor)));
        meant
            .map(|topic| topic.name.to_string())
            .collect::<Vec<_>>()
    };
    let stiff = named(&|min, factor| factor >= 2 && min >= factor);
    let loose = named(&|min, factor| factor >= 3 && min == 1);
    let mut findings = Vec::new();
    if let Some(first) = stiff.first() {
        findings.push(Finding::warn(
            CHECK,
            format!("{} need all their replicas: when any broker is down, acks=all is refused", some(&stiff)),
            format!("three replicas and two in sync, or kcli config set topic/{first} min.insync.replicas=1"),
        ));
    }
    if let Some(first) = loose.first() {
        findings.push(Finding::warn(
            CHECK,
            format!(
                "{} acknowledge with one replica in sync: its disk may be the only place",
                some(&loose)
            ),
            format!("kcli config set topic/{first} min.insync.replicas=2"),
        ));
    }
    if findings.is_empty() {
        findings.push(
            match look.min_isrs.is_empty() && !look.topics.topics.is_empty() {
                true => Finding::unknown(CHECK, "the configs of topics cannot be seen"),
                false => Finding::ok(CHECK, "fits the numbers of replicas"),
            },
        );
    }
    findings
}

/// Whether leaders may lose events by configuration.
pub(super) async fn unclean(admin: &Admin, look: &Look) -> Vec<Finding> {
    const CHECK: &str = "unclean elections";
    const KEY: &str = "unclean.leader.election.enable";
    let names: Vec<String> = topics(look).map(|topic| topic.name.to_string()).collect();
    let Ok(configs) = admin.topic_configs(&names, &[KEY]).await else {
        return vec![Finding::unknown(
            CHECK,
            "the configs of topics cannot be seen",
        )];
    };
    let is_on = |configs: Vec<client::admin::ConfigEntry>| {
        configs
            .iter()
            .any(|c| c.name == KEY && c.value.as_deref() == Some("true"))
    };
    let on = configs
        .into_iter()
        .filter_map(|(name, configs)| is_on(configs.ok()?).then_some(name));
    let on: Vec<String> = on.collect();
    vec![match on.first() {
        None => Finding::ok(CHECK, "never by themselves"),
        Some(first) => Finding::warn(
            CHECK,
            format!(
                "{} prefer going on to keeping acknowledged events",
                some(&on)
            ),
            format!("kcli config set topic/{first} {KEY}=false"),
        ),
    }]
}

/// Whether one rack holds all replicas of something.
pub(super) fn racks(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "rack spread";
    let brokers = look.cluster.brokers.iter();
    let racks: BTreeMap<i32, &str> = brokers
        .filter_map(|b| Some((b.broker.id, b.broker.rack.as_deref()?)))
        .collect();
    let all: BTreeSet<&str> = racks.values().copied().collect();
    if all.len() < 2 {
        return vec![Finding::ok(CHECK, "one rack or none")];
    }
    let is_crowded = |replicas: &[i32]| {
        let used: BTreeSet<_> = replicas.iter().map(|id| racks.get(id)).collect();
        replicas.len() > 1 && used.len() == 1 && !used.contains(&None)
    };
    let partitions = look.partitions();
    let crowded = partitions
        .iter()
        .filter(|(_, p, _)| is_crowded(&p.replicas));
    let crowded: Vec<String> = crowded
        .map(|(topic, p, _)| format!("{topic}/{}", p.index))
        .collect();
    vec![match crowded.is_empty() {
        true => Finding::ok(CHECK, "no rack holds all replicas of a partition"),
        false => Finding::warn(
            CHECK,
            format!("all replicas of {} are on one rack", some(&crowded)),
            "kcli partition rebalance",
        ),
    }]
}

/// Whether leaders are where they were meant to be.
pub(super) fn leaders(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "preferred leaders";
    /// Kafka's own limit, leader.imbalance.per.broker.percentage.
    const PERCENT_MAX: usize = 10;
    let partitions = look.partitions();
    let led: Vec<_> = partitions
        .iter()
        .filter(|(_, _, state)| *state != State::Offline)
        .collect();
    let strayed = led
        .iter()
        .filter(|(_, p, _)| p.replicas.first() != Some(&p.leader))
        .count();
    vec![match strayed * 100 > led.len() * PERCENT_MAX {
        false => Finding::ok(
            CHECK,
            format!("{} of {} partitions", led.len() - strayed, led.len()),
        ),
        true => Finding::warn(
            CHECK,
            format!(
                "{strayed} of {} partitions are led by another than their first replica",
                led.len()
            ),
            "kcli partition elect-preferred",
        ),
    }]
}

/// Whether brokers carry alike.
pub(super) fn spread(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "replica spread";
    let mut counts: BTreeMap<i32, usize> = look.up().into_iter().map(|id| (id, 0)).collect();
    for (_, partition, _) in look.partitions() {
        for id in &partition.replicas {
            counts.entry(*id).and_modify(|count| *count += 1);
        }
    }
    let most = counts.iter().max_by_key(|(_, count)| **count);
    let least = counts.iter().min_by_key(|(_, count)| **count);
    let (Some((full, most)), Some((empty, least))) = (most, least) else {
        return vec![Finding::unknown(CHECK, "no broker is up")];
    };
    // A third more than the emptiest, and not only by a few.
    let is_uneven = most.saturating_sub(*least) > (*most / 3).max(2);
    vec![match is_uneven {
        false => Finding::ok(CHECK, format!("{least} to {most} replicas on each broker")),
        true => Finding::warn(
            CHECK,
            format!("broker {full} has {most} replicas, broker {empty} has {least}"),
            "kcli partition rebalance --plan",
        ),
    }]
}

/// Whether moves are unfinished or have left throttles behind.
pub(super) async fn moves(admin: &Admin) -> Vec<Finding> {
    const CHECK: &str = "moves";
    const THROTTLES: &str = "throttles";
    let moving = match admin.list_reassignments(None).await {
        Ok(moving) => moving,
        Err(error) => return vec![Finding::unknown(CHECK, error.to_string())],
    };
    let names = moving
        .iter()
        .map(|m| format!("{}/{}", m.partition.topic, m.partition.partition));
    let names: Vec<String> = names.collect();
    let mut findings = vec![match names.is_empty() {
        true => Finding::ok(CHECK, "no partition is on the move"),
        false => Finding::warn(
            CHECK,
            format!("{} are on the move", some(&names)),
            "kcli partition status; to stop them: kcli partition cancel --all",
        ),
    }];
    findings.push(match throttle::Found::look(admin).await {
        Err(failure) => Finding::unknown(THROTTLES, failure.message),
        Ok(found) if found.is_empty() => Finding::ok(THROTTLES, "no replication throttle is set"),
        Ok(found) => {
            let what = format!(
                "{} brokers and {} topics throttle replication",
                found.brokers.len(),
                found.topics.len()
            );
            match names.is_empty() {
                true => Finding::warn(
                    THROTTLES,
                    format!("{what} though nothing moves"),
                    "kcli partition unthrottle",
                ),
                false => Finding::ok(THROTTLES, format!("{what}, for the moves under way")),
            }
        }
    });
    findings
}
