//! Connections that fall silent, and speak again.

use super::*;

/// Rests as soon as it can.
fn restless() -> Limits {
    Limits {
        rest: Duration::from_millis(5),
        ..Limits::default()
    }
}

impl Running {
    async fn wait_for_resting(&self, count: u64) {
        while self.counters.resting.load(Ordering::Relaxed) != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn wait_for_open(&self, count: u64) {
        while self.counters.open.load(Ordering::Relaxed) != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn a_connection_at_rest_is_served_when_it_speaks_again() {
    let server = start(restless());
    let mut peer = Peer::connect(&server).await;
    for _ in 0..3 {
        server.wait_for_resting(1).await;
        peer.send(&[b"a", b"d"]).await;
        for expected in ["a", "d"] {
            assert_eq!(peer.receive().await.expect("a reply"), expected.as_bytes());
        }
    }
    assert_eq!(server.counters.open.load(Ordering::Relaxed), 1);
    assert_eq!(server.counters.accepted.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn more_connections_than_leave_at_once_all_wake() {
    let server = start(restless());
    let mut peers = Vec::new();
    for _ in 0..200 {
        peers.push(Peer::connect(&server).await);
    }
    server.wait_for_resting(200).await;
    for peer in &mut peers {
        peer.send(&[b"a"]).await;
    }
    for peer in &mut peers {
        assert_eq!(peer.receive().await.expect("a reply"), b"a");
    }
    server.wait_for_resting(200).await;
    drop(peers);
    server.wait_for_open(0).await;
    assert_eq!(server.counters.resting.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn who_waits_for_an_answer_or_has_sent_half_a_frame_does_not_rest() {
    let server = start(restless());
    let mut waiting = Peer::connect(&server).await;
    waiting.send(&[b"l1"]).await;
    let mut half = Peer::connect(&server).await;
    half.0.write_all(&[0, 0, 0, 3, 1]).await.expect("written");
    let _third = Peer::connect(&server).await;
    server.wait_for_resting(1).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(server.counters.resting.load(Ordering::Relaxed), 1);
    half.0.write_all(&[2, 3]).await.expect("written");
    assert_eq!(half.receive().await.expect("a reply"), [1, 2, 3]);
    server.orders.let_go(b'1');
    assert_eq!(waiting.receive().await.expect("a reply"), b"l1");
    server.wait_for_resting(3).await;
}

#[tokio::test]
async fn a_peer_that_leaves_while_it_rests_leaves_nothing() {
    let server = start(restless());
    let peer = Peer::connect(&server).await;
    server.wait_for_resting(1).await;
    drop(peer);
    server.wait_for_open(0).await;
    assert_eq!(server.counters.resting.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn rest_ends_when_the_connection_has_been_idle_for_too_long() {
    let limits = Limits {
        idle: Duration::from_millis(60),
        ..restless()
    };
    let server = start(limits);
    let mut peer = Peer::connect(&server).await;
    server.wait_for_resting(1).await;
    assert!(peer.is_closed().await);
    server.wait_for_open(0).await;
    assert_eq!(server.counters.resting.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn who_rests_counts_for_its_address_and_for_the_maximum() {
    let limits = Limits {
        max_connection_count_per_ip: 1,
        max_connection_count: 2,
        ..restless()
    };
    let server = start(limits);
    let mut first = Peer::connect(&server).await;
    server.wait_for_resting(1).await;
    assert!(Peer::connect(&server).await.is_closed().await);
    first.send(&[b"a"]).await;
    assert_eq!(first.receive().await.expect("a reply"), b"a");
    server.wait_for_resting(1).await;
    drop(first);
    server.wait_for_open(0).await;
    let mut second = Peer::connect(&server).await;
    second.send(&[b"a"]).await;
    assert_eq!(second.receive().await.expect("a reply"), b"a");
}

#[tokio::test]
async fn stopping_closes_those_at_rest_at_once() {
    let server = start(restless());
    let mut peer = Peer::connect(&server).await;
    server.wait_for_resting(1).await;
    server.stop.cancel();
    server.task.await.expect("served");
    assert!(peer.is_closed().await);
    assert_eq!(server.counters.open.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn http2_may_begin_after_a_rest_and_not_after_a_request() {
    let (sender, receiver) = oneshot::channel();
    let taker = Arc::new(Taker(Mutex::new(Some(sender))));
    let server = start_with(restless(), Some(taker));
    let mut kafka = Peer::connect(&server).await;
    kafka.send(&[b"kafka"]).await;
    assert_eq!(kafka.receive().await.expect("a reply"), b"kafka");
    let mut late = Peer::connect(&server).await;
    server.wait_for_resting(2).await;
    kafka
        .0
        .write_all(b"PRI * HTTP/2.0\r\n")
        .await
        .expect("sent");
    assert!(kafka.is_closed().await);
    late.0.write_all(b"PRI * HTTP/2.0\r\n").await.expect("sent");
    let mut socket = receiver.await.expect("handed over");
    let mut read = [0; 16];
    socket.read_exact(&mut read).await.expect("read");
    assert_eq!(&read, b"PRI * HTTP/2.0\r\n");
}
