//! The plain settings of a node: numbers and switches, grouped by who reads them. Fields are named
//! like their keys; units stand in the names.

use std::time::Duration;

use super::read::Reader;
use crate::properties::Properties;

macro_rules! settings {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $kind:ty = $key:literal,)*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                $(
                    #[doc = concat!("`", $key, "`.")]
                    $(#[$field_doc])*
                    pub $field: $kind,
                )*
            }

            impl $name {
                /// Reads the settings from values that have been checked.
                pub(super) fn read(properties: &Properties) -> Self {
                    let reader = Reader::new(properties);
                    Self {
                        $($field: reader.read($key),)*
                    }
                }
            }
        )*
    };
}

settings! {
    /// Defaults and limits for topics.
    Topics {
        /// Partitions of a topic created without a count.
        num_partitions: i32 = "num.partitions",
        /// Replicas of a topic created without a count.
        default_replication_factor: i32 = "default.replication.factor",
        /// Whether asking for a topic's metadata may create it.
        auto_create_topics_enable: bool = "auto.create.topics.enable",
        /// Whether topics can be deleted at all.
        delete_topic_enable: bool = "delete.topic.enable",
        /// Partitions in one `DescribeTopicPartitions` response.
        max_request_partition_size_limit: i32 = "max.request.partition.size.limit",
    }

    /// Sockets and connections.
    Sockets {
        /// Larger requests close their connection.
        socket_request_max_bytes: i32 = "socket.request.max.bytes",
        /// -1 leaves it to the operating system.
        socket_receive_buffer_bytes: i32 = "socket.receive.buffer.bytes",
        /// Of each client's connection; -1 leaves it to the operating system.
        socket_send_buffer_bytes: i32 = "socket.send.buffer.bytes",
        /// Connections waiting to be accepted.
        socket_listen_backlog_size: i32 = "socket.listen.backlog.size",
        /// Connections idle for longer are closed.
        connections_max_idle: Duration = "connections.max.idle.ms",
        /// Connections to this node at once.
        max_connections: i32 = "max.connections",
        /// Connections from one address at once.
        max_connections_per_ip: i32 = "max.connections.per.ip",
        /// New connections per second.
        max_connection_creation_rate: i32 = "max.connection.creation.rate",
        /// Requests read but not yet answered.
        queued_max_requests: i32 = "queued.max.requests",
        /// Bytes of requests read but not yet answered; -1 without a limit.
        queued_max_request_bytes: i64 = "queued.max.request.bytes",
        /// How long a request to another node may take.
        request_timeout: Duration = "request.timeout.ms",
    }

    /// How brokers prove to the controller that they live.
    Sessions {
        /// Between two heartbeats.
        broker_heartbeat_interval: Duration = "broker.heartbeat.interval.ms",
        /// Without a heartbeat for longer a broker is fenced.
        broker_session_timeout: Duration = "broker.session.timeout.ms",
        /// How long a starting broker tries to register.
        initial_broker_registration_timeout: Duration = "initial.broker.registration.timeout.ms",
        /// Whether a stopping broker first hands its partitions over.
        controlled_shutdown_enable: bool = "controlled.shutdown.enable",
    }

    /// When leaders change without a broker coming or going.
    Elections {
        /// Whether leaderships go back to preferred replicas by themselves.
        auto_leader_rebalance_enable: bool = "auto.leader.rebalance.enable",
        /// Between two looks for partitions that are not led by their preferred replica.
        leader_imbalance_check_interval_seconds: i64 = "leader.imbalance.check.interval.seconds",
        /// Between two looks for partitions that may be led by a replica that is not in sync.
        unclean_leader_election_interval: Duration = "unclean.leader.election.interval.ms",
    }

    /// How reads are bounded.
    Fetching {
        /// Bytes of one fetch response, whatever the client asks for.
        fetch_max_bytes: i32 = "fetch.max.bytes",
        /// Fetch sessions kept at once.
        max_incremental_fetch_session_cache_slots: i32 = "max.incremental.fetch.session.cache.slots",
        /// `null` when consumers read from leaders only.
        replica_selector_class: Option<String> = "replica.selector.class",
    }

    /// Work on logs that no topic can change.
    Logs {
        /// Between two looks for segments past their retention.
        log_retention_check_interval: Duration = "log.retention.check.interval.ms",
        /// Between two looks for logs to flush.
        log_flush_scheduler_interval: Duration = "log.flush.scheduler.interval.ms",
        /// Between two writes of recovery points.
        log_flush_offset_checkpoint_interval: Duration = "log.flush.offset.checkpoint.interval.ms",
        /// Between two writes of log start offsets.
        log_flush_start_offset_checkpoint_interval: Duration = "log.flush.start.offset.checkpoint.interval.ms",
        /// Housekeeping begins this long after start.
        log_initial_task_delay: Duration = "log.initial.task.delay.ms",
        /// Threads that open the logs of one directory.
        num_recovery_threads_per_data_dir: i32 = "num.recovery.threads.per.data.dir",
        /// A broker that cannot report a failed directory for longer stops.
        log_dir_failure_timeout: Duration = "log.dir.failure.timeout.ms",
    }

    /// What is remembered of idempotent producers.
    Producers {
        /// A producer silent for longer is forgotten.
        producer_id_expiration: Duration = "producer.id.expiration.ms",
        /// Between two looks for producers to forget.
        producer_id_expiration_check_interval: Duration = "producer.id.expiration.check.interval.ms",
        /// The longest transaction.
        transaction_max_timeout: Duration = "transaction.max.timeout.ms",
    }

    /// Consumer groups, both protocols.
    Groups {
        /// Which protocols are served.
        group_coordinator_rebalance_protocols: Vec<String> = "group.coordinator.rebalance.protocols",
        /// The shortest session that a member may ask for.
        group_min_session_timeout: Duration = "group.min.session.timeout.ms",
        /// The longest session that a member may ask for.
        group_max_session_timeout: Duration = "group.max.session.timeout.ms",
        /// How long the first rebalance of an empty group waits for more members.
        group_initial_rebalance_delay: Duration = "group.initial.rebalance.delay.ms",
        /// Members of a classic group.
        group_max_size: i32 = "group.max.size",
        /// Members of a consumer group.
        group_consumer_max_size: i32 = "group.consumer.max.size",
        /// Server-side assignors, the default one first.
        group_consumer_assignors: Vec<String> = "group.consumer.assignors",
        /// A member silent for longer leaves.
        group_consumer_session_timeout: Duration = "group.consumer.session.timeout.ms",
        /// The least that a group may choose for it.
        group_consumer_min_session_timeout: Duration = "group.consumer.min.session.timeout.ms",
        /// The most that a group may choose for it.
        group_consumer_max_session_timeout: Duration = "group.consumer.max.session.timeout.ms",
        /// Between two heartbeats of a member.
        group_consumer_heartbeat_interval: Duration = "group.consumer.heartbeat.interval.ms",
        /// The least that a group may choose for it.
        group_consumer_min_heartbeat_interval: Duration = "group.consumer.min.heartbeat.interval.ms",
        /// The most that a group may choose for it.
        group_consumer_max_heartbeat_interval: Duration = "group.consumer.max.heartbeat.interval.ms",
        /// Between two assignments of a group.
        group_consumer_assignment_interval: Duration = "group.consumer.assignment.interval.ms",
        /// The least that a group may choose for it.
        group_consumer_min_assignment_interval: Duration = "group.consumer.min.assignment.interval.ms",
        /// The most that a group may choose for it.
        group_consumer_max_assignment_interval: Duration = "group.consumer.max.assignment.interval.ms",
        /// Between two looks for topics that match regular expressions.
        group_consumer_regex_refresh_interval: Duration = "group.consumer.regex.refresh.interval.ms",
        /// Whether groups change from one protocol to the other, and in which direction.
        group_consumer_migration_policy: Option<String> = "group.consumer.migration.policy",
    }

    /// Offsets that groups commit, and the topic that keeps them.
    Offsets {
        /// Bytes of metadata with one offset.
        offset_metadata_max_bytes: i32 = "offset.metadata.max.bytes",
        /// How long a commit waits for all in-sync replicas.
        offsets_commit_timeout: Duration = "offsets.commit.timeout.ms",
        /// Bytes read at once while a partition of the topic is loaded.
        offsets_load_buffer_size: i32 = "offsets.load.buffer.size",
        /// Offsets of a group without members live this long.
        offsets_retention_minutes: i64 = "offsets.retention.minutes",
        /// Between two looks for offsets that are too old.
        offsets_retention_check_interval: Duration = "offsets.retention.check.interval.ms",
        /// Partitions of the topic, once and for all.
        offsets_topic_num_partitions: i32 = "offsets.topic.num.partitions",
        /// Bytes of a segment of the topic.
        offsets_topic_segment_bytes: i32 = "offsets.topic.segment.bytes",
    }

    /// Replication between brokers.
    Replication {
        /// A follower behind for longer leaves the ISR.
        replica_lag_time_max: Duration = "replica.lag.time.max.ms",
        /// Bytes of one partition in one exchange.
        replica_fetch_max_bytes: i32 = "replica.fetch.max.bytes",
        /// Bytes of one exchange.
        replica_fetch_response_max_bytes: i32 = "replica.fetch.response.max.bytes",
        /// The longest wait for new records.
        replica_fetch_wait_max: Duration = "replica.fetch.wait.max.ms",
        /// Between two writes of high watermarks.
        replica_high_watermark_checkpoint_interval: Duration = "replica.high.watermark.checkpoint.interval.ms",
    }

    /// The metadata log and its quorum.
    MetadataLog {
        /// Bytes of records between two snapshots.
        metadata_log_max_record_bytes_between_snapshots: i64 = "metadata.log.max.record.bytes.between.snapshots",
        /// Time between two snapshots.
        metadata_log_max_snapshot_interval: Duration = "metadata.log.max.snapshot.interval.ms",
        /// Without news from a leader for about this long, a voter stands for election.
        controller_quorum_election_timeout: Duration = "controller.quorum.election.timeout.ms",
        /// How long a request between voters may take.
        controller_quorum_request_timeout: Duration = "controller.quorum.request.timeout.ms",
    }
}
