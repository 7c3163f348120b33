//! `ConsumerGroupDescribe` (69): consumer groups with their members and assignments (KIP-848).

use coordinator::{Answer, Request};
use net::server::Reply;
use protocol::messages::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup,
};
use types::ErrorCode;

use super::{respond_all, serves_consumer_groups};
use crate::api::Ctx;
use crate::api::view::operations;

pub(crate) fn handle(ctx: &Ctx<'_>, request: ConsumerGroupDescribeRequest) -> Reply {
    if !serves_consumer_groups(ctx, &ctx.image()) {
        let refused = |group_id| DescribedGroup {
            error_code: ErrorCode::UnsupportedVersion.to_wire(),
            group_id,
            ..DescribedGroup::default()
        };
        return ctx.respond(&response(
            request.group_ids.into_iter().map(refused).collect(),
        ));
    }
    let asked = operations::if_asked(request.include_authorized_operations, operations::GROUP);
    let requests = request.group_ids.into_iter().map(Request::ConsumerDescribe);
    respond_all(ctx, requests, move |answers| {
        let groups = answers.into_iter().filter_map(|answer| match answer {
            Answer::ConsumerDescribe(group) => Some(with_operations(group, asked)),
            _ => None,
        });
        response(groups.collect())
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

fn response(groups: Vec<DescribedGroup>) -> ConsumerGroupDescribeResponse {
    ConsumerGroupDescribeResponse {
        groups,
        ..ConsumerGroupDescribeResponse::default()
    }
}
