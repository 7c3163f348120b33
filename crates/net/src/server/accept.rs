//! Accepts connections, counts them, and owns their tasks until they end.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::connection::{Connection, Ended, Shared};
use super::{CloseReason, ConnectionContext, Limits, PrefaceHandler, Prefixed, Service};
use crate::BufferPool;
use crate::budget::Budgets;

/// Connections that wait in the kernel's queue: enough for a whole fleet that reconnects at once.
const BACKLOG: u32 = 4096;
/// Pause after an accept error that says the machine has run out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

static NEXT_CONNECTION_ID: AtomicU64 = AtomicU64::new(1);

/// Binds a listener as [`Server::serve`] wants it.
///
/// # Errors
/// Those of `bind` and `listen`.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop`: [`Server::serve`] without extras.
pub async fn serve<S: Service>(
    listener: TcpListener,
    limits: Limits,
    service: Arc<S>,
    stop: CancellationToken,
) {
    Server::new("PLAINTEXT", limits, service)
        .serve(listener, stop)
        .await;
}

/// Numbers of one listener, for metrics.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections open now.
    pub open: AtomicU64,
    /// Connections accepted since the start.
    pub accepted: AtomicU64,
    /// Connections closed because a limit was reached.
    pub refused: AtomicU64,
    /// Connections whose task panicked.
    pub panicked: AtomicU64,
}

/// One listener's server.
pub struct Server<S> {
    name: Arc<str>,
    service: Arc<S>,
    shared: Arc<Shared>,
    preface: Option<Arc<dyn PrefaceHandler>>,
    counters: Arc<Counters>,
}

impl<S> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl<S: Service> Server<S> {
    /// A server for the listener of that name.
    pub fn new(name: impl Into<Arc<str>>, limits: Limits, service: Arc<S>) -> Self {
        let shared = Shared {
            budgets: Budgets::new(limits.max_listener_bytes),
            pool: Arc::new(BufferPool::new()),
            accepts_preface: false,
            limits,
        };
        Self {
            name: name.into(),
            service,
            shared: Arc::new(shared),
            preface: None,
            counters: Arc::default(),
        }
    }

    /// Hands HTTP/2 connections to `handler` instead of closing them.
    #[must_use]
    pub fn with_preface(mut self, handler: Arc<dyn PrefaceHandler>) -> Self {
        self.shared = Arc::new(Shared {
            accepts_preface: true,
            budgets: self.shared.budgets.clone(),
            pool: Arc::clone(&self.shared.pool),
            limits: self.shared.limits.clone(),
        });
        self.preface = Some(handler);
        self
    }

