//! `FindCoordinator` (10): who coordinates a group or a transaction.
//!
//! A group's coordinator is the leader of its partition of `__consumer_offsets`, which is created when
//! the first group asks. Nobody coordinates transactions yet: that is said in the words of a Kafka
//! whose coordinator is just not available, so that clients wait and retry.
//!
//! A client asks most urgently when its coordinator has just died, and before the controller has
//! decided: the answer then waits for the controller's word (see [`crate::absences`]).

use std::sync::Arc;

use metadata::MetadataImage;
use net::server::Reply;
use protocol::Str;
use protocol::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use types::{ErrorCode, NodeId};

use super::view::{Address, View};
use super::{Ctx, auto_create};
use crate::coordinator::{OFFSETS_TOPIC, partition_of};
use crate::state::Core;

/// Since which version an answer names many coordinators.
const FIRST_VERSION_WITH_BATCHES: i16 = 4;

/// Types of keys.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

pub(crate) fn handle(ctx: &Ctx<'_>, request: FindCoordinatorRequest) -> Reply {
    let asked = Asked {
        request,
        listener: Arc::clone(&ctx.connection.listener),
        version: ctx.version(),
    };
    if asked.request.key_type == GROUP && ctx.image().topic(OFFSETS_TOPIC).is_none() {
        auto_create::start_offsets_topic(ctx);
    }
    if ctx.core.expects_no_news_for(ctx.connection) || !asked.is_about_others(ctx.core) {
        return ctx.respond(&asked.answer(ctx.core));
    }
    let core = Arc::clone(ctx.core);
    ctx.respond_later(async move {
        core.wait_for_leaders(|image| asked.leaders(image)).await;
        asked.answer(&core)
    })
}

/// A question, and who asks.
struct Asked {
    request: FindCoordinatorRequest,
    /// The listener's name.
    listener: Arc<str>,
    version: i16,
}

/// What is answered for one key.
type Found = Result<(NodeId, Address), ErrorCode>;

impl Asked {
    fn keys(&self) -> &[Str] {
        if self.version < FIRST_VERSION_WITH_BATCHES {
            std::slice::from_ref(&self.request.key)
        } else {
            &self.request.coordinator_keys
        }
    }

    /// The leaders of the groups' partitions, where there are any.
    fn leaders(&self, image: &MetadataImage) -> Vec<NodeId> {
        if self.request.key_type != GROUP {
            return Vec::new();
        }
        let partitions = self.keys().iter().map(|key| partition_of(image, key));
        let leaders = partitions.filter_map(|found| found?.1.leader);
        leaders.collect()
    }

    fn is_about_others(&self, core: &Core) -> bool {
        let local = core.node_id();
        self.leaders(&core.image())
            .iter()
            .any(|leader| *leader != local)
    }

    fn answer(&self, core: &Core) -> FindCoordinatorResponse {
        let image = core.image();
        let view = View {
            image: &image,
            listener: &self.listener,
        };
        response(view, &self.request, self.version)
    }
}

fn response(
    view: View<'_>,
    request: &FindCoordinatorRequest,
    version: i16,
) -> FindCoordinatorResponse {
    let found = |key: &str| match request.key_type {
        GROUP => coordinator_of(view, key),
        TRANSACTION => Err(ErrorCode::CoordinatorNotAvailable),
        SHARE if version >= 6 && is_share_key(key) => Err(ErrorCode::CoordinatorNotAvailable),
        _ => Err(ErrorCode::InvalidRequest),
    };
    if version < FIRST_VERSION_WITH_BATCHES {
        return single(&found(&request.key), version);
    }
    let keys = request.coordinator_keys.iter();
    FindCoordinatorResponse {
        coordinators: keys.map(|key| entry(key.clone(), found(key))).collect(),
        ..FindCoordinatorResponse::default()
    }
}

/// The leader of the group's partition, if it is in service and the client can reach it.
fn coordinator_of(view: View<'_>, group_id: &str) -> Found {
    let unavailable = ErrorCode::CoordinatorNotAvailable;
    let (_, partition) = partition_of(view.image, group_id).ok_or(unavailable)?;
    let leader = partition.leader.ok_or(unavailable)?;
    let broker = view.image.broker(leader).filter(|broker| !broker.fenced);
    let address = broker.and_then(|broker| view.address(broker));
    Ok((leader, address.ok_or(unavailable)?))
}

fn single(found: &Found, version: i16) -> FindCoordinatorResponse {
    let (node_id, host, port, code) = parts(found);
    FindCoordinatorResponse {
        error_code: code.to_wire(),
        error_message: (version >= 1).then(|| message(code)),
        node_id,
        host,
        port,
        ..FindCoordinatorResponse::default()
    }
}

