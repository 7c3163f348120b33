//! One accepted or dialled connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::Connected;

/// Bytes in both directions.
#[derive(Debug)]
pub enum Connection {
    /// A socket.
    Tcp(TcpStream),
    /// A socket of which somebody has read the first bytes already, to see what is spoken on it.
    Prefaced(Bytes, TcpStream),
    /// A pipe within the process.
    Pipe(DuplexStream),
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Prefaced(preface, _) if preface.has_remaining() => {
                let n = preface.remaining().min(buf.remaining());
                buf.put_slice(&preface.split_to(n));
                Poll::Ready(Ok(()))
            }
            Self::Tcp(s) | Self::Prefaced(_, s) => Pin::new(s).poll_read(cx, buf),
            Self::Pipe(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(s) | Self::Prefaced(_, s) => Pin::new(s).poll_write(cx, buf),
            Self::Pipe(s) => Pin::new(s).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) | Self::Prefaced(_, s) => Pin::new(s).poll_flush(cx),
            Self::Pipe(s) => Pin::new(s).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) | Self::Prefaced(_, s) => Pin::new(s).poll_shutdown(cx),
            Self::Pipe(s) => Pin::new(s).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(s) | Self::Prefaced(_, s) => Pin::new(s).poll_write_vectored(cx, bufs),
            Self::Pipe(s) => Pin::new(s).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(s) | Self::Prefaced(_, s) => s.is_write_vectored(),
            Self::Pipe(s) => s.is_write_vectored(),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn bytes_read_by_somebody_else_come_first() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut dialled = TcpStream::connect(listener.local_addr()?).await?;
        let (socket, _) = listener.accept().await?;
        dialled.write_all(b" * HTTP/2.0").await?;
        dialled.shutdown().await?;

        let mut connection = Connection::Prefaced(Bytes::from_static(b"PRI"), socket);
        let mut all = Vec::new();
        connection.read_to_end(&mut all).await?;
        assert_eq!(all, b"PRI * HTTP/2.0");
        Ok(())
    }
}
