//! Reading lines on a thread of its own: standard input cannot be waited for otherwise.

use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::line::find;
use crate::failure::{Failure, Result};
use crate::output::note;

/// Chunks read ahead of the producer.
const CHUNKS_AHEAD: usize = 16;
const READ_BYTES: usize = 256 * 1024;
/// A line longer than any broker takes.
const LINE_BYTES_MAX: usize = 1 << 30;

/// Where lines come from.
#[derive(Debug)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// An open file, and its name.
    File(Box<dyn ReadSend>, String),
}

/// A reader that another thread may use.
pub(super) trait ReadSend: Read + Send + std::fmt::Debug {}
impl<T: Read + Send + std::fmt::Debug> ReadSend for T {}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a user's file to be read once, no log segment"
        )]
        let file = std::fs::File::open(path);
        let name = path.display().to_string();
        match file {
            Ok(file) => Ok(Self::File(Box::new(file), name)),
            Err(error) => Err(Failure::usage(format!("{name}: {error}"))),
        }
    }
}

/// Some lines of one source, or why there are no more.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) source: Arc<str>,
    /// Number of the first line, from 1.
    pub(super) first_line: usize,
    pub(super) lines: std::io::Result<Vec<Bytes>>,
}

/// Starts the thread. It ends with the input, or when nobody listens any more.
pub(super) fn start(
    inputs: Vec<Input>,
    delimiter: Vec<u8>,
    is_prompting: bool,
) -> mpsc::Receiver<Chunk> {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    std::thread::spawn(move || {
        for input in inputs {
            let went_on = match input {
                Input::Stdin => {
                    let stdin = std::io::stdin().lock();
                    read(stdin, "standard input", &delimiter, is_prompting, &sender)
                }
                Input::File(file, name) => {
                    let reader = BufReader::with_capacity(READ_BYTES, file);
                    read(reader, &name, &delimiter, false, &sender)
                }
            };
            if !went_on {
                return;
            }
        }
    });
    receiver
}

/// Sends a chunk whenever the reader would have to wait for more. `false` if nobody listens.
fn read(
    mut reader: impl BufRead,
    source: &str,
    delimiter: &[u8],
    is_prompting: bool,
    sender: &mpsc::Sender<Chunk>,
) -> bool {
    let source: Arc<str> = source.into();
    let mut cutter = Cutter::new(delimiter);
    let mut line_number = 1;
    loop {
        if is_prompting {
            prompt();
        }
        let (lines, is_end) = match cutter.next_lines(&mut reader) {
            Ok(Some(lines)) => (Ok(lines), false),
            Ok(None) => (Ok(cutter.rest()), true),
            Err(error) => (Err(error), true),
        };
        let count = lines.as_ref().map_or(1, Vec::len);
        if count > 0 {
            let chunk = Chunk {
                source: Arc::clone(&source),
                first_line: line_number,
                lines,
            };
            if sender.blocking_send(chunk).is_err() {
                return false;
            }
        }
        if is_end {
            if is_prompting {
                note("");
            }
            return true;
        }
        line_number += count;
    }
}

fn prompt() {
    let mut stderr = std::io::stderr().lock();
    // A prompt that cannot be shown is no reason to stop reading.
    drop(stderr.write_all(b">").and_then(|()| stderr.flush()));
}

/// Cuts a stream of bytes at the delimiter.
struct Cutter<'a> {
    delimiter: &'a [u8],
    pending: Vec<u8>,
}

impl<'a> Cutter<'a> {
    fn new(delimiter: &'a [u8]) -> Self {
        Self {
            delimiter,
            pending: Vec::new(),
        }
    }

    /// At least one line, and those that follow without waiting. `None` at the end.
    fn next_lines(&mut self, reader: &mut impl BufRead) -> std::io::Result<Option<Vec<Bytes>>> {
        loop {
            let available = reader.fill_buf()?;
            if available.is_empty() {
                return Ok(None);
            }
            let count = available.len();
            let searched = self.pending.len().saturating_sub(self.delimiter.len() - 1);
            self.pending.extend_from_slice(available);
            reader.consume(count);
            if find(&self.pending[searched..], self.delimiter).is_some() {
                return Ok(Some(self.cut()));
            }
            if self.pending.len() > LINE_BYTES_MAX {
                return Err(std::io::Error::other("a line of more than 1 GiB"));
            }
        }
    }

    fn cut(&mut self) -> Vec<Bytes> {
        let whole = Bytes::from(std::mem::take(&mut self.pending));
        let (mut lines, mut start) = (Vec::new(), 0);
        while let Some(at) = find(&whole[start..], self.delimiter) {
            lines.push(self.line(whole.slice(start..start + at)));
            start += at + self.delimiter.len();
        }
        self.pending.extend_from_slice(&whole[start..]);
        lines
    }

    /// What stands after the last delimiter.
    fn rest(&mut self) -> Vec<Bytes> {
        match self.pending.is_empty() {
            true => Vec::new(),
            false => {
                let last = Bytes::from(std::mem::take(&mut self.pending));
                vec![self.line(last)]
            }
        }
    }

    /// A line break of Windows is one, too.
    fn line(&self, line: Bytes) -> Bytes {
        match line.last() {
            Some(b'\r') if self.delimiter == b"\n" => line.slice(..line.len() - 1),
            _ => line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &'static str, delimiter: &str, capacity: usize) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(64);
        let reader = BufReader::with_capacity(capacity, input.as_bytes());
        assert!(read(reader, "test", delimiter.as_bytes(), false, &sender));
        drop(sender);
        let mut all = Vec::new();
        while let Some(chunk) = receiver.blocking_recv() {
            assert_eq!(chunk.first_line, all.len() + 1);
            let lines = chunk.lines.expect("no error").into_iter();
            all.extend(lines.map(|line| String::from_utf8_lossy(&line).into_owned()));
        }
        all
    }

    #[test]
    fn lines_are_cut_wherever_the_buffer_ends() {
        for capacity in [1, 2, 3, 100] {
            assert_eq!(lines("a\nbb\r\n\nc", "\n", capacity), ["a", "bb", "", "c"]);
            assert_eq!(lines("a--b-c--", "--", capacity), ["a", "b-c"]);
        }
    }

    #[test]
    fn nothing_gives_no_lines() {
        assert!(lines("", "\n", 10).is_empty());
        assert_eq!(lines("\n", "\n", 10), [""]);
    }
}
