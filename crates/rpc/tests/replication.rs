//! Replication streams between a leader and a follower, over TCP and in process, and what becomes of
//! peers that do not keep to the protocol.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use rpc::proto::replication::v1 as wire;
use rpc::proto::replication::v1::leader_message::Message;
use rpc::proto::replication::v1::replication_client::ReplicationClient;
use rpc::replication::{
    AckReceiver, AckSender, Broken, DialError, FollowerFrame, FrameReceiver, FrameSender, Hello,
    Incoming, Lane, LeaderFrame, ToFollower, ToLeader, Welcome, dial, service,
};
use rpc::transport::{self, Connector, TransportConfig, in_process, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::service::Routes;
use types::{BrokerEpoch, NodeId};

const PATIENCE: Duration = Duration::from_secs(20);

fn hello() -> Hello {
    Hello {
        cluster_id: "a-cluster".to_owned(),
        leader: NodeId(1),
        leader_broker_epoch: BrokerEpoch(10),
        follower: NodeId(2),
        follower_broker_epoch: BrokerEpoch(11),
        lane: Lane::Live,
    }
}

fn append(handle: u32, base_offset: i64, bytes: usize) -> ToFollower {
    ToFollower::Append {
        handle,
        base_offset,
        high_watermark: base_offset,
        log_start_offset: 0,
        batches: vec![vec![7; bytes].into()],
    }
}

/// A follower's server on what comes in.
fn follow(incoming: transport::Incoming) -> mpsc::Receiver<Incoming> {
    let config = TransportConfig::bulk();
    let (server, sessions) = service(&config);
    let mut routes = Routes::builder();
    routes.add_service(server);
    let routes = routes.routes();
    tokio::spawn(async move {
        let served = serve(routes, incoming, &config, std::future::pending()).await;
        served.expect("connections");
    });
    sessions
}

async fn tcp() -> (Connector, mpsc::Receiver<Incoming>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let sessions = follow(transport::Incoming::tcp(listener));
    (Connector::tcp(address), sessions)
}

struct Pair {
    leader: (FrameSender, AckReceiver),
    follower: (AckSender, FrameReceiver),
}

async fn pair(connector: &Connector, sessions: &mut mpsc::Receiver<Incoming>) -> Pair {
    let config = TransportConfig::bulk();
    let accepting = async {
        let incoming = sessions.recv().await.expect("a session");
        assert_eq!(*incoming.hello(), hello());
        incoming.accept(Welcome {})
    };
    let both = async { tokio::join!(dial(connector, &config, hello()), accepting) };
    let (leader, follower) = timeout(PATIENCE, both).await.expect("in time");
    Pair {
        leader: leader.expect("welcome"),
        follower,
    }
}

/// The items with their records in one piece, in how many they have come.
fn joined(frame: &LeaderFrame) -> Vec<ToFollower> {
    let mut items = frame.items.clone();
    for item in &mut items {
        if let ToFollower::Append { batches, .. } = item {
            *batches = vec![batches.concat().into()];
        }
    }
    items
}

/// Frames in one direction, their acknowledgements in the other.
async fn exchange(pair: &mut Pair, frame_count: i64, bytes: usize) {
    let (frames, acks) = &mut pair.leader;
    let (replies, received) = &mut pair.follower;
    let sending = async {
        for offset in 0..frame_count {
            let items = vec![append(3, offset, bytes)];
            frames.send(LeaderFrame { items }).await.expect("open");
        }
    };
    let following = async {
        let mut consumed_bytes = 0;
        for offset in 0..frame_count {
            let frame = received.next().await.expect("a frame");
            assert_eq!(joined(&frame), vec![append(3, offset, bytes)]);
            consumed_bytes += frame.record_bytes() as u64;
            let items = vec![ToLeader::Ack {
                handle: 3,
                log_end_offset: offset + 1,
            }];
            let frame = FollowerFrame {
                items,
                consumed_bytes,
            };
            replies.send(frame).await.expect("open");
        }
    };
    let counting = async {
        let mut last = FollowerFrame::default();
        while last.items.iter().all(|item| {
            !matches!(item, ToLeader::Ack { log_end_offset, .. } if *log_end_offset == frame_count)
        }) {
            last = acks.next().await.expect("an acknowledgement");
        }
        assert_eq!(
            last.consumed_bytes,
            frame_count.cast_unsigned() * bytes as u64
        );
    };
    let all = async { tokio::join!(sending, following, counting) };
    timeout(PATIENCE, all).await.expect("in time");
}

#[tokio::test]
async fn records_and_acknowledgements_travel_over_tcp() {
    let (connector, mut sessions) = tcp().await;
    let mut pair = pair(&connector, &mut sessions).await;
    exchange(&mut pair, 40, 1 << 20).await;
}

#[tokio::test]
async fn records_and_acknowledgements_travel_in_process() {
    let (connector, incoming) = in_process();
    let mut sessions = follow(incoming);
    let mut pair = pair(&connector, &mut sessions).await;
    exchange(&mut pair, 100, 1 << 10).await;
}

#[tokio::test]
async fn a_batch_of_half_the_largest_message_passes() {
    let (connector, mut sessions) = tcp().await;
    let mut pair = pair(&connector, &mut sessions).await;
    exchange(&mut pair, 1, 32 << 20).await;
}

#[tokio::test]
async fn a_refused_leader_hears_why() {
    let (connector, mut sessions) = tcp().await;
    let config = TransportConfig::bulk();
    let refusing = async {
        let incoming = sessions.recv().await.expect("a session");
        incoming.refuse("another follower broker epoch");
    };
    let (refused, ()) = tokio::join!(dial(&connector, &config, hello()), refusing);
    let Err(DialError::Refused(reason)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(reason, "another follower broker epoch");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    drop(listener);
    let dialled = dial(&Connector::tcp(address), &TransportConfig::bulk(), hello()).await;
    let Err(DialError::Unreachable(error)) = dialled else {
        panic!("{dialled:?}");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_follower_that_stops_refuses_sessions() {
    let (connector, sessions) = tcp().await;
    drop(sessions);
    let dialled = dial(&connector, &TransportConfig::bulk(), hello()).await;
    assert!(matches!(dialled, Err(DialError::Failed(_))), "{dialled:?}");
}

#[tokio::test]
async fn a_listener_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let config = TransportConfig {
        connect_timeout: Duration::from_millis(200),
        ..TransportConfig::bulk()
    };
    let dialled = timeout(PATIENCE, dial(&Connector::tcp(address), &config, hello())).await;
    let dialled = dialled.expect("given up");
    assert!(matches!(dialled, Err(DialError::Failed(_))), "{dialled:?}");
}

#[tokio::test]
async fn either_side_notices_when_the_other_has_gone() {
    let (connector, mut sessions) = tcp().await;
    let Pair { leader, follower } = pair(&connector, &mut sessions).await;
    drop(leader);
    let (replies, mut received) = follower;
    let ended = timeout(PATIENCE, received.next()).await.expect("in time");
    assert!(ended.is_err(), "{ended:?}");
    drop((replies, received));

    let Pair { leader, follower } = pair(&connector, &mut sessions).await;
    drop(follower);
    let (frames, mut acks) = leader;
    let ended = timeout(PATIENCE, acks.next()).await.expect("in time");
    assert!(ended.is_err(), "{ended:?}");
    let noticed = async { while frames.send(LeaderFrame::default()).await.is_ok() {} };
    timeout(PATIENCE, noticed).await.expect("in time");
}

#[tokio::test]
async fn a_leader_is_held_back_by_a_follower_that_does_not_read() {
    let (connector, mut sessions) = tcp().await;
    let pair = pair(&connector, &mut sessions).await;
    let (frames, _acks) = pair.leader;
    let mut sent_bytes = 0_usize;
    let filling = async {
        loop {
            let items = vec![append(1, 0, 1 << 20)];
            frames.send(LeaderFrame { items }).await.expect("open");
            sent_bytes += 1 << 20;
        }
    };
    let stuck = timeout(Duration::from_secs(2), filling).await;
    assert!(stuck.is_err());
    // The window of the stream, what waits, and what is being written.
    assert!(sent_bytes < 32 << 20, "{sent_bytes}");
}

/// Forwards in both directions until it is told to fall silent, with its connections open.
async fn proxy(to: String, silence: CancellationToken) -> Connector {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.expect("a connection");
            let mut far = TcpStream::connect(&to).await.expect("listening");
            let silence = silence.clone();
            tokio::spawn(async move {
                let forward = tokio::io::copy_bidirectional(&mut near, &mut far);
                silence.run_until_cancelled(forward).await;
                std::future::pending::<()>().await;
            });
        }
    });
    Connector::tcp(address)
}

