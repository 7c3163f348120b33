//! `DescribeCluster` (60): the brokers, for administration.

use net::server::Reply;
use protocol::Str;
use protocol::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};
use types::{ErrorCode, NodeId};

use super::Ctx;
use super::view::{View, operations};

/// Who is meant: the brokers or (KIP-919, asked of a controller) the controllers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(crate) fn handle(ctx: &Ctx<'_>, request: DescribeClusterRequest) -> Reply {
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            let message = "The request was sent to an endpoint of type BROKER, but we wanted an \
                           endpoint of type CONTROLLER";
            return ctx.respond(&refusal(ErrorCode::MismatchedEndpointType, message.into()));
        }
        other => {
            let message = format!("Unsupported endpoint type {other}");
            return ctx.respond(&refusal(ErrorCode::UnsupportedEndpointType, message.into()));
        }
    }
    let image = ctx.image();
    let view = View {
        image: &image,
        listener: &ctx.connection.listener,
    };
    let turn = usize::try_from(ctx.connection.id).unwrap_or_default();
    ctx.respond(&response(view, &request, turn))
}

fn refusal(code: ErrorCode, message: Str) -> DescribeClusterResponse {
    DescribeClusterResponse {
        error_code: code.to_wire(),
        error_message: Some(message),
        controller_id: NodeId::NONE.0,
        cluster_authorized_operations: operations::OMITTED,
        ..DescribeClusterResponse::default()
    }
}

fn response(
    view: View<'_>,
    request: &DescribeClusterRequest,
    turn: usize,
) -> DescribeClusterResponse {
    let listed = view
        .image
        .brokers()
        .filter(|broker| request.include_fenced_brokers || !broker.fenced);
    let brokers = listed.filter_map(|broker| {
        let address = view.address(broker)?;
        Some(DescribeClusterBroker {
            broker_id: broker.id.0,
            host: address.host,
            port: address.port,
            rack: address.rack,
            is_fenced: broker.fenced,
        })
    });
    DescribeClusterResponse {
        cluster_id: view.image.cluster_id().unwrap_or_default().into(),
        controller_id: view.some_broker(turn).0,
        brokers: brokers.collect(),
        cluster_authorized_operations: operations::if_asked(
            request.include_cluster_authorized_operations,
            operations::CLUSTER,
        ),
        ..DescribeClusterResponse::default()
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::api::testing;

    fn ask(include_fenced_brokers: bool) -> DescribeClusterResponse {
        let image = testing::image();
        let view = View {
            image: &image,
            listener: "PLAINTEXT",
        };
        let request = DescribeClusterRequest {
            include_fenced_brokers,
            include_cluster_authorized_operations: true,
            ..DescribeClusterRequest::default()
        };
        response(view, &request, 0)
    }

    #[test]
    fn fenced_brokers_are_listed_only_when_asked_for() {
        let ids = |response: &DescribeClusterResponse| -> Vec<(i32, bool)> {
            let brokers = response.brokers.iter();
            brokers.map(|it| (it.broker_id, it.is_fenced)).collect()
        };
        assert_eq!(ids(&ask(false)), [(1, false), (2, false)]);
        assert_eq!(ids(&ask(true)), [(1, false), (2, false), (3, true)]);
    }

    #[test]
    fn the_cluster_is_named_with_a_live_controller() {
        let response = ask(false);
        assert_eq!(response.cluster_id, testing::CLUSTER_ID);
        assert!([1, 2].contains(&response.controller_id));
        assert_eq!(response.cluster_authorized_operations, 8096);
    }

    #[test]
    fn every_version_can_say_it() {
        for response in [
            ask(false),
            refusal(ErrorCode::MismatchedEndpointType, Str::default()),
        ] {
            for version in 0..=2 {
                testing::encode(&response, version);
            }
        }
    }
}
