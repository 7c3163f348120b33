//! `ListConfigResources` (74): what can have configs (KIP-1142).

use metadata::{MetadataImage, ResourceKind};
use net::server::Reply;
use protocol::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};
use types::ErrorCode;

use super::Ctx;
use super::describe_configs::BROKER_LOGGER;

const TOPIC: i8 = ResourceKind::Topic.to_wire();
const BROKER: i8 = ResourceKind::Broker.to_wire();
const CLIENT_METRICS: i8 = ResourceKind::ClientMetrics.to_wire();
const GROUP: i8 = ResourceKind::Group.to_wire();

/// In the order in which they are listed.
const ALL: [i8; 5] = [CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC, GROUP];

pub(crate) fn handle(ctx: &Ctx<'_>, request: ListConfigResourcesRequest) -> Reply {
    ctx.respond(&response(&ctx.image(), &request, ctx.version()))
}

fn response(
    image: &MetadataImage,
    request: &ListConfigResourcesRequest,
    version: i16,
) -> ListConfigResourcesResponse {
    // Version 0 was about client metrics alone, and could not ask for anything else.
    let asked = match &request.resource_types[..] {
        _ if version == 0 => &[CLIENT_METRICS][..],
        [] => &ALL[..],
        types => types,
    };
    if asked.iter().any(|kind| !ALL.contains(kind)) {
        return ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion.to_wire(),
            ..ListConfigResourcesResponse::default()
        };
    }
    let wanted = ALL.into_iter().filter(|kind| asked.contains(kind));
    let resources = wanted.flat_map(|kind| {
        let resource = move |name: String| ConfigResource {
            resource_name: name.into(),
            resource_type: kind,
        };
        names(image, kind).into_iter().map(resource)
    });
    ListConfigResourcesResponse {
        config_resources: resources.collect(),
        ..ListConfigResourcesResponse::default()
    }
}

/// Topics and brokers are listed whether they have configs or not, the others only if they do.
fn names(image: &MetadataImage, kind: i8) -> Vec<String> {
    let configured = |kind| {
        let resources = image.config_resources(kind);
        resources.map(|(name, _)| name.to_owned()).collect()
    };
    match kind {
        TOPIC => image
            .topics()
            .map(|topic| topic.name().to_string())
            .collect(),
        BROKER | BROKER_LOGGER => image
            .brokers()
            .map(|broker| broker.id.to_string())
            .collect(),
        CLIENT_METRICS => configured(ResourceKind::ClientMetrics),
        _ => configured(ResourceKind::Group),
    }
}

#[cfg(test)]
mod tests {
    use metadata::v1::ResourceType;

    use super::*;
    use crate::api::testing;

    fn ask(types: &[i8], version: i16) -> (i16, Vec<(String, i8)>) {
        let image = testing::image_with(vec![
            testing::config(ResourceType::ClientMetrics, "m", "interval.ms", "1000"),
            testing::config(
                ResourceType::Group,
                "g",
                "share.isolation.level",
                "read_committed",
            ),
        ]);
        let request = ListConfigResourcesRequest {
            resource_types: types.to_vec(),
        };
        let mut response = response(&image, &request, version);
        if version == 0 {
            response
                .config_resources
                .iter_mut()
                .for_each(|it| it.resource_type = CLIENT_METRICS);
        }
        testing::encode(&response, version);
        let resources = response.config_resources.iter();
        let listed = resources.map(|it| (it.resource_name.to_string(), it.resource_type));
        (response.error_code, listed.collect())
    }

    #[test]
    fn version_0_lists_client_metrics() {
        assert_eq!(ask(&[], 0), (0, vec![("m".to_owned(), 16)]));
    }

    #[test]
    fn an_empty_list_asks_for_every_kind() {
        let (_, listed) = ask(&[], 1);
        let of = |kind| listed.iter().filter(|(_, it)| *it == kind).count();
        assert_eq!([of(2), of(4), of(8), of(16), of(32)], [2, 3, 3, 1, 1]);
        assert_eq!(ask(&[32], 1), (0, vec![("g".to_owned(), 32)]));
    }

    #[test]
    fn a_kind_without_configs_is_refused() {
        assert_eq!(ask(&[2, 99], 1), (35, vec![]));
    }
}
