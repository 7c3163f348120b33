//! `DeleteGroups` (42): ends groups without members, with their offsets.

use coordinator::{Answer, Request};
use net::server::Reply;
use protocol::messages::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};

use super::respond_all;
use crate::api::Ctx;

pub(crate) fn handle(ctx: &Ctx<'_>, request: DeleteGroupsRequest) -> Reply {
    let names = request.groups_names;
    let requests: Vec<Request> = names.iter().cloned().map(Request::Delete).collect();
    respond_all(ctx, requests.into_iter(), move |answers| {
        DeleteGroupsResponse {
            results: names
                .into_iter()
                .zip(answers)
                .filter_map(|(group_id, answer)| match answer {
                    Answer::Delete(code) => Some(DeletableGroupResult {
                        group_id,
                        error_code: code.to_wire(),
                    }),
                    _ => None,
                })
                .collect(),
            ..DeleteGroupsResponse::default()
        }
    })
}
