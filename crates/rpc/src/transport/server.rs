//! The serving side's settings and loop.

use std::future::Future;

use tonic::service::Routes;
use tonic::transport::Server;

use super::{Incoming, TransportConfig};

/// A server builder with our timeouts and windows.
pub fn builder(config: &TransportConfig) -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(config.keepalive_interval))
        .http2_keepalive_timeout(Some(config.keepalive_timeout))
        .initial_stream_window_size(config.stream_window_bytes)
        .initial_connection_window_size(config.connection_window_bytes)
        .max_frame_size(config.frame_bytes_max)
        .max_concurrent_streams(config.concurrent_streams_max)
}

/// Serves the routes on every connection that comes in, until `stop` resolves and the requests in
/// flight are done. Streams without end have to be ended by their services, which see the same
/// signal.
///
/// # Errors
/// A failure to accept that does not concern one connection alone.
pub async fn serve(
    routes: Routes,
    incoming: Incoming,
    config: &TransportConfig,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    builder(config)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stop)
        .await
}
