//! The calling side's way to a peer.

use std::io;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::io::duplex;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use super::{Connection, IncomingSender, TransportConfig};

/// Buffered bytes per direction of a pipe within the process.
const PIPE_BYTES: usize = 256 << 10;

/// Knows how to reach one peer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connector {
    way: Arc<Way>,
}

#[derive(Debug)]
enum Way {
    Tcp(String),
    Pipe(IncomingSender),
}

impl Connector {
    /// Dials `host:port`. The name is resolved anew at each connection.
    #[must_use]
    pub fn tcp(address: impl Into<String>) -> Self {
        Self {
            way: Arc::new(Way::Tcp(address.into())),
        }
    }

    pub(super) fn in_process(sender: IncomingSender) -> Self {
        Self {
            way: Arc::new(Way::Pipe(sender)),
        }
    }

    /// The address dialled; `None` within the process.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match &*self.way {
            Way::Tcp(address) => Some(address),
            Way::Pipe(_) => None,
        }
    }

    /// A channel that connects when first used, and again after each break. Calls made while the
    /// peer cannot be reached fail with `UNAVAILABLE` within `connect_timeout`.
    #[must_use]
    pub fn channel(&self, config: &TransportConfig) -> Channel {
        let connector = self.clone();
        Self::endpoint(config).connect_with_connector_lazy(service_fn(move |_: Uri| {
            let connector = connector.clone();
            async move { connector.connect().await.map(TokioIo::new) }
        }))
    }

    /// Opens one connection.
    ///
    /// # Errors
    /// What the socket says; `ConnectionRefused` means that nobody listens there.
    pub async fn connect(&self) -> io::Result<Connection> {
        match &*self.way {
            Way::Tcp(address) => {
                let socket = TcpStream::connect(address).await?;
                socket.set_nodelay(true)?;
                Ok(Connection::Tcp(socket))
            }
            Way::Pipe(sender) => {
                let (near, far) = duplex(PIPE_BYTES);
                sender.send(Connection::Pipe(far)).await?;
                Ok(Connection::Pipe(near))
            }
        }
    }

    /// The settings of a connection to this peer.
    pub(crate) fn endpoint(config: &TransportConfig) -> Endpoint {
        // The connector decides where to go; the name only fills the :authority header.
        Endpoint::from_static("http://raudal.invalid")
            .connect_timeout(config.connect_timeout)
            .http2_keep_alive_interval(config.keepalive_interval)
            .keep_alive_timeout(config.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(config.stream_window_bytes)
            .initial_connection_window_size(config.connection_window_bytes)
            .max_frame_size(config.frame_bytes_max)
    }
}
