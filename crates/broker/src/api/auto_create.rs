//! Creates topics on first use, in the background.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse,
};
use protocol::{ApiKey, Str, frame};
use rpc::client::ForwardRequest;
use tokio::task::JoinSet;
use tracing::{info, warn};
use types::ErrorCode;

use super::Ctx;
use crate::coordinator::OFFSETS_TOPIC;
use crate::state::Core;

/// Topics being created at once. What a client asks for beyond that, it asks for again.
const TOPICS_MAX: usize = 1_000;

/// Version 7 answers with ids; any would do.
const VERSION: i16 = 7;

/// The topics under way. Shared by all connections; the lock is held for a moment only. Dropping it
/// ends the waiting, not the creation.
#[derive(Debug, Default)]
pub(crate) struct AutoCreate {
    under_way: Mutex<UnderWay>,
}

#[derive(Debug, Default)]
struct UnderWay {
    names: BTreeSet<Str>,
    tasks: JoinSet<()>,
}

impl AutoCreate {
    /// Takes those of the names that nobody is creating yet.
    fn claim(&self, names: Vec<Str>) -> Vec<Str> {
        let mut under_way = self.under_way.lock();
        let mut claimed = Vec::new();
        for name in names {
            if under_way.names.len() < TOPICS_MAX && under_way.names.insert(name.clone()) {
                claimed.push(name);
            }
        }
        claimed
    }

    /// Whether somebody is creating it.
    #[cfg(test)]
    pub(crate) fn is_under_way(&self, name: &str) -> bool {
        self.under_way.lock().names.contains(name)
    }

    fn release(&self, names: &[Str]) {
        let mut under_way = self.under_way.lock();
        for name in names {
            under_way.names.remove(name);
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut under_way = self.under_way.lock();
        while under_way.tasks.try_join_next().is_some() {}
        under_way.tasks.spawn(task);
    }
}

/// Sets the creation of these topics going, on behalf of the client that asked for them.
pub(super) fn start(ctx: &Ctx<'_>, names: Vec<Str>) {
    let topics = &ctx.core.config.topics;
    let factor = i16::try_from(topics.default_replication_factor).unwrap_or(i16::MAX);
    let creatable = |name: &Str| CreatableTopic {
        name: name.clone(),
        num_partitions: topics.num_partitions,
        replication_factor: factor,
        ..CreatableTopic::default()
    };
    begin(ctx, names, creatable);
}

/// Sets the creation of the topic that keeps groups and their offsets going. It is small in a small
/// cluster; the controller adds replicas as brokers join.
pub(super) fn start_offsets_topic(ctx: &Ctx<'_>) {
    let offsets = &ctx.core.config.offsets;
    let config = |name, value: &str| CreatableTopicConfig {
        name: Str::from_static(name),
        value: Some(value.into()),
    };
    let creatable = |name: &Str| CreatableTopic {
        name: name.clone(),
        num_partitions: offsets.offsets_topic_num_partitions,
        replication_factor: -1,
        configs: vec![
            config("cleanup.policy", "compact"),
            config("compression.type", "producer"),
            config(
                "segment.bytes",
                &offsets.offsets_topic_segment_bytes.to_string(),
            ),
        ],
        ..CreatableTopic::default()
    };
    begin(ctx, vec![Str::from_static(OFFSETS_TOPIC)], creatable);
}

fn begin(ctx: &Ctx<'_>, names: Vec<Str>, creatable: impl Fn(&Str) -> CreatableTopic) {
    if names.is_empty() {
        return;
    }
    let names = ctx.core.auto_create.claim(names);
    if names.is_empty() {
        return;
    }
    let timeout = ctx.core.config.sockets.request_timeout.as_millis();
    let request = CreateTopicsRequest {
        topics: names.iter().map(creatable).collect(),
        timeout_ms: i32::try_from(timeout).unwrap_or(i32::MAX),
        validate_only: false,
    };
    let Ok(body) = frame::encode_body(&request, VERSION) else {
        ctx.core.auto_create.release(&names);
        return;
    };
    let request = super::forward::on_behalf(ctx, ApiKey::CreateTopics, VERSION, body);
    let core = Arc::clone(ctx.core);
    ctx.core.auto_create.spawn(async move {
        create(&core, request).await;
        core.auto_create.release(&names);
    });
}

async fn create(core: &Core, request: ForwardRequest) {
    let timeout = core.config.sockets.request_timeout;
    let body = match core.controllers.forward(request, timeout).await {
        Ok(forwarded) => forwarded.body,
        Err(error) => return warn!(%error, "topics cannot be created on first use"),
    };
    match frame::decode_body::<CreateTopicsResponse>(body, VERSION) {
        Ok(response) => tell(&response),
        Err(error) => warn!(%error, "topics cannot be created on first use"),
    }
}

fn tell(response: &CreateTopicsResponse) {
    for topic in &response.topics {
        match ErrorCode::from_wire(topic.error_code) {
            Some(ErrorCode::None) => info!(topic = %topic.name, "topic created on first use"),
            // Somebody else was faster.
            Some(ErrorCode::TopicAlreadyExists) => {}
            _ => warn!(
                topic = %topic.name,
                error_code = topic.error_code,
                reason = topic.error_message.as_deref().unwrap_or_default(),
                "topic cannot be created on first use"
            ),
        }
    }
}
