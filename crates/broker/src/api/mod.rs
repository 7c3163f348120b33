//! One file per Kafka API: request in, [`Reply`] out.
//!
//! A handler runs on the task of its connection and must not block. What takes longer is set going in
//! the handler and awaited in [`Ctx::respond_later`]. To add an API, write `api/<api>.rs` with
//! `pub(crate) fn handle(ctx: &Ctx<'_>, request: …Request) -> Reply` and add its line to the table
//! below: that also advertises it.

mod alter_configs;
mod api_versions;
mod auto_create;
mod ctx;
mod delete_records;
mod describe_cluster;
mod describe_configs;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod fetch;
mod find_coordinator;
mod forward;
mod group;
mod hints;
mod init_producer_id;
mod list_config_resources;
mod list_offsets;
mod lookup;
mod metadata;
mod offset_for_leader_epoch;
mod produce;
#[cfg(test)]
pub(crate) mod testing;
mod view;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use net::server::{ConnectionContext, Reply, Service};
use protocol::frame::{self, HeaderError};
use protocol::wire::Reader;
use protocol::{ApiKey, Request};
use tracing::debug;

use crate::state::Core;
pub(crate) use auto_create::AutoCreate;
pub(crate) use ctx::{Ctx, Responder};

macro_rules! apis {
    (
        decoded { $($key:ident => $handle:path,)* }
        raw { $($raw_key:ident => $handle_raw:path,)* }
    ) => {
        /// What this broker serves and so advertises.
        pub(crate) const SERVED: &[ApiKey] = &[$(ApiKey::$key,)* $(ApiKey::$raw_key,)*];

        /// Calls the API's handler with its request.
        fn route(ctx: &Ctx<'_>, body: &mut Reader) -> Reply {
            match ctx.header.api_key {
                $(ApiKey::$key => call(ctx, body, $handle),)*
                $(ApiKey::$raw_key => $handle_raw(ctx, body.rest()),)*
                _ => Reply::Close("api is not served"),
            }
        }
    };
}

apis! {
    // fn handle(ctx: &Ctx<'_>, request: XRequest) -> Reply
    decoded {
        ApiVersions => api_versions::handle,
        AlterConfigs => alter_configs::handle_legacy,
        ConsumerGroupDescribe => group::consumer_group_describe::handle,
        ConsumerGroupHeartbeat => group::consumer_group_heartbeat::handle,
        DeleteGroups => group::delete_groups::handle,
        DescribeCluster => describe_cluster::handle,
        DescribeConfigs => describe_configs::handle,
        DescribeGroups => group::describe_groups::handle,
        DescribeLogDirs => describe_log_dirs::handle,
        DescribeProducers => describe_producers::handle,
        DescribeQuorum => describe_quorum::handle,
        DescribeTopicPartitions => describe_topic_partitions::handle,
        Fetch => fetch::handle,
        FindCoordinator => find_coordinator::handle,
        Heartbeat => group::membership::heartbeat,
        IncrementalAlterConfigs => alter_configs::handle_incremental,
        InitProducerId => init_producer_id::handle,
        JoinGroup => group::membership::join,
        LeaveGroup => group::membership::leave,
        ListConfigResources => list_config_resources::handle,
        DeleteRecords => delete_records::handle,
        ListGroups => group::list_groups::handle,
        ListOffsets => list_offsets::handle,
        Metadata => metadata::handle,
        OffsetCommit => group::offset_commit::handle,
        OffsetDelete => group::offset_delete::handle,
        OffsetFetch => group::offset_fetch::handle,
        OffsetForLeaderEpoch => offset_for_leader_epoch::handle,
        Produce => produce::handle,
        SyncGroup => group::membership::sync,
    }
    // fn handle(ctx: &Ctx<'_>, body: Bytes) -> Reply, for requests that are handed on as they are
    raw {
        AddRaftVoter => forward::handle,
        AlterPartitionReassignments => forward::handle,
        CreatePartitions => forward::handle,
        CreateTopics => forward::handle,
        DeleteTopics => forward::handle,
        ElectLeaders => forward::handle,
        ListPartitionReassignments => forward::handle,
        RemoveRaftVoter => forward::handle,
        UnregisterBroker => forward::handle,
        UpdateFeatures => forward::handle,
    }
}

fn call<R: Request>(
    ctx: &Ctx<'_>,
    body: &mut Reader,
    handle: impl FnOnce(&Ctx<'_>, R) -> Reply,
) -> Reply {
    match frame::decode_request::<R>(body, ctx.header.api_version) {
        Ok(request) => handle(ctx, request),
        Err(error) => {
            debug!(connection = ctx.connection.id, api = %R::KEY, %error, "malformed request");
            Reply::Close("malformed request")
        }
    }
}

/// The broker as a service on a listener.
pub(crate) struct KafkaService {
    core: Arc<Core>,
}

impl KafkaService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

impl fmt::Debug for KafkaService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaService").finish_non_exhaustive()
    }
}

impl Service for KafkaService {
    fn dispatch(&self, connection: &ConnectionContext, frame: Bytes) -> Reply {
        let mut reader = Reader::new(frame);
        match frame::decode_request_header(&mut reader) {
            Ok(header) => {
                let ctx = Ctx {
                    core: &self.core,
                    connection,
                    header: &header,
                };
                route(&ctx, &mut reader)
            }
            Err(HeaderError::UnsupportedVersion {
                api_key: ApiKey::ApiVersions,
                correlation_id,
                ..
            }) => api_versions::unsupported(correlation_id),
            Err(error) => {
                debug!(connection = connection.id, peer = %connection.peer, %error, "bad header");
                Reply::Close("bad request header")
            }
        }
    }
}