#[tokio::test]
async fn a_peer_that_falls_silent_is_noticed_and_a_busy_one_is_not() {
    let (direct, mut sessions) = tcp().await;
    let silence = CancellationToken::new();
    let to = direct.address().expect("TCP").to_owned();
    let connector = proxy(to, silence.clone()).await;
    let pair = pair(&connector, &mut sessions).await;
    let (frames, mut acks) = pair.leader;
    let (_replies, mut received) = pair.follower;
    // The follower takes nothing off the stream for longer than it takes to notice a dead one.
    let filling = async {
        loop {
            let items = vec![append(1, 0, 1 << 20)];
            if frames.send(LeaderFrame { items }).await.is_err() {
                break;
            }
        }
    };
    let config = TransportConfig::bulk();
    let noticed_in = config.keepalive_interval + config.keepalive_timeout;
    let busy = timeout(noticed_in * 2, filling).await;
    assert!(busy.is_err(), "a busy peer was given up");
    received.next().await.expect("still there");
    silence.cancel();
    let ended = timeout(noticed_in * 4, acks.next()).await;
    assert!(ended.expect("noticed").is_err());
}

type Raw = ReplicationClient<tonic::transport::Channel>;

/// A peer that speaks gRPC but not replication.
async fn raw(
    connector: &Connector,
    messages: Vec<Option<Message>>,
) -> Result<wire::FollowerMessage, Code> {
    let mut client: Raw = ReplicationClient::new(connector.channel(&TransportConfig::bulk()))
        .max_encoding_message_size(usize::MAX);
    let messages = messages
        .into_iter()
        .map(|message| wire::LeaderMessage { message });
    let messages: Vec<_> = messages.collect();
    let reply = client.replicate(tokio_stream::iter(messages)).await;
    let mut replies = reply.map_err(|status| status.code())?.into_inner();
    let first = replies.message().await.map_err(|status| status.code())?;
    first.ok_or(Code::Ok)
}

