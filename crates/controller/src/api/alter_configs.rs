//! `AlterConfigs` (key 33), the older one that replaces all configs of a resource. Its codes are those
//! of `IncrementalAlterConfigs` too.

use metadata::MetadataImage;
use protocol::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};
use types::ErrorCode;

use super::{AdminApi, RequestContext, worded};
use crate::decide::{ConfigRefusal as Refusal, Decision, Edit, EditKind, Resource, alter_configs};

pub(super) struct Api;

impl AdminApi for Api {
    type Request = AlterConfigsRequest;
    type Response = AlterConfigsResponse;

    fn evaluate(
        image: &MetadataImage,
        context: &RequestContext<'_>,
        _version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let resources: Vec<Resource> = request.resources.iter().map(resource).collect();
        let (settings, via) = (context.settings, context.via);
        let Decision { records, response } =
            alter_configs(image, settings, via, &resources, request.validate_only);
        let responses = request.resources.iter().zip(&response);
        let responses = responses.map(|(resource, result)| {
            let (error_code, error_message) = worded(result, code);
            AlterConfigsResourceResponse {
                error_code,
                error_message,
                resource_type: resource.resource_type,
                resource_name: resource.resource_name.clone(),
            }
        });
        let responses = responses.collect();
        Decision {
            records,
            response: AlterConfigsResponse {
                responses,
                ..AlterConfigsResponse::default()
            },
        }
    }

    fn refuse(_version: i16, request: &Self::Request, code: ErrorCode) -> Self::Response {
        let responses = request.resources.iter();
        let responses = responses.map(|resource| AlterConfigsResourceResponse {
            error_code: code.to_wire(),
            error_message: None,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
        });
        AlterConfigsResponse {
            responses: responses.collect(),
            ..AlterConfigsResponse::default()
        }
    }
}

fn resource(resource: &AlterConfigsResource) -> Resource {
    let edits = resource.configs.iter().map(|config| Edit {
        key: config.name.clone(),
        kind: EditKind::Set,
        value: config.value.clone(),
    });
    Resource {
        kind: resource.resource_type,
        name: resource.resource_name.clone(),
        edits: edits.collect(),
    }
}

pub(super) const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::DuplicateResource
        | Refusal::DuplicateKey
        | Refusal::UnknownKind(_)
        | Refusal::NoDefaults(_)
        | Refusal::BrokerName(_)
        | Refusal::OtherBroker { .. }
        | Refusal::NullValue(_)
        | Refusal::UnknownOperation { .. }
        | Refusal::InvalidOfSubscription(_)
        | Refusal::InvalidOfBroker(_) => ErrorCode::InvalidRequest,
        Refusal::Name(_) => ErrorCode::InvalidTopicException,
        Refusal::UnknownTopic(_) => ErrorCode::UnknownTopicOrPartition,
        Refusal::UnknownBroker(_) => ErrorCode::BrokerIdNotRegistered,
        Refusal::NotAList { .. } | Refusal::MinIsrOfOneBroker | Refusal::Invalid(_) => {
            ErrorCode::InvalidConfig
        }
    }
}
