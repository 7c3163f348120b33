//! The proxy before an echo server. The tests' own process stands for a node.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::*;
use crate::ports::loopback;

const NODE: i32 = 7;
const OTHER: i32 = 8;
const MOMENT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(5);

/// An echo server as node 7 behind a proxy; we are node 8.
async fn echo() -> (Proxy, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let upstream = listener.local_addr().expect("an address").port();
    let mut proxy = Proxy::default();
    proxy._tasks.spawn(async move {
        let mut tasks = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            tasks.spawn(async move {
                let (mut read, mut write) = stream.split();
                drop(tokio::io::copy(&mut read, &mut write).await);
            });
        }
    });
    let port = proxy
        .add_gate(NODE, Plane::Brokers, upstream)
        .expect("a gate");
    proxy.on_start(OTHER, std::process::id());
    proxy.on_start(NODE, 1);
    (proxy, port)
}

async fn dial(port: u16) -> TcpStream {
    let dialling = async {
        loop {
            if let Ok(stream) = TcpStream::connect(loopback(port)).await {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, dialling).await.expect("in time")
}

async fn echoed(stream: &mut TcpStream, at_most: Duration) -> bool {
    stream.write_all(b"x").await.expect("written");
    comes(stream, at_most).await
}

async fn comes(stream: &mut TcpStream, at_most: Duration) -> bool {
    let mut byte = [0];
    let read = timeout(at_most, stream.read_exact(&mut byte)).await;
    matches!(read, Ok(Ok(_)))
}

fn flow(from: i32, to: i32) -> [Flow; 1] {
    let plane = Plane::Brokers;
    [Flow { from, to, plane }]
}

#[tokio::test]
async fn bytes_pass_and_the_end_of_the_stream_too() {
    let (_proxy, port) = echo().await;
    let mut stream = dial(port).await;
    assert!(echoed(&mut stream, LONG).await);
    stream.shutdown().await.expect("shut down");
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).await.expect("ended"), 0);
}

#[tokio::test]
async fn a_cut_holds_bytes_until_it_heals() {
    let (proxy, port) = echo().await;
    let mut stream = dial(port).await;
    assert!(echoed(&mut stream, LONG).await);
    proxy.rules().set(Flow::between(NODE, OTHER), Rule::Cut);
    assert!(!echoed(&mut stream, MOMENT).await);
    proxy.rules().clear_all();
    assert!(comes(&mut stream, LONG).await);
}

#[tokio::test]
async fn each_direction_has_its_own_rule() {
    let (proxy, port) = echo().await;
    let mut stream = dial(port).await;
    assert!(echoed(&mut stream, LONG).await);
    proxy.rules().set(flow(NODE, OTHER), Rule::Cut);
    // It arrives there, but its echo does not come back.
    assert!(!echoed(&mut stream, MOMENT).await);
    proxy.rules().set(flow(OTHER, NODE), Rule::Cut);
    proxy.rules().clear(flow(NODE, OTHER));
    assert!(comes(&mut stream, LONG).await);
}

#[tokio::test]
async fn rules_of_other_pairs_do_not_matter() {
    let (proxy, port) = echo().await;
    proxy.rules().set(Flow::between(NODE, OUTSIDE), Rule::Cut);
    proxy.rules().set(Flow::between(NODE, 9), Rule::Cut);
    proxy
        .rules()
        .set(Flow::both(NODE, OTHER, Plane::Controllers), Rule::Cut);
    assert!(echoed(&mut dial(port).await, LONG).await);
}

#[tokio::test]
async fn a_new_connection_through_a_cut_is_silent() {
    let (proxy, port) = echo().await;
    drop(dial(port).await);
    proxy.rules().set(flow(OTHER, NODE), Rule::Cut);
    let mut stream = dial(port).await;
    assert!(!echoed(&mut stream, MOMENT).await);
    proxy.rules().clear_all();
    assert!(comes(&mut stream, LONG).await);
}

#[tokio::test]
async fn a_reset_breaks_connections_of_the_pair() {
    let (proxy, port) = echo().await;
    let mut stream = dial(port).await;
    assert!(echoed(&mut stream, LONG).await);
    proxy.rules().reset(NODE, 9);
    assert!(echoed(&mut stream, LONG).await);
    proxy.rules().reset(OTHER, NODE);
    let mut byte = [0];
    let read = timeout(LONG, stream.read(&mut byte))
        .await
        .expect("in time");
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test]
async fn a_delay_adds_up_to_no_more_than_itself() {
    let (proxy, port) = echo().await;
    let mut stream = dial(port).await;
    assert!(echoed(&mut stream, LONG).await);
    proxy.rules().set(flow(OTHER, NODE), Rule::Delay(MOMENT));
    let start = Instant::now();
    assert!(echoed(&mut stream, LONG).await);
    assert!(start.elapsed() >= MOMENT);
}

#[tokio::test]
async fn a_node_that_is_down_refuses_connections() {
    let (proxy, port) = echo().await;
    drop(dial(port).await);
    proxy.on_stop(NODE);
    let refused = async {
        while TcpStream::connect(loopback(port)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, refused).await.expect("in time");
    proxy.on_start(NODE, 1);
    assert!(echoed(&mut dial(port).await, LONG).await);
}
