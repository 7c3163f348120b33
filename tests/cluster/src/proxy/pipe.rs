//! One connection through a gate: two directions, each with its rule.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Flow, Rule, Shared};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks on their way in one direction: a network's buffers.
const CHUNKS_MAX: usize = 64;

/// Whose connection it is.
pub(super) struct Link {
    pub(super) shared: Arc<Shared>,
    pub(super) there: Flow,
    pub(super) back: Flow,
}

/// Serves one connection until both ends have closed it, one has broken it, or it is reset.
pub(super) async fn run(link: Link, mut near: TcpStream, upstream: SocketAddr) {
    let rules = &link.shared.rules;
    let mut resets = rules.resets();
    let pair = (link.there.from, link.there.to);
    let is_ours = move |(a, b): (i32, i32)| (a, b) == pair || (b, a) == pair;
    let reset = async move {
        while resets.changed().await.is_ok() {
            if is_ours(resets.borrow().pair) {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    let carried = async {
        // A greeting passes in both directions before there is a connection.
        rules.passable(link.there).await;
        rules.passable(link.back).await;
        let far = TcpStream::connect(upstream).await?;
        let nodelay = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
        nodelay?;
        Ok::<_, io::Error>(far)
    };
    tokio::pin!(reset);
    let mut far = tokio::select! {
        () = &mut reset => return break_off(&near),
        far = carried => match far {
            Ok(far) => far,
            Err(_refused) => return break_off(&near),
        },
    };
    // If anything goes wrong both ends shall hear of it at once.
    break_off(&near);
    break_off(&far);
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    let both = async {
        let there = direction(&link, link.there, near_read, far_write);
        let back = direction(&link, link.back, far_read, near_write);
        tokio::try_join!(there, back)
    };
    tokio::select! {
        () = &mut reset => {}
        _ended = both => {}
    }
}

/// Makes dropping the socket a reset. A write end that was shut down before stays well-ended.
fn break_off(stream: &TcpStream) {
    drop(stream.set_zero_linger());
}

/// Carries bytes one way; the end of the stream is carried as well.
async fn direction(
    link: &Link,
    flow: Flow,
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let read = take(from, sender);
    let written = hand_over(link, flow, receiver, to);
    tokio::try_join!(read, written).map(drop)
}

/// What is on its way, and since when. An error is an end as well.
type Chunk = (Instant, io::Result<Bytes>);

async fn take(mut from: ReadHalf<'_>, sender: mpsc::Sender<Chunk>) -> io::Result<()> {
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let read = from.read_buf(&mut chunk).await;
        let is_last = !matches!(&read, Ok(count) if *count > 0);
        let chunk = read.map(|_| chunk.freeze());
        if sender.send((Instant::now(), chunk)).await.is_err() || is_last {
            return Ok(());
        }
    }
}

async fn hand_over(
    link: &Link,
    flow: Flow,
    mut receiver: mpsc::Receiver<Chunk>,
    mut to: WriteHalf<'_>,
) -> io::Result<()> {
    let rules = &link.shared.rules;
    while let Some((since, chunk)) = receiver.recv().await {
        if let Some(Rule::Delay(delay)) = rules.get(flow) {
            sleep_until(since + delay).await;
        }
        rules.passable(flow).await;
        let chunk = chunk?;
        if chunk.is_empty() {
            break;
        }
        to.write_all(&chunk).await?;
        if let Some(Rule::Throttle(bytes_per_second)) = rules.get(flow) {
            sleep(time_for(chunk.len(), bytes_per_second)).await;
        }
    }
    to.shutdown().await
}

fn time_for(bytes: usize, bytes_per_second: u64) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_micros(bytes.saturating_mul(1_000_000) / bytes_per_second.max(1))
}
