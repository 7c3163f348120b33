//! The broker's sockets: bound early, so that ports are known and conflicts show, served late.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use config::server::{Endpoint, Listener, ServerConfig};
use net::server::{Limits, PrefaceHandler, Server, bind};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::KafkaService;
use crate::broker::BrokerError;

/// How long requests in flight may take once the broker stops.
const DRAIN: Duration = Duration::from_secs(3);

/// A listener that clients can connect to, though nobody accepts yet.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    listener: TcpListener,
}

/// Binds all of the broker's listeners.
///
/// # Errors
/// [`BrokerError::Listen`].
pub(crate) async fn bind_all(config: &ServerConfig) -> Result<Vec<Bound>, BrokerError> {
    let mut bound = Vec::new();
    for listener in &config.listeners.broker {
        bound.push(bind_one(listener).await?);
    }
    Ok(bound)
}

async fn bind_one(listener: &Listener) -> Result<Bound, BrokerError> {
    let failed = |source: std::io::Error| BrokerError::Listen {
        address: format!("{}://{}", listener.name, listener.bind),
        source: Arc::new(source),
    };
    let socket = bind_endpoint(&listener.bind).await.map_err(failed)?;
    Ok(Bound {
        name: listener.name.clone(),
        address: socket.local_addr().map_err(failed)?,
        listener: socket,
    })
}

async fn bind_endpoint(endpoint: &Endpoint) -> std::io::Result<TcpListener> {
    let port = endpoint.port;
    if endpoint.host.is_empty() {
        // One IPv6 socket takes IPv4 as well, on machines that have IPv6.
        let everywhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
        let only_v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        return bind(everywhere).or_else(|_| bind(only_v4));
    }
    // IPv4 first, as Java's clients expect of `localhost`.
    let resolved = tokio::net::lookup_host((endpoint.host.as_str(), port)).await?;
    let mut addresses: Vec<SocketAddr> = resolved.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Accepts clients on every listener until `stop`. The tasks end once their connections have.
pub(crate) fn serve_all(
    bound: Vec<Bound>,
    config: &ServerConfig,
    service: &Arc<KafkaService>,
    preface: &Arc<dyn PrefaceHandler>,
    stop: &CancellationToken,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for one in bound {
        let is_inter_broker = one.name == config.listeners.inter_broker_name;
        let mut server = Server::new(one.name, limits(config), Arc::clone(service));
        if is_inter_broker {
            server = server.with_preface(Arc::clone(preface));
        }
        tasks.spawn(server.serve(one.listener, stop.clone()));
    }
    tasks
}

fn limits(config: &ServerConfig) -> Limits {
    let sockets = &config.sockets;
    let ours = Limits::default();
    // Negative numbers say "no limit", which here means our own.
    let or_ours = |configured: i64, ours: usize| usize::try_from(configured).unwrap_or(ours);
    Limits {
        max_frame_bytes: or_ours(
            sockets.socket_request_max_bytes.into(),
            ours.max_frame_bytes,
        ),
        // -1 is the system's choice here, as in Kafka.
        send_buffer_bytes: usize::try_from(sockets.socket_send_buffer_bytes).ok(),
        max_listener_bytes: or_ours(sockets.queued_max_request_bytes, ours.max_listener_bytes),
        max_connection_count: or_ours(sockets.max_connections.into(), ours.max_connection_count),
        max_connection_count_per_ip: or_ours(
            sockets.max_connections_per_ip.into(),
            ours.max_connection_count_per_ip,
        ),
        idle: sockets.connections_max_idle,
        drain: DRAIN,
        ..ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_is_reached_over_ipv4() {
        let endpoint = Endpoint {
            host: "localhost".to_owned(),
            port: 0,
        };
        let bound = bind_endpoint(&endpoint).await.expect("bound");
        assert!(bound.local_addr().expect("bound").is_ipv4());
    }

    #[tokio::test]
    async fn no_host_means_every_address() {
        let endpoint = Endpoint {
            host: String::new(),
            port: 0,
        };
        let bound = bind_endpoint(&endpoint).await.expect("bound");
        let address = bound.local_addr().expect("bound");
        assert!(address.ip().is_unspecified());
        let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
        tokio::net::TcpStream::connect(v4)
            .await
            .expect("reached over IPv4");
    }

    #[test]
    fn the_send_buffer_is_the_configured_one_and_minus_one_is_the_systems() {
        let of = |properties: &[(&str, &str)]| {
            limits(&crate::tests::server_config(properties)).send_buffer_bytes
        };
        let key = "socket.send.buffer.bytes";
        assert_eq!(of(&[]), Some(256 * 1024));
        assert_eq!(of(&[(key, "102400")]), Some(102_400));
        assert_eq!(of(&[(key, "-1")]), None);
    }
}
