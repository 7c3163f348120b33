//! Requests to groups: handed to the group's coordinator on this broker, and its answer handed back.
//!
//! One file per API below; what they share is here. The decisions are made in the crate `coordinator`.

pub(super) mod consumer_group_describe;
pub(super) mod consumer_group_heartbeat;
pub(super) mod delete_groups;
pub(super) mod describe_groups;
pub(super) mod list_groups;
pub(super) mod membership;
pub(super) mod offset_commit;
pub(super) mod offset_delete;
pub(super) mod offset_fetch;

use std::collections::HashSet;

use coordinator::{Answer, Caller, Request};
use metadata::MetadataImage;
use metadata::feature::GROUP_VERSION;
use net::server::Reply;
use protocol::{Message, Str};
use types::{ErrorCode, Uuid};

use super::Ctx;
use crate::coordinator::Asked;

/// Asks one group.
fn ask(ctx: &Ctx<'_>, request: &Request) -> Asked {
    let caller = Caller {
        client_id: ctx.client_id().into(),
        client_host: format!("/{}", ctx.connection.peer.ip()).into(),
        version: ctx.version(),
        fresh_id: Uuid::from_bytes(rand::random()),
    };
    ctx.core.groups.ask(ctx.core, &caller, request)
}

/// Asks one group, whose answer becomes the response. `finish` takes the answer apart; `None` is a
/// mistake of ours, and ends the connection.
fn respond<M: Message>(
    ctx: &Ctx<'_>,
    request: &Request,
    finish: impl FnOnce(Answer) -> Option<M> + Send + 'static,
) -> Reply {
    match ask(ctx, request) {
        Asked::Now(answer) => match finish(answer) {
            Some(response) => ctx.respond(&response),
            None => Reply::Close("a group gave another's answer"),
        },
        asked @ Asked::Later { .. } => {
            let responder = ctx.responder();
            Reply::Later(Box::pin(async move {
                let response = finish(asked.answer().await)?;
                responder.encode(&response)
            }))
        }
    }
}

/// Groups in one request. A name of a few bytes becomes an answer of a few hundred.
const GROUPS_MAX: usize = 100_000;

/// Asks many groups, whose answers become the response, in their order. A group that is named once more is
/// refused there: its answer may be a million times as large as its name.
fn respond_all<M: Message>(
    ctx: &Ctx<'_>,
    requests: impl ExactSizeIterator<Item = Request>,
    finish: impl FnOnce(Vec<Answer>) -> M + Send + 'static,
) -> Reply {
    if requests.len() > GROUPS_MAX {
        return Reply::Close("too many groups in one request");
    }
    let mut named: HashSet<Str> = HashSet::new();
    let asked: Vec<Asked> = requests
        .map(|request| match named.insert(request.group_id().clone()) {
            true => ask(ctx, &request),
            false => Asked::Now(request.refused(ErrorCode::InvalidRequest)),
        })
        .collect();
    if asked.iter().all(|asked| matches!(asked, Asked::Now(_))) {
        let now = |asked| match asked {
            Asked::Now(answer) => Some(answer),
            Asked::Later { .. } => None,
        };
        return ctx.respond(&finish(asked.into_iter().filter_map(now).collect()));
    }
    ctx.respond_later(async move {
        let mut answers = Vec::with_capacity(asked.len());
        for asked in asked {
            answers.push(asked.answer().await);
        }
        finish(answers)
    })
}

/// Whether groups whose members are assigned by the coordinator are served (KIP-848).
fn serves_consumer_groups(ctx: &Ctx<'_>, image: &MetadataImage) -> bool {
    let protocols = &ctx.core.config.groups.group_coordinator_rebalance_protocols;
    image.feature_level(GROUP_VERSION) >= 1 && protocols.iter().any(|name| name == "consumer")
}

/// A topic's name as it stands in a message.
fn text(name: &str) -> Str {
    name.into()
}
