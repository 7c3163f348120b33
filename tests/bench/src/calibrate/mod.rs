//! What the machine itself costs, without a broker: CPU seconds for every 10⁹ bytes that are moved.
//!
//! From these the floor is computed that no broker of this shape gets below: each byte is received and
//! written on every replica, sent to the others and to one consumer, and checked once.
//!
//! A floor that is too low flatters nobody, so what is measured is what a loaded broker finds: all cores at work
//! at once, each with bytes of its own, and files that did not exist before. A page that was freed a moment
//! ago costs a half or a third of one that a virtual machine has to get from its host first, and those are
//! what a log grows into.

mod files;
mod memory;
mod sockets;
mod wakeup;

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use types::{Clock as _, SystemClock};

use crate::args::Args;
use crate::report;

/// How much time one measurement may take.
const TIME: Duration = Duration::from_millis(1200);

/// `--dir`: where files may be written. With `--append BYTES` only writing in pieces of that size, with `--reserved 1`
/// to reserved blocks; else all but writing. Whoever starts us sees to it that there is memory to write to.
pub(crate) fn run(args: &Args) -> Result<()> {
    let dir = Path::new(args.text("dir")?);
    std::fs::create_dir_all(dir)?;
    let piece_bytes = args.number("append", 0)?;
    if piece_bytes > 0 {
        let is_reserved = args.number("reserved", 0)? == 1;
        return report::result(&files::append(dir, piece_bytes, is_reserved)?);
    }
    report::result(&json!({
        "memcpy": memory::copy()?,
        "crc32c_16k": memory::crc32c(16 << 10)?,
        "crc32c_256k": memory::crc32c(256 << 10)?,
        "tcp_16k": sockets::stream(16 << 10)?,
        "tcp_256k": sockets::stream(256 << 10)?,
        "sendfile_256k": sockets::stream_file(dir, 256 << 10)?,
        "fdatasync_64k": files::sync(dir, 64 << 10)?,
        "wakeup": wakeup::ping_pong()?,
    }))
}

/// CPU time of the calling thread.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// What one thread has moved: bytes, and CPU and wall time for them.
struct Moved {
    bytes: usize,
    cpu: Duration,
    took: Duration,
}

/// How many threads make all cores busy.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does it again and again on every core at once, for [`TIME`] or until it has moved nothing; what that cost
/// for a byte. `prepare` is given the number of its core, and what it returns moves bytes.
fn per_byte<W>(prepare: impl Fn(usize) -> Result<W> + Sync) -> Result<Value>
where
    W: FnMut() -> Result<usize>,
{
    let ready = Barrier::new(cores());
    let work = |core| {
        let prepared = prepare(core);
        ready.wait();
        let mut once = prepared?;
        let (clock, cpu) = (SystemClock::new(), thread_cpu());
        let mut bytes = 0;
        while clock.monotonic() < TIME {
            match once()? {
                0 => break,
                moved => bytes += moved,
            }
        }
        Ok(Moved {
            bytes,
            cpu: thread_cpu() - cpu,
            took: clock.monotonic(),
        })
    };
    let all: Result<Vec<Moved>> = thread::scope(|scope| {
        let spawned = (0..cores()).map(|core| scope.spawn(move || work(core)));
        // All are started before the first is waited for.
        let threads: Vec<_> = spawned.collect();
        let done = threads.into_iter();
        done.map(|one| one.join().map_err(|_panic| anyhow!("a thread panicked"))?)
            .collect()
    });
    let all = all?;
    let bytes = all.iter().map(|one| one.bytes).sum();
    let took = all.iter().map(|one| one.took).max().unwrap_or_default();
    Ok(figures(bytes, took, all.iter().map(|one| one.cpu).sum()))
}

fn figures(bytes: usize, took: Duration, cpu: Duration) -> Value {
    json!({
        "cpu_s_per_gb": cpu.as_secs_f64() / (bytes as f64 / 1e9),
        "mb_s": bytes as f64 / 1e6 / took.as_secs_f64(),
    })
}
