//! Bytes through a TCP connection on loopback. The kernel does much of the receiver's work on the sender's
//! time, so the two sides make sense as a sum; they are told apart all the same. Two cores are busy with it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};
use rustix::fs::sendfile;
use serde_json::{Value, json};
use types::{Clock as _, SystemClock};

use super::{TIME, figures, thread_cpu};

/// More than any cache holds.
const FILE_BYTES: usize = 256 << 20;

/// Written and read in pieces of that size.
pub(super) fn stream(piece_bytes: usize) -> Result<Value> {
    let piece = vec![1_u8; piece_bytes];
    measure(piece_bytes, |socket| {
        socket.write_all(&piece)?;
        Ok(piece_bytes)
    })
}

/// Sent from a file that is in the page cache.
pub(super) fn stream_file(dir: &Path, piece_bytes: usize) -> Result<Value> {
    let path = dir.join("sendfile");
    File::create(&path)?.write_all(&vec![1; FILE_BYTES])?;
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is the system call"
    )]
    let file = File::open(&path)?;
    let mut offset = 0;
    let result = measure(piece_bytes, |socket| {
        if offset >= FILE_BYTES as u64 {
            offset = 0;
        }
        Ok(sendfile(socket, &file, Some(&mut offset), piece_bytes)?)
    });
    std::fs::remove_file(&path)?;
    result
}

fn measure(
    piece_bytes: usize,
    mut send: impl FnMut(&mut TcpStream) -> Result<usize>,
) -> Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let receiver: JoinHandle<Result<Duration>> = thread::spawn(move || {
        let (mut socket, _) = listener.accept()?;
        let mut room = vec![0_u8; piece_bytes];
        while socket.read(&mut room)? > 0 {}
        Ok(thread_cpu())
    });
    let mut socket = TcpStream::connect(address)?;
    let clock = SystemClock::new();
    let cpu = thread_cpu();
    let mut bytes = 0;
    while clock.monotonic() < TIME {
        bytes += send(&mut socket)?;
    }
    let sending = thread_cpu() - cpu;
    drop(socket);
    let receiving = receiver
        .join()
        .map_err(|_panic| anyhow!("the receiver"))??;
    let took = clock.monotonic();
    let per_gb = |cpu: Duration| cpu.as_secs_f64() / (bytes as f64 / 1e9);
    let mut value = figures(bytes, took, sending + receiving);
    value["send_cpu_s_per_gb"] = json!(per_gb(sending));
    value["receive_cpu_s_per_gb"] = json!(per_gb(receiving));
    Ok(value)
}
