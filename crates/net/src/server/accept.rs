//! Accepts connections, counts them, and owns their tasks until they end.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{Id, JoinError};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::connection::{Connection, End, Shared};
use super::open::Connections;
use super::resting::{Past, Resting};
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
    /// Those of them that are at rest.
    pub resting: AtomicU64,
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
        let mut connections = Connections::new();
        let sweep_interval = self.shared.limits.sweep_interval();
        let mut sweep = pin!(sleep(sweep_interval));
        loop {
            let has_room = connections.len() < self.shared.limits.max_connection_count;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = connections.tasks.join_next_with_id() => {
                    self.on_ended(&mut connections, ended);
                }
                woken = connections.resting.woken() => {
                    self.on_woken(&mut connections, woken, &stop);
                }
                () = &mut sweep, if !connections.resting.is_empty() => {
                    self.sweep(&mut connections);
                    sweep.as_mut().reset(Instant::now() + sweep_interval);
                }
                accepted = listener.accept(), if has_room => match accepted {
                    Ok((stream, peer)) => self.on_accepted(&mut connections, stream, peer, &stop),
                    Err(error) => self.on_accept_error(&error).await,
                },
            }
        }
        drop(listener);
        self.close_resting(&mut connections, Instant::now(), &CloseReason::Stopping);
        let drained = async {
            while let Some(ended) = connections.tasks.join_next_with_id().await {
                self.on_ended(&mut connections, ended);
                self.close_resting(&mut connections, Instant::now(), &CloseReason::Stopping);
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
            opened: Some(Instant::now()),
        };
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        self.counters.open.fetch_add(1, Ordering::Relaxed);
        connections.on_opened(ip);
        connections.spawn(ip, self.run(stream, context, Past::NONE, stop.clone()));
    }

    /// One connection's task. Returns the connection if it rests now.
    fn run(
        &self,
        stream: TcpStream,
        context: ConnectionContext,
        past: Past,
        stop: CancellationToken,
    ) -> impl Future<Output = Option<Resting>> + use<S> {
        let shared = Arc::clone(&self.shared);
        let service = Arc::clone(&self.service);
        let mut connection = Connection::new(stream, service, context, past, shared);
        let preface = self.preface.clone();
        async move {
            match (connection.run(&stop).await, preface) {
                (End::Closed(reason), _) => {
                    log_close(connection.context.id, connection.context.peer, &reason);
                }
                (End::Resting, _) => return rest(connection),
                (End::Preface, Some(handler)) => {
                    let read = connection.take_read();
                    handler.take_over(Prefixed::new(read, connection.io), connection.context);
                }
                (End::Preface, None) => {}
            }
            None
        }
    }

    fn on_ended(
        &self,
        connections: &mut Connections,
        ended: Result<(Id, Option<Resting>), JoinError>,
    ) {
        let id = match &ended {
            Ok((id, _left)) => *id,
            Err(failed) => failed.id(),
        };
        let Some(ip) = connections.on_task_ended(id) else {
            return;
        };
        match ended {
            Ok((_id, Some(resting))) => return self.on_resting(connections, resting),
            Err(failed) if failed.is_panic() => {
                self.counters.panicked.fetch_add(1, Ordering::Relaxed);
                error!(listener = %self.name, %failed, "a connection's task panicked; it is closed");
            }
            Ok(_) | Err(_) => {}
        }
        self.on_closed(connections, ip);
    }

    fn on_closed(&self, connections: &mut Connections, ip: IpAddr) {
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
        connections.on_closed(ip);
    }

    fn on_resting(&self, connections: &mut Connections, resting: Resting) {
        let ip = resting.ip();
        match connections.resting.insert(resting) {
            Ok(()) => {
                self.counters.resting.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.on_lost(connections, ip, &error),
        }
    }

    fn on_lost(&self, connections: &mut Connections, ip: IpAddr, error: &io::Error) {
        warn!(listener = %self.name, %ip, %error, "a connection at rest is lost");
        self.on_closed(connections, ip);
    }

    fn on_woken(&self, connections: &mut Connections, woken: Vec<u64>, stop: &CancellationToken) {
        for id in woken {
            if let Some(resting) = connections.resting.remove(id) {
                self.counters.resting.fetch_sub(1, Ordering::Relaxed);
                self.resume(connections, resting, stop);
            }
        }
    }

    /// Gives a connection its task back.
    fn resume(&self, connections: &mut Connections, resting: Resting, stop: &CancellationToken) {
        let (ip, past) = (resting.ip(), resting.past);
        match resting.resume(&self.name) {
            Ok((stream, context)) => {
                connections.spawn(ip, self.run(stream, context, past, stop.clone()));
            }
            Err(error) => self.on_lost(connections, ip, &error),
        }
    }

    /// Closes those that have been at rest for too long.
    fn sweep(&self, connections: &mut Connections) {
        let idle = self.shared.limits.idle;
        // A clock that is younger than that has seen nobody idle.
        let Some(then) = Instant::now().checked_sub(idle) else {
            return;
        };
        self.close_resting(connections, then, &CloseReason::Idle(idle));
    }

    /// Closes those at rest that had no traffic since then.
    fn close_resting(&self, connections: &mut Connections, then: Instant, reason: &CloseReason) {
        for resting in connections.resting.take_silent_since(then) {
            self.counters.resting.fetch_sub(1, Ordering::Relaxed);
            log_close(resting.id, resting.peer, reason);
            self.on_closed(connections, resting.ip());
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

/// What is left of a connection whose work is done.
fn rest<S: Service>(connection: Connection<TcpStream, S>) -> Option<Resting> {
    let past = connection.past();
    // A socket that cannot leave the runtime is closed.
    let socket = connection.io.into_std().ok()?;
    Some(Resting {
        socket,
        id: connection.context.id,
        peer: connection.context.peer,
        past,
        last_traffic: connection.last_traffic,
    })
}

fn log_close(id: u64, peer: SocketAddr, reason: &CloseReason) {
    debug!(connection = id, %peer, %reason, "connection closed");
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

    struct Silent;

    impl Service for Silent {
        fn dispatch(
            &self,
            _connection: &ConnectionContext,
            _frame: bytes::Bytes,
        ) -> crate::server::Reply {
            crate::server::Reply::None
        }
    }

    #[tokio::test]
    async fn a_connection_that_works_takes_little_memory_besides_its_buffers() {
        let (_peer, stream) = pair().await;
        let server = Server::new("TEST", Limits::default(), Arc::new(Silent));
        let context = ConnectionContext {
            id: 1,
            peer: stream.peer_addr().expect("connected"),
            local: stream.local_addr().expect("connected"),
            listener: "TEST".into(),
            opened: Some(Instant::now()),
        };
        let task = server.run(stream, context, Past::NONE, CancellationToken::new());
        assert!(size_of_val(&task) <= 704, "{}", size_of_val(&task));
        assert!(size_of::<Resting>() <= 64);
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