    /// The listener's numbers.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Accepts and serves until `stop`, then lets requests in flight finish for `limits.drain` and
    /// closes what is left.
    ///
    /// # Cancel safety
    /// Dropping the future closes every connection at once.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let mut connections = Connections::default();
        loop {
            let has_room = connections.tasks.len() < self.shared.limits.max_connection_count;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = connections.tasks.join_next_with_id() => {
                    self.on_ended(&mut connections, ended);
                }
                accepted = listener.accept(), if has_room => match accepted {
                    Ok((stream, peer)) => self.on_accepted(&mut connections, stream, peer, &stop),
                    Err(error) => self.on_accept_error(&error).await,
                },
            }
        }
        drop(listener);
        let drained = async {
            while let Some(ended) = connections.tasks.join_next_with_id().await {
                self.on_ended(&mut connections, ended);
            }
        };
        if timeout(self.shared.limits.drain, drained).await.is_err() {
            warn!(listener = %self.name, "closing connections with requests still in flight");
            connections.tasks.shutdown().await;
        }
    }

    fn on_accepted(
        &self,
        connections: &mut Connections,
        stream: TcpStream,
        peer: SocketAddr,
        stop: &CancellationToken,
    ) {
        let ip = peer.ip().to_canonical();
        if connections.count_of(ip) >= self.shared.limits.connection_count_of(ip) {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            debug!(listener = %self.name, %peer, "too many connections from this address");
            return;
        }
        // A peer that is gone already shows so on the first read.
        let Ok(local) = stream.local_addr() else {
            return;
        };
        if let Err(error) = set_options(&stream, &self.shared.limits) {
            debug!(%peer, %error, "cannot set all options of the socket");
        }
        let context = ConnectionContext {
            id: NEXT_CONNECTION_ID.fetch_add(1, Ordering::Relaxed),
            peer,
            local,
            listener: Arc::clone(&self.name),
        };
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        self.counters.open.fetch_add(1, Ordering::Relaxed);
        connections.spawn(ip, self.run(stream, context, stop.clone()));
    }

    /// One connection's task.
    fn run(
        &self,
        stream: TcpStream,
        context: ConnectionContext,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + use<S> {
        let service = Arc::clone(&self.service);
        let shared = Arc::clone(&self.shared);
        let preface = self.preface.clone();
        async move {
            let connection = Connection::new(stream, service, &context, shared);
            match (connection.run(stop).await, preface) {
                (Ended::Closed(reason), _) => log_close(&context, &reason),
                (Ended::Preface(stream, read), Some(handler)) => {
                    handler.take_over(Prefixed::new(read, stream), context);
                }
                (Ended::Preface(..), None) => {}
            }
        }
    }

    fn on_ended(&self, connections: &mut Connections, ended: Result<(Id, ()), JoinError>) {
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(failed) => failed.id(),
        };
        connections.forget(id);
        if let Err(failed) = ended
            && failed.is_panic()
        {
            self.counters.panicked.fetch_add(1, Ordering::Relaxed);
            error!(listener = %self.name, %failed, "a connection's task panicked; it is closed");
        }
    }

    async fn on_accept_error(&self, error: &io::Error) {
        // The connection died in the queue; the next one may be well.
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
        ) {
            return;
        }
        warn!(listener = %self.name, %error, "cannot accept connections for the moment");
        sleep(ACCEPT_PAUSE).await;
    }
}

/// What every accepted socket is told.
fn set_options(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    // No reply waits for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    if let Some(bytes) = limits.send_buffer_bytes {
        set_socket_send_buffer_size(stream, bytes)?;
    }
    Ok(())
}

fn log_close(context: &ConnectionContext, reason: &CloseReason) {
    debug!(connection = context.id, peer = %context.peer, %reason, "connection closed");
}

/// The tasks of open connections and how many each address has.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    addresses: HashMap<Id, IpAddr>,
    counts: HashMap<IpAddr, usize>,
}

impl Connections {
    fn count_of(&self, ip: IpAddr) -> usize {
        self.counts.get(&ip).copied().unwrap_or(0)
    }

    fn spawn(&mut self, ip: IpAddr, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.addresses.insert(id, ip);
        *self.counts.entry(ip).or_default() += 1;
    }

    fn forget(&mut self, id: Id) {
        let Some(ip) = self.addresses.remove(&id) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::sockopt::socket_send_buffer_size;

    /// Both ends; the one that connected first.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = bind(([127, 0, 0, 1], 0).into()).expect("bound");
        let address = listener.local_addr().expect("bound");
        let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (connected.expect("connected"), accepted.expect("accepted").0)
    }

    #[tokio::test]
    async fn the_kernel_keeps_no_more_of_a_reply_than_the_limits_say() {
        let (_peer, stream) = pair().await;
        let limits = Limits {
            send_buffer_bytes: Some(50_000),
            ..Limits::default()
        };
        set_options(&stream, &limits).expect("set");
        // Linux says twice as much as it was told: it counts what it needs itself.
        assert_eq!(socket_send_buffer_size(&stream), Ok(100_000));
        assert!(stream.nodelay().expect("asked"));
    }

    #[tokio::test]
    async fn without_a_limit_the_choice_is_the_systems() {
        let (peer, stream) = pair().await;
        let limits = Limits {
            send_buffer_bytes: None,
            ..Limits::default()
        };
        let before = socket_send_buffer_size(&stream);
        set_options(&stream, &limits).expect("set");
        assert_eq!(socket_send_buffer_size(&stream), before);
        drop(peer);
    }
}
