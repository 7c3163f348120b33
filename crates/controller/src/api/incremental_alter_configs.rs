//! `IncrementalAlterConfigs` (key 44). Codes as in `AlterConfigs`.

use metadata::MetadataImage;
use protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use types::ErrorCode;

use super::alter_configs::code;
use super::{AdminApi, RequestContext, worded};
use crate::decide::{Decision, Edit, EditKind, Resource, incremental_alter_configs};

pub(super) struct Api;

impl AdminApi for Api {
    type Request = IncrementalAlterConfigsRequest;
    type Response = IncrementalAlterConfigsResponse;

    fn evaluate(
        image: &MetadataImage,
        context: &RequestContext<'_>,
        _version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let resources: Vec<Resource> = request.resources.iter().map(resource).collect();
        let (settings, via) = (context.settings, context.via);
        let validate_only = request.validate_only;
        let Decision { records, response } =
            incremental_alter_configs(image, settings, via, &resources, validate_only);
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
            response: IncrementalAlterConfigsResponse {
                responses,
                ..IncrementalAlterConfigsResponse::default()
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
        IncrementalAlterConfigsResponse {
            responses: responses.collect(),
            ..IncrementalAlterConfigsResponse::default()
        }
    }
}

fn resource(resource: &AlterConfigsResource) -> Resource {
    let edits = resource.configs.iter().map(|config| Edit {
        key: config.name.clone(),
        kind: match config.config_operation {
            0 => EditKind::Set,
            1 => EditKind::Delete,
            2 => EditKind::Append,
            3 => EditKind::Subtract,
            number => EditKind::Unknown(number),
        },
        value: config.value.clone(),
    });
    Resource {
        kind: resource.resource_type,
        name: resource.resource_name.clone(),
        edits: edits.collect(),
    }
}