fn good_hello() -> wire::Hello {
    wire::Hello {
        cluster_id: "a-cluster".to_owned(),
        leader_id: 1,
        leader_broker_epoch: 10,
        follower_id: 2,
        follower_broker_epoch: 11,
        lane: wire::Lane::Live.into(),
    }
}

#[tokio::test]
async fn a_session_that_does_not_begin_with_a_good_hello_is_never_seen() {
    let (connector, mut sessions) = tcp().await;
    let frame = || Message::Frame(wire::LeaderFrame::default());
    let bad_lane = wire::Hello {
        lane: 9,
        ..good_hello()
    };
    let openings = [
        vec![],
        vec![None],
        vec![Some(frame())],
        vec![Some(Message::Hello(bad_lane))],
    ];
    for opening in openings {
        assert_eq!(raw(&connector, opening).await, Err(Code::InvalidArgument));
    }
    assert!(sessions.try_recv().is_err());
}

/// What the follower receives after a good hello.
async fn received_after_hello(message: Option<Message>) -> Result<LeaderFrame, Broken> {
    let (connector, mut sessions) = tcp().await;
    let hostile = raw(
        &connector,
        vec![Some(Message::Hello(good_hello())), message],
    );
    let following = async {
        let incoming = sessions.recv().await.expect("a session");
        let (_acks, mut frames) = incoming.accept(Welcome {});
        frames.next().await
    };
    let both = async { tokio::join!(hostile, following) };
    timeout(PATIENCE, both).await.expect("in time").1
}

