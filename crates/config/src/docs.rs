//! One or two sentences for every key the server acts on, in our own words. A key without a
//! sentence here is accepted and kept, but changes nothing yet; see [`has_effect`].

use crate::key::Scope;

/// What the key does, if the server acts on it.
#[must_use]
pub fn documentation(scope: Scope, name: &str) -> Option<&'static str> {
    let sentences = match scope {
        Scope::Broker => BROKER,
        Scope::Topic => TOPIC,
        Scope::Group | Scope::ClientMetrics => return None,
    };
    let found = sentences
        .binary_search_by(|(key, _)| (*key).cmp(name))
        .ok()?;
    sentences.get(found).map(|(_, sentence)| *sentence)
}

/// Whether setting the broker key changes anything in this version. Unknown keys do not.
#[must_use]
pub fn has_effect(name: &str) -> bool {
    documentation(Scope::Broker, name).is_some()
}

#[rustfmt::skip] // One key, one line.
static TOPIC: &[(&str, &str)] = &[
    ("cleanup.policy", "What happens to old data: 'delete' removes whole segments by time and size, 'compact' keeps the last record of each key. Both may be listed."),
    ("compression.type", "The codec batches are stored in. 'producer' keeps what the producer chose, which costs the broker nothing."),
    ("delete.retention.ms", "How long a compacted topic keeps a tombstone (a record without a value) after the first compaction it took part in. Readers that take longer than this from the start to the end may miss it."),
    ("file.delete.delay.ms", "How long the files of a removed segment stay on disk, so that readers in the middle of them can finish."),
    ("flush.messages", "1 makes the topic durable: nothing is acknowledged before it is synced to disk, on the leader for acks=1, on all in-sync replicas for acks=all. A larger number begins a sync when so many records wait for one; no acknowledgement waits for that."),
    ("flush.ms", "A sync to disk begins this long after the first record that is not synced. Everything is synced about once a second in any case, so only values below 1000 matter. No acknowledgement waits for that."),
    ("follower.replication.throttled.replicas", "Which replicas copy no faster than follower.replication.throttled.rate while they catch up: partition:broker pairs, or * for all."),
    ("index.interval.bytes", "One index entry is written for about this many bytes of log. Smaller finds offsets faster and takes more space."),
    ("leader.replication.throttled.replicas", "Which replicas are copied from no faster than leader.replication.throttled.rate by those that catch up: partition:broker pairs, or * for all."),
    ("max.compaction.lag.ms", "A record waits no longer than this for compaction, however few there are. The segment that is written to is closed for it."),
    ("max.message.bytes", "The largest record batch accepted, after compression and with its header."),
    ("message.timestamp.after.max.ms", "Records stamped by the producer further in the future than this are refused."),
    ("message.timestamp.before.max.ms", "Records stamped by the producer further in the past than this are refused."),
    ("message.timestamp.type", "Whose clock stamps records: the producer's (CreateTime) or the leader's at append (LogAppendTime)."),
    ("min.cleanable.dirty.ratio", "Compaction begins when more than this share of a log has not been compacted yet. Smaller saves space and costs work."),
    ("min.compaction.lag.ms", "Records younger than this are not compacted, so that readers see every one of them."),
    ("min.insync.replicas", "A write with acks=all fails while fewer replicas than this are in sync. Unset, it is half the replication factor, rounded up, where Kafka takes 1."),
    ("retention.bytes", "Oldest segments go once a partition is larger than this. -1 sets no limit."),
    ("retention.ms", "Segments go once their newest record is older than this. -1 keeps them for ever."),
    ("segment.bytes", "A segment that reaches this size is closed and a new one begun. Retention works on closed segments."),
    ("segment.index.bytes", "The largest size of a segment's offset index; a full index closes the segment."),
    ("segment.jitter.ms", "Up to this much is taken off segment.ms at random, so that segments do not all roll at once."),
    ("segment.ms", "A segment whose first record is older than this is closed even if it is not full."),
    ("unclean.leader.election.enable", "Whether a replica that is not in sync may lead when no other is left. It brings the partition back at the price of acknowledged records."),
];

