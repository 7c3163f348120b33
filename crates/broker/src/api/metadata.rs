//! `Metadata` (3): which brokers there are, and who leads which partition.
//!
//! Answered from the image. A topic that does not exist may be created on the way, in the background:
//! the answer says "unknown" and the client asks again. Where the leader's process seems to have died a
//! moment ago, the answer waits for the controller's word (see [`crate::absences`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use metadata::{MetadataImage, TopicImage};
use net::server::Reply;
use protocol::Str;
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use types::{ErrorCode, NodeId, TopicId, Uuid};

use super::view::{View, is_internal, missing, name_problem, numbers, operations};
use super::{Ctx, auto_create};
use crate::state::Core;

pub(crate) fn handle(ctx: &Ctx<'_>, request: MetadataRequest) -> Reply {
    let version = ctx.version();
    if asks_wrongly(&request, version) {
        return ctx.respond(&refusal(request.topics.unwrap_or_default()));
    }
    let asked = Asked {
        request,
        listener: Arc::clone(&ctx.connection.listener),
        version,
        turn: turn(ctx),
    };
    let answer = asked.answer(ctx.core);
    if asked.request.allow_auto_topic_creation && ctx.core.config.topics.auto_create_topics_enable {
        auto_create::start(ctx, creatable(&answer));
    }
    if ctx.core.expects_no_news_for(ctx.connection) || !asked.is_about_others(ctx.core) {
        return ctx.respond(&answer);
    }
    let core = Arc::clone(ctx.core);
    ctx.respond_later(async move {
        core.wait_for_leaders(|image| asked.leaders(image)).await;
        asked.answer(&core)
    })
}

/// A question, and who asks.
struct Asked {
    request: MetadataRequest,
    /// The listener's name.
    listener: Arc<str>,
    version: i16,
    turn: usize,
}

impl Asked {
    fn answer(&self, core: &Core) -> MetadataResponse {
        let image = core.image();
        let view = View {
            image: &image,
            listener: &self.listener,
        };
        let now = core.clock.monotonic();
        let lingers = |broker| core.absences.lingers(broker, now);
        response(view, &self.request, self.version, self.turn, &lingers)
    }

    /// Whether other brokers lead some of what was asked for by name.
    fn is_about_others(&self, core: &Core) -> bool {
        let image = core.image();
        let local = core.node_id();
        let is_other = |topic: &TopicImage| {
            let mut partitions = topic.partitions();
            partitions.any(|(_, it)| it.leader.is_some_and(|leader| leader != local))
        };
        self.request.topics.is_some() && self.topics(&image).into_iter().any(is_other)
    }

    /// The leaders of what was asked for.
    fn leaders(&self, image: &MetadataImage) -> Vec<NodeId> {
        let partitions = self
            .topics(image)
            .into_iter()
            .flat_map(TopicImage::partitions);
        partitions.filter_map(|(_, it)| it.leader).collect()
    }

    fn topics<'a>(&self, image: &'a MetadataImage) -> Vec<&'a TopicImage> {
        let Some(wanted) = &self.request.topics else {
            return image.topics().collect();
        };
        let find = |topic: &MetadataRequestTopic| match &topic.name {
            Some(name) => image.topic(name),
            None => image.topic_by_id(TopicId(topic.topic_id)),
        };
        wanted.iter().filter_map(find).collect()
    }
}

/// Another broker is named as the controller from connection to connection.
fn turn(ctx: &Ctx<'_>) -> usize {
    usize::try_from(ctx.connection.id).unwrap_or_default()
}

/// Topics by id came with version 10, but were not understood before 12; only then may the name be
/// missing.
fn asks_wrongly(request: &MetadataRequest, version: i16) -> bool {
    let mut topics = request.topics.iter().flatten();
    version < 12 && topics.any(|topic| topic.name.is_none() || !topic.topic_id.is_zero())
}

fn refusal(topics: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let refused = |topic: MetadataRequestTopic| MetadataResponseTopic {
        error_code: ErrorCode::InvalidRequest.to_wire(),
        name: Some(topic.name.unwrap_or_default()),
        topic_id: topic.topic_id,
        ..MetadataResponseTopic::default()
    };
    MetadataResponse {
        topics: topics.into_iter().map(refused).collect(),
        ..MetadataResponse::default()
    }
}

fn response(
    view: View<'_>,
    request: &MetadataRequest,
    version: i16,
    turn: usize,
    lingers: &dyn Fn(NodeId) -> bool,
) -> MetadataResponse {
    let brokers = view
        .brokers_and(lingers)
        .map(|(broker, address)| MetadataResponseBroker {
            node_id: broker.id.0,
            host: address.host,
            port: address.port,
            rack: address.rack.filter(|_| version >= 1),
        });
    let listing = Listing {
        view,
        version,
        operations: operations::if_asked(
            request.include_topic_authorized_operations,
            operations::TOPIC,
        ),
    };
    let cluster_operations = operations::if_asked(
        request.include_cluster_authorized_operations,
        operations::CLUSTER,
    );
    MetadataResponse {
        brokers: brokers.collect(),
        cluster_id: view.image.cluster_id().map(Str::from),
        controller_id: view.some_broker(turn).0,
        topics: listing.topics(request.topics.as_deref()),
        cluster_authorized_operations: cluster_operations,
        ..MetadataResponse::default()
    }
}