#[tokio::test]
async fn frames_that_make_no_sense_end_the_stream() {
    let second_hello = Some(Message::Hello(good_hello()));
    let no_item = Some(Message::Frame(wire::LeaderFrame {
        items: vec![wire::LeaderItem { item: None }],
    }));
    for message in [None, second_hello, no_item] {
        let received = received_after_hello(message).await;
        assert!(
            matches!(received, Err(Broken::Malformed(_))),
            "{received:?}"
        );
    }
}

#[tokio::test]
async fn a_frame_beyond_the_largest_message_ends_the_stream() {
    let append = wire::Append {
        batches: vec![vec![0; 129 << 20].into()],
        ..Default::default()
    };
    let item = wire::LeaderItem {
        item: Some(wire::leader_item::Item::Append(append)),
    };
    let frame = wire::LeaderFrame { items: vec![item] };
    let received = received_after_hello(Some(Message::Frame(frame))).await;
    assert!(matches!(received, Err(Broken::Failed(_))), "{received:?}");
}

#[tokio::test]
async fn garbage_closes_its_connection_and_nothing_else() {
    let (connector, mut sessions) = tcp().await;
    let address = connector.address().expect("TCP").to_owned();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let huge_frame = [preface.as_slice(), &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]].concat();
    let noise = [preface.as_slice(), &[0xa5; 300]].concat();
    for bytes in [vec![0; 64], huge_frame, noise, preface.to_vec()] {
        let mut socket = TcpStream::connect(&address).await.expect("listening");
        socket.write_all(&bytes).await.expect("sent");
        socket.shutdown().await.expect("open");
        let mut answer = Vec::new();
        let reading = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
        // Closed or reset, but not kept.
        let _closed = reading.expect("in time");
    }
    let mut pair = pair(&connector, &mut sessions).await;
    exchange(&mut pair, 3, 100).await;
}

#[tokio::test]
async fn bytes_that_are_no_message_end_the_call() {
    use tonic::client::Grpc;
    use tonic::codegen::http::uri::PathAndQuery;
    let (connector, _sessions) = tcp().await;
    let mut grpc = Grpc::new(connector.channel(&TransportConfig::bulk()));
    grpc.ready().await.expect("connected");
    // A field of type bytes that claims to go on for 2 GB.
    let garbage = Bytes::from_static(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3]);
    let path = PathAndQuery::from_static("/raudal.replication.v1.Replication/Replicate");
    let codec = raw_codec::RawCodec;
    let request = tonic::Request::new(tokio_stream::once(garbage));
    let answer = grpc.streaming(request, path, codec).await;
    let code = answer.err().map(|status| status.code());
    assert!(
        matches!(code, Some(Code::Internal | Code::InvalidArgument)),
        "{code:?}"
    );
}

mod raw_codec {
    //! Messages as bytes, whatever they are.

    use bytes::{Buf as _, BufMut as _, Bytes};
    use tonic::Status;
    use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

    #[derive(Debug, Default)]
    pub(super) struct RawCodec;

    impl Codec for RawCodec {
        type Encode = Bytes;
        type Decode = Bytes;
        type Encoder = Self;
        type Decoder = Self;

        fn encoder(&mut self) -> Self {
            Self
        }

        fn decoder(&mut self) -> Self {
            Self
        }
    }

    impl Encoder for RawCodec {
        type Item = Bytes;
        type Error = Status;

        fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
            out.put(item);
            Ok(())
        }
    }

    impl Decoder for RawCodec {
        type Item = Bytes;
        type Error = Status;

        fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
            Ok(Some(from.copy_to_bytes(from.remaining())))
        }
    }
}
