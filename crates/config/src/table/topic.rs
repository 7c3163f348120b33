//! Keys of a topic, sorted by name.

use crate::key::{Key, boolean, double, int, list, long, string};
use crate::rule::Rule;

#[rustfmt::skip] // One key, one line.
pub(super) static KEYS: &[Key] = &[
    list("cleanup.policy").default("delete").one_of(&["compact", "delete"]).synonyms(&["log.cleanup.policy"]),
    int("compression.gzip.level").default("-1").rule_is(Rule::BetweenOrMinusOne(1, 9)).synonyms(&["compression.gzip.level"]),
    int("compression.lz4.level").default("9").between(1, 17).synonyms(&["compression.lz4.level"]),
    string("compression.type").default("producer").one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]).synonyms(&["compression.type"]),
    int("compression.zstd.level").default("3").between(-131_072, 22).synonyms(&["compression.zstd.level"]),
    long("delete.retention.ms").default("86400000").at_least(0).synonyms(&["log.cleaner.delete.retention.ms"]),
    long("file.delete.delay.ms").default("60000").at_least(0).synonyms(&["log.segment.delete.delay.ms"]),
    long("flush.messages").default("9223372036854775807").at_least(1).synonyms(&["log.flush.interval.messages"]),
    long("flush.ms").default("9223372036854775807").at_least(0).synonyms(&["log.flush.interval.ms", "log.flush.scheduler.interval.ms"]),
    list("follower.replication.throttled.replicas").default("").rule_is(Rule::ThrottledReplicas),
    int("index.interval.bytes").default("4096").at_least(0).synonyms(&["log.index.interval.bytes"]),
    int("internal.segment.bytes").hidden(),
    list("leader.replication.throttled.replicas").default("").rule_is(Rule::ThrottledReplicas),
    long("local.retention.bytes").default("-2").at_least(-2).synonyms(&["log.local.retention.bytes"]),
    long("local.retention.ms").default("-2").at_least(-2).synonyms(&["log.local.retention.ms"]),
    long("max.compaction.lag.ms").default("9223372036854775807").at_least(1).synonyms(&["log.cleaner.max.compaction.lag.ms"]),
    int("max.message.bytes").default("1048588").at_least(0).synonyms(&["message.max.bytes"]),
    long("message.timestamp.after.max.ms").default("3600000").at_least(0).synonyms(&["log.message.timestamp.after.max.ms"]),
    long("message.timestamp.before.max.ms").default("9223372036854775807").at_least(0).synonyms(&["log.message.timestamp.before.max.ms"]),
    string("message.timestamp.type").default("CreateTime").one_of(&["CreateTime", "LogAppendTime"]).synonyms(&["log.message.timestamp.type"]),
    double("min.cleanable.dirty.ratio").default("0.5").within(0.0, 1.0).synonyms(&["log.cleaner.min.cleanable.ratio"]),
    long("min.compaction.lag.ms").default("0").at_least(0).synonyms(&["log.cleaner.min.compaction.lag.ms"]),
    int("min.insync.replicas").default("1").at_least(1).synonyms(&["min.insync.replicas"]),
    boolean("preallocate").default("false").synonyms(&["log.preallocate"]),
    boolean("remote.log.copy.disable").default("false"),
    boolean("remote.log.delete.on.disable").default("false"),
    boolean("remote.storage.enable").default("false"),
    long("retention.bytes").default("-1").synonyms(&["log.retention.bytes"]),
    long("retention.ms").default("604800000").at_least(-1).synonyms(&["log.retention.ms", "log.retention.minutes", "log.retention.hours"]),
    int("segment.bytes").default("1073741824").at_least(1_048_576).synonyms(&["log.segment.bytes"]),
    int("segment.index.bytes").default("10485760").at_least(4).synonyms(&["log.index.size.max.bytes"]),
    long("segment.jitter.ms").default("0").at_least(0).synonyms(&["log.roll.jitter.ms", "log.roll.jitter.hours"]),
    long("segment.ms").default("604800000").at_least(1).synonyms(&["log.roll.ms", "log.roll.hours"]),
    boolean("unclean.leader.election.enable").default("false").synonyms(&["unclean.leader.election.enable"]),
];
