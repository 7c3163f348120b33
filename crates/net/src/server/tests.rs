//! The server on real sockets, with a service that does what the request says.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::wire::Segments;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use bytes::Bytes;
use std::sync::Arc;

mod resting;

/// Frames are orders: the first byte says what to do, the rest comes back.
#[derive(Default)]
struct Orders {
    /// Replies that wait until the test lets them go, by their second byte.
    waiting: Mutex<HashMap<u8, oneshot::Sender<Segments>>>,
    dispatched: Mutex<Vec<Bytes>>,
}

fn reply_to(frame: &[u8]) -> Segments {
    let length = u32::try_from(frame.len()).expect("small");
    let mut segments = Segments::from(Bytes::copy_from_slice(&length.to_be_bytes()));
    segments.push(Bytes::copy_from_slice(frame));
    segments
}

impl Orders {
    fn let_go(&self, key: u8) {
        let waiting = self.waiting.lock().remove(&key).expect("it waits");
        waiting
            .send(reply_to(&[b'l', key]))
            .expect("the connection is there");
    }

    async fn wait_for_dispatched(&self, count: usize) {
        while self.dispatched.lock().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Service for Orders {
    fn dispatch(&self, _connection: &ConnectionContext, frame: Bytes) -> Reply {
        self.dispatched.lock().push(frame.clone());
        match frame.first() {
            Some(b'l') => {
                let (sender, receiver) = oneshot::channel();
                self.waiting.lock().insert(frame[1], sender);
                Reply::Later(Box::pin(async move { receiver.await.ok() }))
            }
            Some(b'0') => Reply::None,
            Some(b'c') => Reply::Close("told to"),
            Some(b'p') => panic!("told to"),
            Some(b'b') => Reply::Now(reply_to(&vec![0; 1 << 20])),
            _ => Reply::Now(reply_to(&frame)),
        }
    }
}

struct Running {
    address: SocketAddr,
    orders: Arc<Orders>,
    counters: Arc<Counters>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn start(limits: Limits) -> Running {
    start_with(limits, None)
}

fn start_with(limits: Limits, preface: Option<Arc<dyn PrefaceHandler>>) -> Running {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
    let address = listener.local_addr().expect("bound");
    let orders = Arc::new(Orders::default());
    let mut server = Server::new("TEST", limits, Arc::clone(&orders));
    if let Some(handler) = preface {
        server = server.with_preface(handler);
    }
    let counters = server.counters();
    let stop = CancellationToken::new();
    let task = tokio::spawn(server.serve(listener, stop.clone()));
    Running {
        address,
        orders,
        counters,
        stop,
        task,
    }
}

struct Peer(TcpStream);

impl Peer {
    async fn connect(server: &Running) -> Self {
        Self(TcpStream::connect(server.address).await.expect("connected"))
    }

    async fn send(&mut self, frames: &[&[u8]]) {
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| {
                let length = u32::try_from(frame.len()).expect("small");
                [&length.to_be_bytes()[..], frame].concat()
            })
            .collect();
        self.0.write_all(&bytes).await.expect("written");
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let length = self.0.read_u32().await?;
        let mut frame = vec![0; usize::try_from(length).expect("small")];
        self.0.read_exact(&mut frame).await?;
        Ok(frame)
    }

    /// Whether the server has closed the connection, without a byte before it.
    async fn is_closed(&mut self) -> bool {
        let read = timeout(Duration::from_secs(5), self.0.read(&mut [0; 16])).await;
        matches!(read.expect("closed in time"), Ok(0) | Err(_))
    }

    async fn has_nothing_to_read(&mut self) -> bool {
        let mut byte = [0];
        timeout(Duration::from_millis(50), self.0.peek(&mut byte))
            .await
            .is_err()
    }
}

#[tokio::test]
async fn replies_come_in_the_order_of_requests_whatever_completes_first() {
    let server = start(Limits::default());
    let mut peer = Peer::connect(&server).await;
    peer.send(&[b"l1", b"now", b"0none", b"l2", b"end"]).await;
    server.orders.wait_for_dispatched(5).await;
    server.orders.let_go(b'2');
    assert!(
        peer.has_nothing_to_read().await,
        "the first reply is outstanding"
    );
    server.orders.let_go(b'1');
    for expected in ["l1", "now", "l2", "end"] {
        assert_eq!(peer.receive().await.expect("a reply"), expected.as_bytes());
    }
}

#[tokio::test]
async fn a_refused_request_closes_after_the_earlier_replies_and_before_the_later_ones() {
    let server = start(Limits::default());
    let mut peer = Peer::connect(&server).await;
    peer.send(&[b"l1", b"a", b"c", b"after"]).await;
    server.orders.wait_for_dispatched(3).await;
    server.orders.let_go(b'1');
    assert_eq!(peer.receive().await.expect("a reply"), b"l1");
    assert_eq!(peer.receive().await.expect("a reply"), b"a");
    assert!(peer.is_closed().await);
    assert_eq!(server.orders.dispatched.lock().len(), 3);
}

#[tokio::test]
async fn a_request_given_up_closes_the_connection() {
    let server = start(Limits::default());
    let mut peer = Peer::connect(&server).await;
    peer.send(&[b"l1", b"x"]).await;
    server.orders.wait_for_dispatched(2).await;
    server.orders.waiting.lock().clear();
    assert!(peer.is_closed().await);
}

#[tokio::test]
async fn reading_stops_at_so_many_requests_in_flight() {
    let limits = Limits {
        max_in_flight_count: 2,
        ..Limits::default()
    };
    let server = start(limits);
    let mut peer = Peer::connect(&server).await;
    peer.send(&[b"l1", b"l2", b"l3", b"a"]).await;
    server.orders.wait_for_dispatched(2).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.orders.dispatched.lock().len(), 2);
    server.orders.let_go(b'1');
    server.orders.wait_for_dispatched(3).await;
    server.orders.let_go(b'2');
    server.orders.let_go(b'3');
    for expected in ["l1", "l2", "l3", "a"] {
        assert_eq!(peer.receive().await.expect("a reply"), expected.as_bytes());
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_not_read_from() {
    let server = start(Limits::default());
    let mut peer = Peer::connect(&server).await;
    // Each asks for 1 MiB; the kernel takes some of it, the server buffers at most two.
    let requests = vec![&b"b"[..]; 200];
    peer.send(&requests).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let dispatched = server.orders.dispatched.lock().len();
    assert!(
        dispatched < 100,
        "{dispatched} MiB for a peer that reads nothing"
    );
    for _ in 0..200 {
        assert_eq!(peer.receive().await.expect("a reply").len(), 1 << 20);
    }
}

#[tokio::test]
async fn the_listener_s_budget_holds_others_back_until_a_reply_is_out() {
    let limits = Limits {
        max_listener_bytes: 1000,
        ..Limits::default()
    };
    let server = start(limits);
    let mut first = Peer::connect(&server).await;
    let mut second = Peer::connect(&server).await;
    let mut large = vec![b'x'; 5000];
    large[..2].copy_from_slice(b"l1");
    first.send(&[&large]).await;
    server.orders.wait_for_dispatched(1).await;
    second.send(&[b"hello"]).await;
    assert!(second.has_nothing_to_read().await);
    server.orders.let_go(b'1');
    assert_eq!(second.receive().await.expect("a reply"), b"hello");
    assert_eq!(first.receive().await.expect("a reply"), b"l1");
}

#[tokio::test]
async fn large_frames_that_never_arrive_hold_up_no_small_request() {
    let limits = Limits {
        stall: Duration::from_hours(1),
        ..Limits::default()
    };
    let server = start(limits);
    let mut halves = Vec::new();
    for _ in 0..4 {
        let mut half = Peer::connect(&server).await;
        let announced = 90_000_000_i32.to_be_bytes();
        half.0.write_all(&announced).await.expect("written");
        half.0.write_all(&[b'x'; 1000]).await.expect("written");
        halves.push(half);
    }
    let mut other = Peer::connect(&server).await;
    other.send(&[b"hello"]).await;
    let reply = timeout(Duration::from_secs(10), other.receive());
    let reply = reply.await.expect("nobody waits for the large ones");
    assert_eq!(reply.expect("a reply"), b"hello");
}

#[tokio::test]
async fn budget_of_a_connection_that_vanishes_comes_back() {
    let limits = Limits {
        max_listener_bytes: 100,
        ..Limits::default()
    };
    let server = start(limits);
    let mut first = Peer::connect(&server).await;
    first.send(&[&[b'l'; 200]]).await;
    server.orders.wait_for_dispatched(1).await;
    drop(first);
    let mut half = Peer::connect(&server).await;
    half.0
        .write_all(&[0, 0, 0, 200, 1, 2, 3])
        .await
        .expect("written");
    drop(half);
    let mut second = Peer::connect(&server).await;
    second.send(&[b"hello"]).await;
    assert_eq!(second.receive().await.expect("a reply"), b"hello");
}

#[tokio::test]
async fn impossible_frames_close_the_connection_without_a_reply() {
    let server = start(Limits::default());
    for prefix in [
        0x7fff_ffff_u32,
        0xffff_ffff,
        0x8000_0000,
        u32::from_be_bytes(*PREFACE),
    ] {
        let mut peer = Peer::connect(&server).await;
        peer.0
            .write_all(&prefix.to_be_bytes())
            .await
            .expect("written");
        assert!(peer.is_closed().await, "{prefix:#x}");
    }
}

#[tokio::test]
async fn one_panic_costs_one_connection() {
    let server = start(Limits::default());
    let mut unlucky = Peer::connect(&server).await;
    let mut other = Peer::connect(&server).await;
    unlucky.send(&[b"p"]).await;
    assert!(unlucky.is_closed().await);
    other.send(&[b"fine"]).await;
    assert_eq!(other.receive().await.expect("a reply"), b"fine");
    assert_eq!(server.counters.panicked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn connections_of_one_address_are_counted() {
    let limits = Limits {
        max_connection_count_per_ip: 2,
        ..Limits::default()
    };
    let server = start(limits);
    let mut first = Peer::connect(&server).await;
    let mut second = Peer::connect(&server).await;
    for peer in [&mut first, &mut second] {
        peer.send(&[b"a"]).await;
        peer.receive().await.expect("a reply");
    }
    let mut third = Peer::connect(&server).await;
    assert!(third.is_closed().await);
    drop(first);
    loop {
        let mut fourth = Peer::connect(&server).await;
        fourth.send(&[b"a"]).await;
        // The server may not have noticed yet that the first one is gone.
        if fourth.receive().await.is_ok() {
            break;
        }
    }
}

#[tokio::test]
async fn connections_beyond_the_maximum_wait_their_turn() {
    let limits = Limits {
        max_connection_count: 1,
        ..Limits::default()
    };
    let server = start(limits);
    let mut first = Peer::connect(&server).await;
    first.send(&[b"a"]).await;
    first.receive().await.expect("a reply");
    let mut second = Peer::connect(&server).await;
    second.send(&[b"x"]).await;
    assert!(second.has_nothing_to_read().await);
    drop(first);
    assert_eq!(second.receive().await.expect("a reply"), b"x");
}

#[tokio::test]
async fn silence_closes_a_connection_and_work_in_flight_is_not_silence() {
    let limits = Limits {
        idle: Duration::from_millis(60),
        ..Limits::default()
    };
    let server = start(limits);
    let mut silent = Peer::connect(&server).await;
    let mut waiting = Peer::connect(&server).await;
    waiting.send(&[b"l1"]).await;
    assert!(silent.is_closed().await);
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.orders.let_go(b'1');
    assert_eq!(waiting.receive().await.expect("a reply"), b"l1");
    assert!(waiting.is_closed().await);
}

#[tokio::test]
async fn a_frame_that_does_not_go_on_closes_the_connection() {
    let limits = Limits {
        stall: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = start(limits);
    let mut peer = Peer::connect(&server).await;
    peer.0.write_all(&[0, 0, 1, 0, 1]).await.expect("written");
    assert!(peer.is_closed().await);
}

#[tokio::test]
async fn stopping_answers_what_is_in_flight_and_takes_nothing_new() {
    let server = start(Limits::default());
    let mut peer = Peer::connect(&server).await;
    peer.send(&[b"l1"]).await;
    server.orders.wait_for_dispatched(1).await;
    server.stop.cancel();
    tokio::time::sleep(Duration::from_millis(20)).await;
    peer.send(&[b"late"]).await;
    server.orders.let_go(b'1');
    assert_eq!(peer.receive().await.expect("a reply"), b"l1");
    assert!(peer.is_closed().await);
    server.task.await.expect("served");
    assert_eq!(server.orders.dispatched.lock().len(), 1);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let limits = Limits {
        drain: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = start(limits);
    let mut peer = Peer::connect(&server).await;
    peer.send(&[b"l1"]).await;
    server.orders.wait_for_dispatched(1).await;
    server.stop.cancel();
    server.task.await.expect("served");
    assert!(peer.is_closed().await);
}

#[derive(Debug)]
struct Taker(Mutex<Option<oneshot::Sender<Prefixed<TcpStream>>>>);

impl PrefaceHandler for Taker {
    fn take_over(&self, socket: Prefixed<TcpStream>, _connection: ConnectionContext) {
        let sender = self.0.lock().take().expect("one connection");
        sender.send(socket).expect("the test waits");
    }
}

#[tokio::test]
async fn http2_is_handed_over_with_every_byte_that_was_read() {
    let (sender, receiver) = oneshot::channel();
    let server = start_with(
        Limits::default(),
        Some(Arc::new(Taker(Mutex::new(Some(sender))))),
    );
    let mut kafka = Peer::connect(&server).await;
    kafka.send(&[b"kafka"]).await;
    assert_eq!(kafka.receive().await.expect("a reply"), b"kafka");

    let mut peer = Peer::connect(&server).await;
    peer.0
        .write_all(b"PRI * HTTP/2.0\r\n")
        .await
        .expect("written");
    let mut socket = receiver.await.expect("handed over");
    let mut read = [0; 16];
    socket.read_exact(&mut read).await.expect("read");
    assert_eq!(&read, b"PRI * HTTP/2.0\r\n");
    socket.write_all(b"ok").await.expect("written");
    let mut answer = [0; 2];
    peer.0.read_exact(&mut answer).await.expect("read");
    assert_eq!(&answer, b"ok");
}
