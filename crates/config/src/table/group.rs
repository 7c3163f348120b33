//! Keys of a group, sorted by name.

use crate::key::{Key, boolean, int, string};
use crate::rule::Rule;

#[rustfmt::skip] // One key, one line.
pub(super) static KEYS: &[Key] = &[
    int("consumer.assignment.interval.ms").default("1000").at_least(0).synonyms(&["group.consumer.assignment.interval.ms"]),
    int("consumer.heartbeat.interval.ms").default("5000").at_least(1).synonyms(&["group.consumer.heartbeat.interval.ms"]),
    int("consumer.session.timeout.ms").default("45000").at_least(1).synonyms(&["group.consumer.session.timeout.ms"]),
    int("share.assignment.interval.ms").default("1000").at_least(0).synonyms(&["group.share.assignment.interval.ms"]),
    string("share.auto.offset.reset").default("latest").rule_is(Rule::OffsetReset),
    int("share.delivery.count.limit").default("5").at_least(2).synonyms(&["group.share.delivery.count.limit"]),
    int("share.heartbeat.interval.ms").default("5000").at_least(1).synonyms(&["group.share.heartbeat.interval.ms"]),
    string("share.isolation.level").default("read_uncommitted").one_of(&["read_committed", "read_uncommitted"]),
    int("share.partition.max.record.locks").default("2000").at_least(100).synonyms(&["group.share.partition.max.record.locks"]),
    int("share.record.lock.duration.ms").default("30000").at_least(1000).synonyms(&["group.share.record.lock.duration.ms"]),
    boolean("share.renew.acknowledge.enable").default("true"),
    int("share.session.timeout.ms").default("45000").at_least(1).synonyms(&["group.share.session.timeout.ms"]),
    int("streams.assignment.interval.ms").default("1000").at_least(0).synonyms(&["group.streams.assignment.interval.ms"]),
    int("streams.heartbeat.interval.ms").default("5000").at_least(1).synonyms(&["group.streams.heartbeat.interval.ms"]),
    int("streams.initial.rebalance.delay.ms").default("3000").at_least(0).synonyms(&["group.streams.initial.rebalance.delay.ms"]),
    int("streams.num.standby.replicas").default("0").at_least(0).synonyms(&["group.streams.num.standby.replicas"]),
    int("streams.session.timeout.ms").default("45000").at_least(1).synonyms(&["group.streams.session.timeout.ms"]),
];
