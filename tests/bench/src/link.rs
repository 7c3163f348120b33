//! One blocking connection: frames out, frames in, nothing else.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use protocol::Request;
use protocol::frame::{RequestHeader, decode_response, encode_request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Where a frame's correlation id is: after size, key and version.
const CORRELATION_ID: std::ops::Range<usize> = 8..12;
/// Larger responses than this are nobody's.
const FRAME_BYTES_MAX: u32 = 256 << 20;
const READ_AHEAD_BYTES: usize = 64 * 1024;
/// How long a broker may be silent before that is an error.
const PATIENCE: Duration = Duration::from_secs(40);

/// The writing half. It never waits for the other one.
#[derive(Debug)]
pub(crate) struct Writer(TcpStream);

impl Writer {
    /// Sends a frame that was encoded before, under another correlation id.
    pub(crate) fn resend(&mut self, frame: &mut [u8], correlation_id: i32) -> Result<()> {
        let place = frame.get_mut(CORRELATION_ID).context("not a frame")?;
        place.copy_from_slice(&correlation_id.to_be_bytes());
        Ok(self.0.write_all(frame)?)
    }
}

/// The reading half.
#[derive(Debug)]
pub(crate) struct Reader(BufReader<TcpStream>);

impl Reader {
    /// The next frame, without its size.
    pub(crate) fn frame(&mut self) -> Result<Bytes> {
        let mut size = [0; 4];
        self.0.read_exact(&mut size).context("the connection")?;
        let size = u32::from_be_bytes(size);
        ensure!(size <= FRAME_BYTES_MAX, "a response of {size} bytes");
        let mut frame = Vec::with_capacity(size as usize);
        let read = self.0.by_ref().take(u64::from(size));
        { read }.read_to_end(&mut frame)?;
        ensure!(frame.len() == size as usize, "a frame that ends early");
        Ok(Bytes::from(frame))
    }

    /// Whether a byte comes within that time. `false` leaves everything as it was.
    pub(crate) fn has_more(&mut self, within: Duration) -> Result<bool> {
        if !self.0.buffer().is_empty() {
            return Ok(true);
        }
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: within.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(self.0.get_ref(), PollFlags::IN)];
        Ok(poll(&mut fds, Some(&timeout))? > 0)
    }
}

/// Both halves, for one request at a time.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
}

impl Link {
    pub(crate) fn connect(address: &str) -> Result<Self> {
        Self::connect_within(address, PATIENCE)
    }

    /// `patience` is for the connection and for every read.
    pub(crate) fn connect_within(address: &str, patience: Duration) -> Result<Self> {
        let at = address.to_socket_addrs()?.next();
        let at = at.with_context(|| format!("{address}: no address"))?;
        let stream = TcpStream::connect_timeout(&at, patience)
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        let reader = BufReader::with_capacity(READ_AHEAD_BYTES, stream.try_clone()?);
        Ok(Self {
            writer: Writer(stream),
            reader: Reader(reader),
        })
    }

    /// Sends a request and waits for its response.
    pub(crate) fn call<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response> {
        let mut frame = frame(request, version)?;
        self.writer.resend(&mut frame, 1)?;
        let (id, response) = decode_response::<R>(self.reader.frame()?, version)?;
        if id != 1 {
            bail!("a response to another request");
        }
        Ok(response)
    }
}

/// A request as the bytes that go out; the correlation id is put in when they do.
pub(crate) fn frame<R: Request>(request: &R, version: i16) -> Result<Vec<u8>> {
    let header = RequestHeader {
        api_key: R::KEY,
        api_version: version,
        correlation_id: 0,
        client_id: Some("bench".into()),
    };
    Ok(encode_request(&header, request)?.to_bytes().to_vec())
}
