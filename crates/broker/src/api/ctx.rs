//! What a handler sees of its request's surroundings, and how it answers.

use std::sync::Arc;

use arc_swap::Guard;
use metadata::MetadataImage;
use net::server::{ConnectionContext, Reply};
use protocol::frame::{self, RequestHeader};
use protocol::wire::Segments;
use protocol::{ApiKey, Message};
use tracing::error;

use crate::state::Core;

/// One request's surroundings.
#[derive(Debug)]
pub(crate) struct Ctx<'a> {
    /// The broker. Clone the `Arc` into futures.
    pub(crate) core: &'a Arc<Core>,
    /// Who asks, through which listener.
    pub(crate) connection: &'a ConnectionContext,
    /// The request's header; its version is one that the API has.
    pub(crate) header: &'a RequestHeader,
}

impl Ctx<'_> {
    /// The version of the request and its response.
    pub(crate) fn version(&self) -> i16 {
        self.header.api_version
    }

    /// What the cluster has decided. Take it once per request.
    pub(crate) fn image(&self) -> Guard<Arc<MetadataImage>> {
        self.core.image()
    }

    /// Who asks, as type and name.
    pub(crate) fn principal(&self) -> &'static str {
        "User:ANONYMOUS"
    }

    /// What the client calls itself, empty if it does not say.
    pub(crate) fn client_id(&self) -> &str {
        self.header.client_id.as_deref().unwrap_or_default()
    }

    /// What an answer needs of the request, to be taken into a future.
    pub(crate) fn responder(&self) -> Responder {
        Responder {
            correlation_id: self.header.correlation_id,
            api_key: self.header.api_key,
            version: self.header.api_version,
        }
    }

    /// Answers at once.
    pub(crate) fn respond<M: Message>(&self, response: &M) -> Reply {
        match self.responder().encode(response) {
            Some(segments) => Reply::Now(segments),
            None => Reply::Close("response cannot be encoded"),
        }
    }

    /// Answers when the future is done. It is polled only once all earlier requests of the connection
    /// are answered, so what it waits for must be under way.
    pub(crate) fn respond_later<M: Message>(
        &self,
        response: impl Future<Output = M> + Send + 'static,
    ) -> Reply {
        let responder = self.responder();
        Reply::Later(Box::pin(async move { responder.encode(&response.await) }))
    }
}

/// Encodes the response to one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Responder {
    correlation_id: i32,
    api_key: ApiKey,
    /// The version of the request and its response.
    pub(crate) version: i16,
}

impl Responder {
    /// The whole frame. `None` if the response has a field that this version cannot say, which is a
    /// mistake of ours: it is logged, and the connection ends.
    pub(crate) fn encode<M: Message>(self, response: &M) -> Option<Segments> {
        let (key, version) = (self.api_key, self.version);
        match frame::encode_response(self.correlation_id, key, version, response) {
            Ok(segments) => Some(segments),
            Err(error) => {
                error!(api = %key, version, %error, "response cannot be encoded");
                None
            }
        }
    }

    /// The whole frame around a body that was encoded elsewhere.
    pub(crate) fn encode_body(self, body: &bytes::Bytes) -> Option<Segments> {
        let (key, version) = (self.api_key, self.version);
        match frame::encode_response_with_body(self.correlation_id, key, version, body) {
            Ok(segments) => Some(segments),
            Err(error) => {
                error!(api = %key, version, %error, "response cannot be encoded");
                None
            }
        }
    }
}
