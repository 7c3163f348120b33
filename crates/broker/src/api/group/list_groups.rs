//! `ListGroups` (16): the groups that this broker coordinates.

use net::server::Reply;
use protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};
use types::ErrorCode;

use crate::api::Ctx;

pub(crate) fn handle(ctx: &Ctx<'_>, request: ListGroupsRequest) -> Reply {
    let (code, groups) = match ctx.core.groups.list(ctx.core, &request) {
        Ok(groups) => (ErrorCode::None, groups),
        Err(code) => (code, Vec::new()),
    };
    ctx.respond(&ListGroupsResponse {
        error_code: code.to_wire(),
        groups,
        ..ListGroupsResponse::default()
    })
}
