//! The serving side's source of connections.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_stream::Stream;

use super::Connection;

/// Connections to serve, in the order they came.
#[derive(Debug)]
pub struct Incoming {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Tcp(TcpListener),
    Queue(mpsc::Receiver<Connection>),
}

/// Hands connections to an [`Incoming`]: pipes of this process, or sockets accepted elsewhere that
/// turned out to speak HTTP/2.
#[derive(Debug, Clone)]
pub struct IncomingSender(mpsc::Sender<Connection>);

impl IncomingSender {
    /// Hands one connection over; waits while too many wait already.
    ///
    /// # Errors
    /// `ConnectionRefused` if nobody serves any more.
    pub async fn send(&self, connection: Connection) -> io::Result<()> {
        let gone = |_| io::Error::new(io::ErrorKind::ConnectionRefused, "the server has stopped");
        self.0.send(connection).await.map_err(gone)
    }

    /// Hands one connection over without waiting.
    ///
    /// # Errors
    /// `WouldBlock` while too many wait already, `ConnectionRefused` if nobody serves any more. The
    /// connection is closed.
    pub fn try_send(&self, connection: Connection) -> io::Result<()> {
        self.0.try_send(connection).map_err(|error| match error {
            TrySendError::Full(_) => io::Error::from(io::ErrorKind::WouldBlock),
            TrySendError::Closed(_) => io::Error::from(io::ErrorKind::ConnectionRefused),
        })
    }
}

impl Incoming {
    /// Accepts from a listening socket.
    #[must_use]
    pub fn tcp(listener: TcpListener) -> Self {
        Self {
            source: Source::Tcp(listener),
        }
    }

    /// Accepts what the sender hands over, at most `capacity` waiting.
    #[must_use]
    pub fn queue(capacity: usize) -> (IncomingSender, Self) {
        let (sender, receiver) = mpsc::channel(capacity);
        let source = Source::Queue(receiver);
        (IncomingSender(sender), Self { source })
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().source {
            Source::Tcp(listener) => listener.poll_accept(cx).map(|accepted| {
                Some(accepted.and_then(|(socket, _)| {
                    socket.set_nodelay(true)?;
                    Ok(Connection::Tcp(socket))
                }))
            }),
            Source::Queue(receiver) => receiver.poll_recv(cx).map(|c| c.map(Ok)),
        }
    }
}
