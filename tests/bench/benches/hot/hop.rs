//! One hop of replication: a frame from the leader over TCP on loopback, decoded, acknowledged, the
//! acknowledgement decoded. Both ends on one thread, so the time is the CPU of both, system calls included.

use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, bench};
use rpc::replication::{
    AckReceiver, AckSender, FollowerFrame, FrameReceiver, FrameSender, Hello, Lane, LeaderFrame,
    ToFollower, ToLeader, Welcome, dial, service,
};
use rpc::transport::{Connector, Incoming, Routes, TransportConfig, serve};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use types::{BrokerEpoch, NodeId};

use crate::input::Shape;

struct Pair {
    frames: FrameSender,
    acks: AckReceiver,
    replies: AckSender,
    received: FrameReceiver,
}

impl Pair {
    async fn connect() -> Self {
        let config = TransportConfig::bulk();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let (service, mut sessions) = service(&config);
        let incoming = Incoming::tcp(listener);
        let serving = config.clone();
        tokio::spawn(async move {
            let routes = Routes::new(service);
            let served = serve(routes, incoming, &serving, std::future::pending()).await;
            served.expect("connections");
        });
        let hello = Hello {
            cluster_id: "c".to_owned(),
            leader: NodeId(1),
            leader_broker_epoch: BrokerEpoch(1),
            follower: NodeId(2),
            follower_broker_epoch: BrokerEpoch(1),
            lane: Lane::Live,
        };
        let connector = Connector::tcp(address);
        let accepted = async {
            let session = sessions.recv().await.expect("a session");
            session.accept(Welcome {})
        };
        let (dialed, (replies, received)) =
            tokio::join!(dial(&connector, &config, hello), accepted);
        let (frames, acks) = dialed.expect("welcome");
        Self {
            frames,
            acks,
            replies,
            received,
        }
    }

    /// One frame there, one back.
    async fn exchange(&mut self, items: Vec<ToFollower>, consumed_bytes: &mut u64) {
        self.frames.send(LeaderFrame { items }).await.expect("open");
        let frame = self.received.next().await.expect("a frame");
        *consumed_bytes += frame.record_bytes() as u64;
        let items = frame.items.iter().map(|item| ToLeader::Ack {
            handle: item.handle(),
            log_end_offset: 16,
        });
        let answer = FollowerFrame {
            items: items.collect(),
            consumed_bytes: *consumed_bytes,
        };
        self.replies.send(answer).await.expect("open");
        self.acks.next().await.expect("an acknowledgement");
    }
}

fn append(handle: u32, batch: &Bytes) -> ToFollower {
    ToFollower::Append {
        handle,
        base_offset: 0,
        high_watermark: 0,
        log_start_offset: 0,
        batches: vec![batch.clone()],
    }
}

fn runtime() -> Runtime {
    let built = Builder::new_current_thread().enable_all().build();
    built.expect("a runtime")
}

/// One partition's records.
#[bench(args = [1 << 10, 16 << 10, 256 << 10, 1 << 20])]
fn frame_and_ack(bencher: Bencher<'_, '_>, batch_bytes: usize) {
    let (runtime, batch) = (runtime(), Shape::plain(batch_bytes).batch());
    let mut pair = runtime.block_on(Pair::connect());
    let mut consumed_bytes = 0;
    bencher
        .counter(BytesCount::new(batch.len()))
        .bench_local(|| {
            let items = vec![append(1, &batch)];
            runtime.block_on(pair.exchange(items, &mut consumed_bytes));
        });
}

/// Twelve partitions with 16 KiB each in one frame.
#[bench]
fn frame_of_twelve_partitions(bencher: Bencher<'_, '_>) {
    let (runtime, batch) = (runtime(), Shape::plain(16 << 10).batch());
    let mut pair = runtime.block_on(Pair::connect());
    let mut consumed_bytes = 0;
    bencher
        .counter(BytesCount::new(12 * batch.len()))
        .bench_local(|| {
            let items = (0..12).map(|handle| append(handle, &batch)).collect();
            runtime.block_on(pair.exchange(items, &mut consumed_bytes));
        });
}