/// Lists topics for one version of the API.
struct Listing<'a> {
    view: View<'a>,
    version: i16,
    operations: i32,
}

impl Listing<'_> {
    /// An empty list asks for nothing, except in version 0, which could not say "all" otherwise.
    fn topics(&self, wanted: Option<&[MetadataRequestTopic]>) -> Vec<MetadataResponseTopic> {
        match wanted {
            None => self.all(),
            Some([]) if self.version == 0 => self.all(),
            Some(wanted) if wanted.iter().any(|topic| !topic.topic_id.is_zero()) => {
                self.by_ids(wanted)
            }
            Some(wanted) => self.by_names(wanted),
        }
    }

    fn all(&self) -> Vec<MetadataResponseTopic> {
        let topics = self.view.image.topics();
        topics.map(|topic| self.topic(topic)).collect()
    }

    /// As soon as one id is given, names count for nothing.
    fn by_ids(&self, wanted: &[MetadataRequestTopic]) -> Vec<MetadataResponseTopic> {
        let ids: BTreeSet<Uuid> = wanted.iter().map(|topic| topic.topic_id).collect();
        let known = |id: Uuid| match self.view.image.topic_by_id(TopicId(id)) {
            Some(topic) => self.topic(topic),
            None => MetadataResponseTopic {
                error_code: ErrorCode::UnknownTopicId.to_wire(),
                name: None,
                topic_id: id,
                topic_authorized_operations: operations::OMITTED,
                ..MetadataResponseTopic::default()
            },
        };
        ids.into_iter()
            .filter(|id| !id.is_zero())
            .map(known)
            .collect()
    }

    fn by_names(&self, wanted: &[MetadataRequestTopic]) -> Vec<MetadataResponseTopic> {
        let names: BTreeSet<&str> = wanted
            .iter()
            .filter_map(|topic| topic.name.as_deref())
            .collect();
        let known = |name: &str| match self.view.image.topic(name) {
            Some(topic) => self.topic(topic),
            None => MetadataResponseTopic {
                error_code: missing(name).to_wire(),
                name: Some(name.into()),
                is_internal: self.version >= 1 && is_internal(name),
                topic_authorized_operations: operations::OMITTED,
                ..MetadataResponseTopic::default()
            },
        };
        names.into_iter().map(known).collect()
    }

    fn topic(&self, topic: &TopicImage) -> MetadataResponseTopic {
        let name = topic.name();
        let partitions = topic.partitions().map(|(index, partition)| {
            let (code, leader) = self.view.leadership(partition, self.version >= 6);
            let mut listed = MetadataResponsePartition {
                error_code: code.to_wire(),
                partition_index: index,
                leader_id: leader.0,
                leader_epoch: partition.leader_epoch.0,
                replica_nodes: numbers(&partition.replicas),
                isr_nodes: numbers(&partition.isr),
                offline_replicas: self.view.offline_replicas(partition),
            };
            if self.version == 0 {
                self.leave_out_offline(&mut listed);
            }
            listed
        });
        MetadataResponseTopic {
            error_code: ErrorCode::None.to_wire(),
            name: Some(name.as_ref().into()),
            topic_id: topic.id().0,
            is_internal: self.version >= 1 && is_internal(name),
            partitions: partitions.collect(),
            topic_authorized_operations: self.operations,
        }
    }

    /// Version 0 knows no offline replicas: it leaves them out and says that some are missing.
    fn leave_out_offline(&self, partition: &mut MetadataResponsePartition) {
        let in_service = |id: &i32| self.view.is_in_service(NodeId(*id));
        let before = partition.replica_nodes.len() + partition.isr_nodes.len();
        partition.replica_nodes.retain(in_service);
        partition.isr_nodes.retain(in_service);
        let after = partition.replica_nodes.len() + partition.isr_nodes.len();
        if after < before && partition.error_code == ErrorCode::None.to_wire() {
            partition.error_code = ErrorCode::ReplicaNotAvailable.to_wire();
        }
    }
}

/// The topics that were asked for, do not exist, and could.
fn creatable(response: &MetadataResponse) -> Vec<Str> {
    let unknown = ErrorCode::UnknownTopicOrPartition.to_wire();
    let missing = response.topics.iter().filter(|it| it.error_code == unknown);
    let names = missing.filter_map(|topic| topic.name.clone());
    names
        .filter(|name| !is_internal(name) && name_problem(name).is_none())
        .collect()
}

#[cfg(test)]
mod tests;
