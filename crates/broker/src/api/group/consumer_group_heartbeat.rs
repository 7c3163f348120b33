//! `ConsumerGroupHeartbeat` (68): all that a member of a consumer group ever says (KIP-848).

use coordinator::{Answer, Request};
use net::server::Reply;
use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use types::ErrorCode;

use super::{respond, serves_consumer_groups};
use crate::api::Ctx;

pub(crate) fn handle(ctx: &Ctx<'_>, request: ConsumerGroupHeartbeatRequest) -> Reply {
    if !serves_consumer_groups(ctx, &ctx.image()) {
        return ctx.respond(&ConsumerGroupHeartbeatResponse {
            error_code: ErrorCode::UnsupportedVersion.to_wire(),
            ..ConsumerGroupHeartbeatResponse::default()
        });
    }
    let request = Request::ConsumerHeartbeat(request);
    respond(ctx, &request, |answer| match answer {
        Answer::ConsumerHeartbeat(response) => Some(response),
        _ => None,
    })
}
