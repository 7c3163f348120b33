//! `DescribeGroups` (15): classic groups with their members.

use coordinator::{Answer, Request};
use net::server::Reply;
use protocol::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup,
};
use types::ErrorCode;

use super::respond_all;
use crate::api::Ctx;
use crate::api::view::operations;

pub(crate) fn handle(ctx: &Ctx<'_>, request: DescribeGroupsRequest) -> Reply {
    let asked = operations::if_asked(request.include_authorized_operations, operations::GROUP);
    let requests = request.groups.into_iter().map(Request::Describe);
    respond_all(ctx, requests, move |answers| DescribeGroupsResponse {
        groups: answers
            .into_iter()
            .filter_map(|answer| match answer {
                Answer::Describe(group) => Some(with_operations(group, asked)),
                _ => None,
            })
            .collect(),
        ..DescribeGroupsResponse::default()
    })
}

fn with_operations(group: DescribedGroup, asked: i32) -> DescribedGroup {
    if group.error_code != ErrorCode::None.to_wire() {
        return group;
    }
    DescribedGroup {
        authorized_operations: asked,
        ..group
    }
}
