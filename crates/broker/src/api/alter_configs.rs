//! `IncrementalAlterConfigs` (44) and `AlterConfigs` (33): the controller decides, except about what
//! only this broker can know.
//!
//! A broker's log levels are its own, and a broker's configs are changed through that broker, whose
//! file they must fit. Such resources are judged here and taken out; the rest is handed on.

use std::sync::Arc;

use metadata::ResourceKind;
use net::server::Reply;
use protocol::messages::{alter_configs as legacy, incremental_alter_configs as incremental};
use protocol::{Request, Str, frame};
use types::{ErrorCode, NodeId};

use super::Ctx;
use super::describe_configs::{BROKER_LOGGER, check_broker_id};
use super::forward::on_behalf;

/// Hands an `IncrementalAlterConfigs` on.
pub(crate) fn handle_incremental(
    ctx: &Ctx<'_>,
    request: incremental::IncrementalAlterConfigsRequest,
) -> Reply {
    handle(ctx, request)
}

/// Hands an `AlterConfigs` on.
pub(crate) fn handle_legacy(ctx: &Ctx<'_>, request: legacy::AlterConfigsRequest) -> Reply {
    handle(ctx, request)
}

/// What the two APIs have in common.
trait Alter: Request {
    type Resource;
    type Result;

    fn resources(&mut self) -> &mut Vec<Self::Resource>;
    fn named(resource: &Self::Resource) -> (i8, &Str);
    fn refused(resource: Self::Resource, code: ErrorCode, message: Str) -> Self::Result;
    fn add(response: &mut Self::Response, results: Vec<Self::Result>);
}

macro_rules! alter {
    ($module:ident, $request:ident, $resource:ident, $result:ident) => {
        impl Alter for $module::$request {
            type Resource = $module::$resource;
            type Result = $module::$result;

            fn resources(&mut self) -> &mut Vec<Self::Resource> {
                &mut self.resources
            }

            fn named(resource: &Self::Resource) -> (i8, &Str) {
                (resource.resource_type, &resource.resource_name)
            }

            fn refused(resource: Self::Resource, code: ErrorCode, message: Str) -> Self::Result {
                $module::$result {
                    error_code: code.to_wire(),
                    error_message: Some(message),
                    resource_type: resource.resource_type,
                    resource_name: resource.resource_name,
                }
            }

            fn add(response: &mut Self::Response, results: Vec<Self::Result>) {
                response.responses.extend(results);
            }
        }
    };
}

alter!(
    incremental,
    IncrementalAlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse
);
alter!(
    legacy,
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse
);

fn handle<R: Alter>(ctx: &Ctx<'_>, mut request: R) -> Reply
where
    R::Result: Send + 'static,
    R::Response: Send,
{
    let version = ctx.version();
    let refused = take_refused(&mut request, ctx.core.node_id());
    if request.resources().is_empty() {
        let mut response = R::Response::default();
        R::add(&mut response, refused);
        return ctx.respond(&response);
    }
    let Ok(body) = frame::encode_body(&request, version) else {
        return Reply::Close("request cannot be encoded again");
    };
    let forward = on_behalf(ctx, R::KEY, version, body);
    let core = Arc::clone(ctx.core);
    let responder = ctx.responder();
    Reply::Later(Box::pin(async move {
        let body = super::forward::ask(&core, forward).await?;
        if refused.is_empty() {
            return responder.encode_body(&body);
        }
        let mut response = frame::decode_body::<R::Response>(body, version).ok()?;
        R::add(&mut response, refused);
        responder.encode(&response)
    }))
}

/// Takes out the resources that this broker must not hand on.
fn take_refused<R: Alter>(request: &mut R, node_id: NodeId) -> Vec<R::Result> {
    let all = std::mem::take(request.resources());
    let mut refused = Vec::new();
    for resource in all {
        let (kind, name) = R::named(&resource);
        match check(kind, name, node_id) {
            Ok(()) => request.resources().push(resource),
            Err((code, message)) => refused.push(R::refused(resource, code, message.into())),
        }
    }
    refused
}

fn check(kind: i8, name: &str, node_id: NodeId) -> Result<(), (ErrorCode, String)> {
    if kind == BROKER_LOGGER {
        check_broker_id(node_id, name, "")?;
        let message = "Log levels are chosen at start, by RUST_LOG".to_owned();
        return Err((ErrorCode::InvalidConfig, message));
    }
    if kind == ResourceKind::Broker.to_wire() && !name.is_empty() {
        check_broker_id(node_id, name, " or empty string,")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(resources: &[(i8, &'static str)]) -> (Vec<String>, Vec<(String, i16)>) {
        let resource = |(kind, name): &(i8, &'static str)| incremental::AlterConfigsResource {
            resource_type: *kind,
            resource_name: Str::from_static(name),
            ..incremental::AlterConfigsResource::default()
        };
        let mut request = incremental::IncrementalAlterConfigsRequest {
            resources: resources.iter().map(resource).collect(),
            validate_only: false,
        };
        let refused = take_refused(&mut request, NodeId(1));
        let kept = request
            .resources
            .iter()
            .map(|it| it.resource_name.to_string());
        let refused = refused
            .iter()
            .map(|it| (it.resource_name.to_string(), it.error_code));
        (kept.collect(), refused.collect())
    }

    #[test]
    fn another_brokers_configs_and_log_levels_are_not_handed_on() {
        let (kept, refused) = ask(&[
            (2, "t"),
            (4, ""),
            (4, "1"),
            (4, "2"),
            (4, "x"),
            (8, "1"),
            (8, "2"),
        ]);
        assert_eq!(kept, ["t", "", "1"]);
        let codes: Vec<(&str, i16)> = refused
            .iter()
            .map(|(name, code)| (&**name, *code))
            .collect();
        assert_eq!(codes, [("2", 42), ("x", 42), ("1", 40), ("2", 42)]);
    }
}
