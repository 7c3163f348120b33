//! Requests that the active controller decides: handed on as they are, and its answer handed back.
//!
//! The broker answers only once its own image has what was decided, so that a client that creates a
//! topic and uses it at once, on the same broker, finds it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use net::server::Reply;
use protocol::ApiKey;
use rpc::client::ForwardRequest;
use tracing::{debug, warn};

use super::Ctx;
use crate::state::Core;

/// How long an answer is held back for the image.
const CATCH_UP_MAX: Duration = Duration::from_secs(2);

/// Forwards a request. If no controller answers in time the connection ends, and the client tries
/// again as it would after a broker's failure.
pub(crate) fn handle(ctx: &Ctx<'_>, body: Bytes) -> Reply {
    let request = on_behalf(ctx, ctx.header.api_key, ctx.version(), body);
    let core = Arc::clone(ctx.core);
    let responder = ctx.responder();
    Reply::Later(Box::pin(async move {
        let body = ask(&core, request).await?;
        responder.encode_body(&body)
    }))
}

/// The active controller's answer, once this broker knows what it decided.
pub(super) async fn ask(core: &Core, request: ForwardRequest) -> Option<Bytes> {
    let api_key = request.api_key;
    let timeout = core.config.sockets.request_timeout;
    match core.controllers.forward(request, timeout).await {
        Ok(forwarded) => {
            // A client that is told early sees what a client of another broker would see.
            let offset = forwarded.metadata_offset;
            if !core.wait_for_image(offset, CATCH_UP_MAX).await {
                debug!(offset, "answered before the image was there");
            }
            Some(forwarded.body)
        }
        Err(error) => {
            warn!(api_key, %error, "request cannot be forwarded");
            None
        }
    }
}

/// A request in the name of the client of `ctx`.
pub(super) fn on_behalf(
    ctx: &Ctx<'_>,
    api_key: ApiKey,
    api_version: i16,
    body: Bytes,
) -> ForwardRequest {
    ForwardRequest {
        api_key: api_key.to_wire(),
        api_version,
        body,
        principal: ctx.principal().to_owned(),
        client_host: ctx.connection.peer.ip().to_string(),
        listener: ctx.connection.listener.to_string(),
        client_id: ctx.client_id().to_owned(),
    }
}