fn entry(key: Str, found: Found) -> Coordinator {
    let (node_id, host, port, code) = parts(&found);
    Coordinator {
        key,
        node_id,
        host,
        port,
        error_code: code.to_wire(),
        error_message: Some(match code {
            ErrorCode::None => Str::new(),
            _ => message(code),
        }),
    }
}

fn parts(found: &Found) -> (i32, Str, i32, ErrorCode) {
    match found {
        Ok((node, address)) => (node.0, address.host.clone(), address.port, ErrorCode::None),
        Err(code) => (NodeId::NONE.0, Str::new(), -1, *code),
    }
}

fn message(code: ErrorCode) -> Str {
    Str::from_static(match code {
        ErrorCode::None => "NONE",
        ErrorCode::CoordinatorNotAvailable => "The coordinator is not available.",
        _ => "The key type is not one that this version has.",
    })
}

/// `group:topic id:partition`.
fn is_share_key(key: &str) -> bool {
    let mut parts = key.rsplitn(3, ':');
    let partition = parts.next().and_then(|part| part.parse::<u32>().ok());
    let topic_id = parts
        .next()
        .and_then(|part| part.parse::<types::Uuid>().ok());
    let group = parts.next().unwrap_or_default();
    partition.is_some() && topic_id.is_some() && !group.is_empty()
}

#[cfg(test)]
mod tests {
    use metadata::{MetadataRecord, v1};
    use types::Uuid;

    use super::*;
    use crate::api::testing;

    /// Two partitions, led by broker 1 and by nobody. "hello" belongs to the first one, "a" to the other.
    fn with_groups() -> MetadataImage {
        let id = Uuid::from_bytes([5; 16]).as_bytes().to_vec();
        let topic = v1::Topic {
            name: OFFSETS_TOPIC.to_owned(),
            topic_id: id.clone().into(),
        };
        let partition = |index, leader| -> MetadataRecord {
            v1::Partition {
                topic_id: id.clone().into(),
                index,
                replicas: vec![1],
                isr: vec![1],
                leader,
                ..v1::Partition::default()
            }
            .into()
        };
        testing::image_with(vec![
            topic.into(),
            partition(0, Some(1)),
            partition(1, None),
        ])
    }

    fn ask_in(image: &MetadataImage, key_type: i8, version: i16) -> FindCoordinatorResponse {
        let keys = ["hello", "", "a", "g1:J7s9e8PPTKOO47PxzI39VA:0"].map(Str::from_static);
        let request = FindCoordinatorRequest {
            key: keys[0].clone(),
            key_type,
            coordinator_keys: keys.to_vec(),
        };
        let view = View {
            image,
            listener: "PLAINTEXT",
        };
        let response = response(view, &request, version);
        testing::encode(&response, version);
        response
    }

    fn ask(key_type: i8, version: i16) -> FindCoordinatorResponse {
        ask_in(&testing::image(), key_type, version)
    }

    #[test]
    fn without_the_topic_nobody_coordinates() {
        for version in 0..=3 {
            let response = ask(GROUP, version);
            assert_eq!(
                (response.error_code, response.node_id, response.port),
                (15, -1, -1)
            );
        }
        assert_eq!(ask(SHARE, 3).error_code, 42);
    }

    #[test]
    fn a_group_is_coordinated_by_the_leader_of_its_partition() {
        let image = with_groups();
        for version in 0..=3 {
            let response = ask_in(&image, GROUP, version);
            assert_eq!((response.error_code, response.node_id), (0, 1));
            assert_eq!((&*response.host, response.port), ("a", 9092));
        }
        let coordinators = ask_in(&image, GROUP, 4).coordinators;
        let found: Vec<_> = coordinators
            .iter()
            .map(|it| (&*it.key, it.error_code, it.node_id, &*it.host))
            .collect();
        assert_eq!(found[0], ("hello", 0, 1, "a"));
        assert_eq!(found[1], ("", 0, 1, "a"), "an empty id has a place as well");
        assert_eq!(found[2], ("a", 15, -1, ""), "nobody leads");
    }

    #[test]
    fn new_versions_answer_for_each_key() {
        let codes = |key_type, version| -> Vec<i16> {
            let coordinators = ask(key_type, version).coordinators;
            coordinators.iter().map(|it| it.error_code).collect()
        };
        assert_eq!(codes(GROUP, 4), [15, 15, 15, 15]);
        assert_eq!(codes(TRANSACTION, 6), [15, 15, 15, 15]);
        assert_eq!(codes(SHARE, 4), [42, 42, 42, 42]);
        assert_eq!(codes(SHARE, 6), [42, 42, 42, 15]);
        assert_eq!(codes(9, 6), [42, 42, 42, 42]);
    }
}
