//! A reader that stops a decompression bomb.

use std::io::{self, Read};

/// Passes on at most `limit_bytes`; a further byte is an error.
///
/// The end, once seen, is final: some decoders would go on with what follows their last frame.
pub(super) struct Capped<R> {
    inner: R,
    limit_bytes: usize,
    left_bytes: usize,
    at_end: bool,
}

impl<R: Read> Capped<R> {
    pub(super) fn new(inner: R, limit_bytes: usize) -> Self {
        Self {
            inner,
            limit_bytes,
            left_bytes: limit_bytes,
            at_end: false,
        }
    }

    /// At the limit: the end is fine, another byte is not.
    fn read_past_limit(&mut self) -> io::Result<usize> {
        match self.inner.read(&mut [0])? {
            0 => Ok(0),
            _ => Err(LimitExceeded(self.limit_bytes).into()),
        }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at_end || buf.is_empty() {
            return Ok(0);
        }
        let count = if self.left_bytes == 0 {
            self.read_past_limit()?
        } else {
            let room = buf.len().min(self.left_bytes);
            self.inner.read(&mut buf[..room])?
        };
        self.left_bytes -= count;
        self.at_end = count == 0;
        Ok(count)
    }
}

/// More came out than the caller allows.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes")]
pub(super) struct LimitExceeded(pub(super) usize);

impl LimitExceeded {
    /// The limit, if that is what `error` is about.
    pub(super) fn find(error: &io::Error) -> Option<usize> {
        error.get_ref()?.downcast_ref().map(|Self(limit)| *limit)
    }
}

impl From<LimitExceeded> for io::Error {
    fn from(error: LimitExceeded) -> Self {
        Self::new(io::ErrorKind::FileTooLarge, error)
    }
}
