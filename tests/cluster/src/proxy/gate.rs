//! The listener in front of one port of one node.

use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::owner::owner;
use super::pipe::{self, Link};
use super::{Flow, OUTSIDE, Plane, Shared};
use crate::ports::loopback;

/// How often a node that starts is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const BACKLOG: i32 = 128;
/// Connections through one gate at a time; more are closed at once.
const CONNECTIONS_MAX: usize = 1000;

/// See the module.
pub(super) struct Gate {
    pub(super) shared: Arc<Shared>,
    pub(super) node: i32,
    pub(super) plane: Plane,
    pub(super) listen: u16,
    pub(super) upstream: u16,
}

impl Gate {
    /// Listens while the node does, until `stop`. Connections end with this.
    pub(super) async fn run(self, mut up: watch::Receiver<bool>, stop: CancellationToken) {
        let mut links = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                waited = up.wait_for(|is_up| *is_up) => if waited.is_err() { return },
            }
            tokio::select! {
                () = stop.cancelled() => return,
                _ = up.wait_for(|is_up| !*is_up) => {}
                () = self.serve(&mut links) => {}
            }
        }
    }

    async fn serve(&self, links: &mut JoinSet<()>) {
        self.wait_for_node().await;
        let listener = match listen(self.listen) {
            Ok(listener) => listener,
            Err(_taken) => return sleep(LOOK_EVERY).await,
        };
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                sleep(LOOK_EVERY).await;
                continue;
            };
            while links.try_join_next().is_some() {}
            if links.len() < CONNECTIONS_MAX {
                let shared = Arc::clone(&self.shared);
                let (node, plane) = (self.node, self.plane);
                let (own, upstream) = (loopback(self.listen), loopback(self.upstream));
                links.spawn(async move {
                    let from = dialler(&shared, peer, own).await;
                    let there = Flow {
                        from,
                        to: node,
                        plane,
                    };
                    let back = Flow {
                        from: node,
                        to: from,
                        plane,
                    };
                    let link = Link {
                        shared,
                        there,
                        back,
                    };
                    pipe::run(link, stream, upstream).await;
                });
            }
        }
    }

    async fn wait_for_node(&self) {
        while TcpStream::connect(loopback(self.upstream)).await.is_err() {
            sleep(LOOK_EVERY).await;
        }
    }
}

/// The node that dialled, or [`OUTSIDE`].
async fn dialler(shared: &Shared, peer: std::net::SocketAddr, own: std::net::SocketAddr) -> i32 {
    let pids: Vec<u32> = shared.nodes.read().keys().copied().collect();
    let found = tokio::task::spawn_blocking(move || owner(&pids, peer, own));
    let pid = found.await.ok().flatten();
    let nodes = shared.nodes.read();
    pid.and_then(|pid| nodes.get(&pid).copied())
        .unwrap_or(OUTSIDE)
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&loopback(port).into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