#[rustfmt::skip] // One key, one line.
static BROKER: &[(&str, &str)] = &[
    ("advertised.listeners", "Where clients and other nodes connect, if that is not where the node binds: NAME://host:port for each listener."),
    ("auto.create.topics.enable", "Whether asking for a topic that does not exist creates it. The client must allow it as well."),
    ("auto.leader.rebalance.enable", "Whether leaderships go back by themselves to the preferred replica, the first of a partition, once it is in sync."),
    ("broker.heartbeat.interval.ms", "How often a broker tells the controller that it lives, at least; it also does when it has newer metadata. The default is 500 where Kafka's is 2000."),
    ("broker.id", "Older name of node.id."),
    ("broker.rack", "Where the broker stands, for example its zone. Replicas of a partition are spread over racks."),
    ("broker.session.timeout.ms", "A broker that hangs, or that the network cut off, is fenced after this long without a heartbeat. One whose process has died is fenced at once. The default is 3000 where Kafka's is 9000; below about 1000 a machine under full load may be taken for dead."),
    ("connections.max.idle.ms", "Connections without a request for this long are closed."),
    ("controlled.shutdown.enable", "Whether a stopping broker hands its partitions over before it goes."),
    ("controller.listener.names", "Which of the listeners belong to the controller."),
    ("controller.quorum.auto.join.enable", "Whether a controller that is not among the voters becomes one by itself once it has the metadata log."),
    ("controller.quorum.bootstrap.servers", "Controllers to ask for the quorum, as host:port."),
    ("controller.quorum.election.timeout.ms", "About how long a voter without news from the leader waits before it stands for election."),
    ("controller.quorum.voters", "The voters of a quorum with fixed members, as id@host:port."),
    ("default.replication.factor", "Replicas of a topic created without a count."),
    ("delete.topic.enable", "Whether topics can be deleted."),
    ("fetch.max.bytes", "The most bytes a fetch response holds, whatever the client allows. A first batch that is larger still goes out."),
    ("follower.replication.throttled.rate", "Bytes per second that this broker's throttled replicas copy while they catch up. Those in sync are never slowed."),
    ("group.consumer.assignment.interval.ms", "The least time between two assignments of a consumer group, so that members that come together cause one."),
    ("group.consumer.assignors", "The server-side assignors that consumer groups may ask for. The first one is used for groups that ask for none."),
    ("group.consumer.heartbeat.interval.ms", "How often members of a consumer group report, if the group does not say otherwise."),
    ("group.consumer.max.assignment.interval.ms", "The most that a group may choose as its assignment interval."),
    ("group.consumer.max.heartbeat.interval.ms", "The most that a group may choose as its heartbeat interval."),
    ("group.consumer.max.session.timeout.ms", "The most that a consumer group may choose as its session timeout."),
    ("group.consumer.max.size", "Members of a consumer group; more are refused."),
    ("group.consumer.migration.policy", "Whether a group changes its protocol while it has members: upgrade (from classic to consumer), downgrade, bidirectional or disabled."),
    ("group.consumer.min.assignment.interval.ms", "The least that a group may choose as its assignment interval."),
    ("group.consumer.min.heartbeat.interval.ms", "The least that a group may choose as its heartbeat interval."),
    ("group.consumer.min.session.timeout.ms", "The least that a consumer group may choose as its session timeout."),
    ("group.consumer.regex.refresh.interval.ms", "How often topics are matched against the regular expressions of consumer groups again."),
    ("group.consumer.session.timeout.ms", "A member of a consumer group that is silent for longer loses its partitions, if the group does not say otherwise."),
    ("group.coordinator.rebalance.protocols", "Which group protocols are served."),
    ("group.initial.rebalance.delay.ms", "How long the first rebalance of an empty classic group waits for more members."),
    ("group.max.session.timeout.ms", "The longest session timeout that a member of a classic group may ask for."),
    ("group.max.size", "Members of a classic group; more are refused."),
    ("group.min.session.timeout.ms", "The shortest session timeout that a member of a classic group may ask for."),
    ("initial.broker.registration.timeout.ms", "How long a starting broker tries to register before it gives up."),
    ("inter.broker.listener.name", "The listener brokers use among themselves."),
    ("leader.imbalance.check.interval.seconds", "How often leaderships are looked at for auto.leader.rebalance.enable."),
    ("leader.replication.throttled.rate", "Bytes per second that are copied from this broker's throttled partitions by replicas that catch up."),
    ("listener.security.protocol.map", "The security protocol of each listener name, as NAME:PROTOCOL."),
    ("listeners", "Where the node accepts connections, as NAME://host:port. Without a host it binds every address."),
    ("log.cleaner.backoff.ms", "The pause before logs are looked at again while there was nothing to compact."),
    ("log.cleaner.dedupe.buffer.size", "Memory for the keys of the log being compacted, shared by the threads: 24 bytes for each key. A log with more keys takes several rounds."),
    ("log.cleaner.delete.retention.ms", "delete.retention.ms of topics that set none."),
    ("log.cleaner.enable", "Whether logs with cleanup.policy=compact are compacted. Without, they grow."),
    ("log.cleaner.io.buffer.load.factor", "How full log.cleaner.dedupe.buffer.size gets, from 0 to 1. Fuller takes more keys and more time for each."),
    ("log.cleaner.io.buffer.size", "Bytes that compaction reads and writes at once, shared by the threads."),
    ("log.cleaner.io.max.bytes.per.second", "How fast compaction reads and writes, all threads together."),
    ("log.cleaner.max.compaction.lag.ms", "max.compaction.lag.ms of topics that set none."),
    ("log.cleaner.min.cleanable.ratio", "min.cleanable.dirty.ratio of topics that set none."),
    ("log.cleaner.min.compaction.lag.ms", "min.compaction.lag.ms of topics that set none."),
    ("log.cleaner.threads", "How many logs are compacted at once. None with 0."),
    ("log.cleanup.policy", "cleanup.policy of topics that set none."),
    ("log.dir", "Older name of log.dirs, read when log.dirs is not set."),
    ("log.dirs", "The directories partitions are kept in."),
    ("log.flush.interval.messages", "flush.messages of topics that set none."),
    ("log.flush.interval.ms", "flush.ms of topics that set none."),
    ("log.flush.offset.checkpoint.interval.ms", "How often recovery points are written. They bound the work after a crash."),
    ("log.index.interval.bytes", "index.interval.bytes of topics that set none."),
    ("log.index.size.max.bytes", "segment.index.bytes of topics that set none."),
    ("log.message.timestamp.after.max.ms", "message.timestamp.after.max.ms of topics that set none."),
    ("log.message.timestamp.before.max.ms", "message.timestamp.before.max.ms of topics that set none."),
    ("log.message.timestamp.type", "message.timestamp.type of topics that set none."),
    ("log.retention.bytes", "retention.bytes of topics that set none."),
    ("log.retention.check.interval.ms", "How often logs are looked at for segments past their retention."),
    ("log.retention.hours", "retention.ms of topics that set none, in hours; log.retention.ms and log.retention.minutes go before."),
    ("log.retention.minutes", "retention.ms of topics that set none, in minutes; log.retention.ms goes before."),
    ("log.retention.ms", "retention.ms of topics that set none."),
    ("log.roll.hours", "segment.ms of topics that set none, in hours; log.roll.ms goes before."),
    ("log.roll.jitter.hours", "segment.jitter.ms of topics that set none, in hours; log.roll.jitter.ms goes before."),
    ("log.roll.jitter.ms", "segment.jitter.ms of topics that set none."),
    ("log.roll.ms", "segment.ms of topics that set none."),
    ("log.segment.bytes", "segment.bytes of topics that set none."),
    ("log.segment.delete.delay.ms", "file.delete.delay.ms of topics that set none."),
    ("max.connections", "Connections to this node at once."),
    ("max.connections.per.ip", "Connections from one address at once."),
    ("max.incremental.fetch.session.cache.slots", "Fetch sessions remembered at once. Clients without one send their whole list of partitions each time."),
    ("max.request.partition.size.limit", "Partitions in one DescribeTopicPartitions response."),
    ("message.max.bytes", "max.message.bytes of topics that set none."),
    ("metadata.log.dir", "Where the metadata log is kept, if not in the first of log.dirs."),
    ("metadata.log.max.record.bytes.between.snapshots", "A snapshot of the metadata is taken after this many bytes of new records."),
    ("min.insync.replicas", "min.insync.replicas of topics that set none. Unset, it is half the topic's replication factor, rounded up, where Kafka takes 1."),
    ("node.id", "The number of the node, its own in the cluster and never given to another."),
    ("num.partitions", "Partitions of a topic created without a count."),
    ("num.recovery.threads.per.data.dir", "Threads that open the logs of one directory at start."),
    ("offset.metadata.max.bytes", "The most that a client may store beside a committed offset."),
    ("offsets.commit.timeout.ms", "How long a commit waits until all in-sync replicas have it. The client then hears that it is not certain."),
    ("offsets.load.buffer.size", "How much is read at once while a coordinator takes over groups."),
    ("offsets.retention.check.interval.ms", "How often groups are looked through for offsets that are too old."),
    ("offsets.retention.minutes", "Offsets go once their group has had no members for this long, or, if it never had any, once this long after their commit."),
    ("offsets.topic.num.partitions", "Partitions of __consumer_offsets, taken when the first group appears. It cannot change later."),
    ("offsets.topic.segment.bytes", "The size of a segment of __consumer_offsets, taken when the topic is created."),
    ("process.roles", "What the node is: broker, controller or both. A file that says nothing of a quorum makes it both."),
    ("producer.id.expiration.ms", "A producer that has been silent for this long is forgotten; its next batch starts afresh."),
    ("queued.max.request.bytes", "Bytes of requests read but not yet answered, over all connections; reading stops above. -1 sets no limit."),
    ("raudal.broker.drain", "Empties a broker, set on it at run time: it leads only what nobody else in sync can lead and gets no new replicas, yet stays in sync with what it has. Not read from the file."),
    ("replica.lag.time.max.ms", "A replica leaves the ISR when it has not had everything for this long."),
    ("replica.selector.class", "With org.apache.kafka.common.replica.RackAwareReplicaSelector, consumers that set client.rack read from an in-sync replica in their rack. Unset or anything else, from the leader."),
    ("request.timeout.ms", "How long a request to a controller may take."),
    ("security.inter.broker.protocol", "The protocol brokers use among themselves, if inter.broker.listener.name is not set."),
    ("socket.request.max.bytes", "The largest request; a larger one closes its connection."),
    ("socket.send.buffer.bytes", "What the kernel keeps of the answers on a connection until the client has acknowledged them. More helps consumers that are many milliseconds away, and costs CPU where they are near. -1 lets the kernel choose. The default is 262144 where Kafka's is 102400."),
    ("unclean.leader.election.enable", "unclean.leader.election.enable of topics that set none."),
    ("unclean.leader.election.interval.ms", "How often partitions without a leader are looked at for unclean.leader.election.enable."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn every_documented_key_exists_and_is_found() {
        for (scope, sentences) in [(Scope::Broker, BROKER), (Scope::Topic, TOPIC)] {
            for (name, sentence) in sentences {
                assert!(table::key(scope, name).is_some(), "{name}");
                assert_eq!(documentation(scope, name), Some(*sentence), "{name}");
            }
        }
        assert_eq!(documentation(Scope::Broker, "zzz"), None);
    }
}
