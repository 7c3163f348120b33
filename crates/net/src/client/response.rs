//! Responses on their way.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use protocol::{Request, frame};
use tokio::sync::oneshot;

use super::Error;

/// The bytes of a response, from its correlation id on.
///
/// # Cancel safety
/// Dropping it leaves the connection as it is; the reply is read and thrown away.
#[derive(Debug)]
#[must_use = "a request that was sent may still fail"]
pub struct RawResponse {
    receiver: oneshot::Receiver<Result<Bytes, Error>>,
}

impl RawResponse {
    pub(super) fn new(receiver: oneshot::Receiver<Result<Bytes, Error>>) -> Self {
        Self { receiver }
    }
}

impl Future for RawResponse {
    type Output = Result<Bytes, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let received = ready!(Pin::new(&mut self.receiver).poll(cx));
        Poll::Ready(received.unwrap_or(Err(Error::Closed)))
    }
}

/// The response to a request, decoded by whoever awaits it.
///
/// # Cancel safety
/// Dropping it leaves the connection as it is; the reply is read and thrown away.
#[must_use = "a request that was sent may still fail"]
pub struct Response<R> {
    raw: RawResponse,
    version: i16,
    request: PhantomData<fn() -> R>,
}

impl<R> Response<R> {
    pub(super) fn new(raw: RawResponse, version: i16) -> Self {
        Self {
            raw,
            version,
            request: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Response<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl<R: Request> Future for Response<R> {
    type Output = Result<R::Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let version = self.version;
        let body = ready!(Pin::new(&mut self.raw).poll(cx))?;
        let (_header, response) = frame::decode_response::<R>(body, version)?;
        Poll::Ready(Ok(response))
    }
}
