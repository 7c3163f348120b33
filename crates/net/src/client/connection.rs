//! The handle through which requests are sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::wire::Segments;
use protocol::{Request, Str, frame};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::driver::{Driver, InFlight, Shared};
use super::{Error, RawResponse, Response};

/// How a connection behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stands in every request header: `client.id`.
    pub client_id: Option<Str>,
    /// How long connecting may take, resolving included.
    pub connect_timeout: Duration,
    /// How long a response may take: `request.timeout.ms`. The connection is closed beyond it.
    pub request_timeout: Duration,
    /// Largest response taken.
    pub max_response_bytes: usize,
    /// Requests in flight beyond which [`Connection::send`] refuses.
    pub max_in_flight_count: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            max_response_bytes: 256 * 1024 * 1024,
            max_in_flight_count: 256,
        }
    }
}

/// A connection to one broker. Cheap to clone; the last clone closes it.
///
/// Requests go out in the order of the calls and are answered in that order. One task per connection
/// reads and writes; the lock inside is held for queue operations only.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    options: Options,
    task: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.close(Error::Closed);
        self.task.abort();
    }
}

impl Connection {
    /// Connects over TCP, trying every address of the host.
    ///
    /// # Errors
    /// [`Error::Resolve`], [`Error::Connect`], [`Error::ConnectTimeout`].
    ///
    /// # Cancel safety
    /// Dropping the future abandons the attempt.
    pub async fn connect(host: &str, port: u16, options: Options) -> Result<Self, Error> {
        let waited = options.connect_timeout;
        let stream = timeout(waited, dial(host, port))
            .await
            .map_err(|_elapsed| Error::ConnectTimeout {
                address: format!("{host}:{port}"),
                waited,
            })??;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream, options))
    }

    /// Speaks Kafka over a stream that is connected already. Must be called within a tokio runtime.
    pub fn over<IO>(io: IO, options: Options) -> Self
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let driver = Driver::new(io, Arc::clone(&shared), options.max_response_bytes);
        let task = tokio::spawn(driver.run()).abort_handle();
        let inner = Inner {
            shared,
            options,
            task,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Sends a request. It is queued when this returns, ahead of every later one; the returned future
    /// only waits for the response.
    ///
    /// # Errors
    /// At once: [`Error::Busy`], [`Error::Encode`], or why the connection is closed. Through the future:
    /// those of the connection and [`Error::Decode`].
    pub fn send<R: Request>(&self, request: &R, version: i16) -> Result<Response<R>, Error> {
        self.send_within(request, version, self.inner.options.request_timeout)
    }

    /// [`Connection::send`] with a timeout of its own.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send_within<R: Request>(
        &self,
        request: &R,
        version: i16,
        patience: Duration,
    ) -> Result<Response<R>, Error> {
        let raw = self.enqueue(patience, |correlation_id| {
            self.encode(request, version, correlation_id)
        })?;
        Ok(Response::new(raw, version))
    }

    /// Sends a request and waits for its response, after waiting for room.
    ///
    /// # Errors
    /// Those of [`Connection::send`] except [`Error::Busy`].
    ///
    /// # Cancel safety
    /// Once the request is queued it is sent, whether the future is dropped or not.
    pub async fn request<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, Error> {
        loop {
            self.ready().await?;
            match self.send(request, version) {
                Err(Error::Busy(_)) => {}
                sent => return sent?.await,
            }
        }
    }

    /// Sends a request that has no reply: Produce with `acks=0`.
    ///
    /// # Errors
    /// [`Error::Encode`], or why the connection is closed.
    pub fn send_unanswered<R: Request>(&self, request: &R, version: i16) -> Result<(), Error> {
        let correlation_id = self.inner.shared.next_correlation_id();
        let message = self.encode(request, version, correlation_id)?;
        self.inner.shared.enqueue(message, None)
    }

    /// Sends a whole frame as it is, its length in front, and waits for the next reply. The correlation
    /// id is the one that stands in the frame's header.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send_raw(&self, frame: Segments, correlation_id: i32) -> Result<RawResponse, Error> {
        let patience = self.inner.options.request_timeout;
        let (slot, response) = in_flight(correlation_id, patience);
        self.refuse_if_busy()?;
        self.inner.shared.enqueue(frame, Some(slot))?;
        Ok(response)
    }

    /// Waits until another request may be sent.
    ///
    /// # Errors
    /// Why the connection is closed.
    ///
    /// # Cancel safety
    /// Nothing is reserved; dropping the future loses nothing.
    pub async fn ready(&self) -> Result<(), Error> {
        let max = self.inner.options.max_in_flight_count;
        self.inner.shared.wait_for_room(max).await
    }

    /// Waits until everything that was sent is with the kernel: before dropping a connection whose last
    /// requests have no reply.
    ///
    /// # Errors
    /// Why the connection is closed.
    pub async fn flush(&self) -> Result<(), Error> {
        self.inner.shared.wait_for_flush().await
    }

    /// Requests whose response is outstanding.
    #[must_use]
    pub fn in_flight_count(&self) -> usize {
        self.inner.shared.in_flight_count()
    }

    /// Why the connection is closed, `None` while it is open.
    #[must_use]
    pub fn closed(&self) -> Option<Error> {
        self.inner.shared.closed()
    }

    /// Closes the connection. Requests in flight end with [`Error::Closed`].
    pub fn close(&self) {
        self.inner.shared.close(Error::Closed);
        self.inner.task.abort();
    }

    fn encode<R: Request>(
        &self,
        request: &R,
        version: i16,
        correlation_id: i32,
    ) -> Result<Segments, Error> {
        let header = frame::RequestHeader {
            api_key: R::KEY,
            api_version: version,
            correlation_id,
            client_id: self.inner.options.client_id.clone(),
        };
        Ok(frame::encode_request(&header, request)?)
    }

    fn enqueue(
        &self,
        patience: Duration,
        encode: impl FnOnce(i32) -> Result<Segments, Error>,
    ) -> Result<RawResponse, Error> {
        self.refuse_if_busy()?;
        let correlation_id = self.inner.shared.next_correlation_id();
        let message = encode(correlation_id)?;
        let (slot, response) = in_flight(correlation_id, patience);
        self.inner.shared.enqueue(message, Some(slot))?;
        Ok(response)
    }

    fn refuse_if_busy(&self) -> Result<(), Error> {
        let count = self.in_flight_count();
        if count < self.inner.options.max_in_flight_count {
            return Ok(());
        }
        Err(self.closed().unwrap_or(Error::Busy(count)))
    }
}

fn in_flight(correlation_id: i32, patience: Duration) -> (InFlight, RawResponse) {
    let (reply, receiver) = oneshot::channel::<Result<Bytes, Error>>();
    let slot = InFlight {
        correlation_id,
        deadline: Instant::now() + patience,
        patience,
        reply,
    };
    (slot, RawResponse::new(receiver))
}

/// The first address of the host that answers.
async fn dial(host: &str, port: u16) -> Result<TcpStream, Error> {
    let resolved = tokio::net::lookup_host((host, port)).await;
    let addresses = resolved.map_err(|source| Error::Resolve {
        host: host.to_owned(),
        source: Arc::new(source),
    })?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some((address, error)),
        }
    }
    Err(last.map_or_else(
        || Error::Resolve {
            host: host.to_owned(),
            source: Arc::new(std::io::ErrorKind::NotFound.into()),
        },
        |(address, error)| Error::Connect {
            address: address.to_string(),
            source: Arc::new(error),
        },
    ))
}
