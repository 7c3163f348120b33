//! The client against controllers that play a script: they break streams, repeat, leave out, refuse
//! and name each other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metadata::v1;
use parking_lot::Mutex;
use rpc::proto::control::v1::control_server::{Control, ControlServer};
use rpc::proto::control::v1::tail_response::Event;
use rpc::proto::control::v1::{self as wire, Entries, Position, SnapshotChunk, TailResponse};
use rpc::transport::{Connector, TransportConfig, in_process, serve};
use rpc::{
    ClientConfig, ControllerClient, ControllerEndpoint, Error, ForwardRequest, HeartbeatState,
    LeaderHint, MetadataTail, TailEvent, batch, status,
};
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt as _};
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use types::{BrokerEpoch, ErrorCode, NodeId};

const PATIENCE: Duration = Duration::from_secs(20);

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What one controller does, call by call.
#[derive(Clone, Default)]
struct Script {
    /// Streams of the tail, each ended when it is played. The last one is followed by silence.
    tails: Arc<Mutex<VecDeque<Vec<Event>>>>,
    /// Offsets that tails were asked from.
    asked_from: Arc<Mutex<Vec<i64>>>,
    /// Answers to forwarded requests.
    forwards: Arc<Mutex<VecDeque<Status>>>,
    forward_count: Arc<Mutex<usize>>,
    /// Whether heartbeats are refused with this hint.
    moved_to: Arc<Mutex<Option<LeaderHint>>>,
}

#[tonic::async_trait]
impl Control for Script {
    type SessionStream = BoxStream<wire::HeartbeatReply>;
    type TailStream = BoxStream<TailResponse>;

    async fn register(
        &self,
        _request: Request<wire::RegisterRequest>,
    ) -> Result<Response<wire::RegisterResponse>, Status> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn session(
        &self,
        request: Request<Streaming<wire::Heartbeat>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let moved_to = Arc::clone(&self.moved_to);
        let replies = request.into_inner().map(move |heartbeat| {
            let sequence = heartbeat?.sequence;
            if let Some(hint) = &*moved_to.lock() {
                return Err(status::not_leader(Some(hint)));
            }
            Ok(wire::HeartbeatReply {
                sequence,
                fenced: false,
                should_shutdown: false,
                caught_up: true,
                proven_offset: Some(7),
            })
        });
        Ok(Response::new(Box::pin(replies)))
    }

    async fn tail(
        &self,
        request: Request<wire::TailRequest>,
    ) -> Result<Response<Self::TailStream>, Status> {
        self.asked_from
            .lock()
            .push(request.into_inner().from_offset);
        let Some(events) = self.tails.lock().pop_front() else {
            return Ok(Response::new(Box::pin(tokio_stream::pending())));
        };
        let responses = events
            .into_iter()
            .map(|e| Ok(TailResponse { event: Some(e) }));
        let responses: Vec<_> = responses.collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(responses))))
    }

    async fn forward(
        &self,
        request: Request<wire::ForwardRequest>,
    ) -> Result<Response<wire::ForwardResponse>, Status> {
        *self.forward_count.lock() += 1;
        match self.forwards.lock().pop_front() {
            Some(refusal) => Err(refusal),
            None => Ok(Response::new(wire::ForwardResponse {
                body: request.into_inner().body,
                metadata_offset: 7,
            })),
        }
    }

    async fn allocate_producer_ids(
        &self,
        _request: Request<wire::AllocateProducerIdsRequest>,
    ) -> Result<Response<wire::AllocateProducerIdsResponse>, Status> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn alter_partitions(
        &self,
        _request: Request<wire::AlterPartitionsRequest>,
    ) -> Result<Response<wire::AlterPartitionsResponse>, Status> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn assign_directories(
        &self,
        _request: Request<wire::AssignDirectoriesRequest>,
    ) -> Result<Response<wire::AssignDirectoriesResponse>, Status> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn describe_quorum(
        &self,
        _request: Request<wire::DescribeQuorumRequest>,
    ) -> Result<Response<wire::DescribeQuorumResponse>, Status> {
        Err(Status::unimplemented("not in the script"))
    }
}

/// Serves a script for as long as the test runs.
fn play(script: &Script) -> Connector {
    let (connector, incoming) = in_process();
    let mut routes = Routes::builder();
    routes.add_service(ControlServer::new(script.clone()));
    let routes = routes.routes();
    tokio::spawn(async move {
        let config = TransportConfig::default();
        let served = serve(routes, incoming, &config, std::future::pending()).await;
        served.expect("a pipe");
    });
    connector
}

fn client(controllers: &[(i32, Connector)]) -> ControllerClient {
    let endpoints = controllers
        .iter()
        .map(|(id, connector)| ControllerEndpoint {
            node_id: Some(NodeId(*id)),
            connector: connector.clone(),
        });
    ControllerClient::new(endpoints.collect(), ClientConfig::default())
}

/// Nobody serves here.
fn dead() -> Connector {
    let (connector, _) = in_process();
    connector
}

fn hint(id: i32) -> LeaderHint {
    LeaderHint {
        node_id: NodeId(id),
        address: String::new(),
    }
}

fn request() -> ForwardRequest {
    ForwardRequest {
        api_key: 19,
        api_version: 7,
        body: Bytes::from_static(b"body"),
        principal: "User:ANONYMOUS".to_owned(),
        client_host: "127.0.0.1".to_owned(),
        listener: "PLAINTEXT".to_owned(),
        client_id: String::new(),
    }
}

/// Entries from `base` on, each with one record that names its offset.
fn entries(base: i64, count: i64, high_watermark: i64) -> Event {
    let batches = (base..base + count).map(|offset| batch::encode(vec![record(offset)]));
    Event::Entries(Entries {
        base_offset: base,
        batches: batches.collect(),
        high_watermark,
    })
}

fn record(offset: i64) -> metadata::MetadataRecord {
    let id = offset.to_string();
    v1::ClusterId { id }.into()
}

fn chunk(offset: i64, data: Bytes, last: bool) -> Event {
    Event::Snapshot(SnapshotChunk { offset, data, last })
}

/// The offsets of what comes next, snapshots as negative numbers, without the high watermarks.
async fn read(tail: &mut MetadataTail, count: usize) -> Vec<i64> {
    let mut offsets = Vec::new();
    while offsets.len() < count {
        let event = tokio::time::timeout(PATIENCE, tail.next()).await;
        match event.expect("in time").expect("sound records") {
            TailEvent::Entry { offset, records } => {
                assert_eq!(records, [record(offset)]);
                offsets.push(offset);
            }
            TailEvent::Snapshot { offset, .. } => offsets.push(-offset),
            TailEvent::HighWatermark(_) => {}
        }
    }
    offsets
}

#[tokio::test(start_paused = true)]
async fn a_tail_goes_on_after_a_break_without_gaps_and_repeats() {
    let script = Script::default();
    script.tails.lock().extend([
        vec![entries(0, 3, 9)],
        vec![],
        // Some of it again.
        vec![entries(1, 4, 9)],
        // One is left out: what follows is not taken.
        vec![entries(6, 2, 9)],
        vec![entries(5, 3, 9)],
    ]);
    let mut tail = client(&[(1, play(&script))]).tail(0, NodeId(1));
    assert_eq!(read(&mut tail, 8).await, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(tail.next_offset(), 8);
    assert_eq!(*script.asked_from.lock(), [0, 3, 3, 5, 5]);
}

#[tokio::test(start_paused = true)]
async fn half_a_snapshot_is_void_and_an_old_one_is_not_taken() {
    let whole = batch::encode(vec![record(0), record(1)]);
    let (first, second) = (whole.slice(..3), whole.slice(3..));
    let script = Script::default();
    script.tails.lock().extend([
        vec![chunk(5, first.clone(), false)],
        vec![
            chunk(6, first.clone(), false),
            chunk(6, second.clone(), true),
            entries(7, 1, 9),
        ],
        // A controller that is behind starts over from an image older than what is known.
        vec![chunk(4, first, false), chunk(4, second, true)],
        vec![entries(8, 1, 9)],
    ]);
    let mut tail = client(&[(1, play(&script))]).tail(0, NodeId(1));
    assert_eq!(read(&mut tail, 3).await, [-6, 7, 8]);
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_read_stop_the_reader() {
    let script = Script::default();
    let damaged = Event::Entries(Entries {
        base_offset: 0,
        batches: vec![Bytes::from_static(&[0xff; 7])],
        high_watermark: 0,
    });
    script.tails.lock().push_back(vec![damaged]);
    let mut tail = client(&[(1, play(&script))]).tail(0, NodeId(1));
    let error = tail.next().await.expect_err("damaged");
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_tail_is_opened_anew() {
    let script = Script::default();
    // The first stream says where it is, and nothing more ever.
    let position = Event::Position(Position { high_watermark: 0 });
    script.tails.lock().push_back(vec![position]);
    let mut tail = client(&[(1, play(&script))]).tail(1, NodeId(1));
    assert_eq!(
        tail.next().await.expect("sound"),
        TailEvent::HighWatermark(0)
    );
    let script_after_silence = async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        script.tails.lock().push_back(vec![entries(1, 1, 1)]);
    };
    let (offsets, ()) = tokio::join!(read(&mut tail, 1), script_after_silence);
    assert_eq!(offsets, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_request_follows_the_hint_to_the_active_controller() {
    let (one, three) = (Script::default(), Script::default());
    one.forwards
        .lock()
        .push_back(status::not_leader(Some(&hint(3))));
    let client = client(&[(1, play(&one)), (2, dead()), (3, play(&three))]);
    let before = Instant::now();
    let forwarded = client.forward(request(), PATIENCE).await.expect("answered");
    assert_eq!(
        (&forwarded.body[..], forwarded.metadata_offset),
        (&b"body"[..], 7)
    );
    assert!(
        before.elapsed() < Duration::from_millis(2),
        "a hint costs no pause"
    );
    // From now on the active one is asked first.
    client.forward(request(), PATIENCE).await.expect("answered");
    assert_eq!(
        (*one.forward_count.lock(), *three.forward_count.lock()),
        (1, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_hint_every_controller_is_asked_in_turn() {
    let (one, three) = (Script::default(), Script::default());
    one.forwards.lock().push_back(status::not_leader(None));
    let client = client(&[(1, play(&one)), (2, dead()), (3, play(&three))]);
    client.forward(request(), PATIENCE).await.expect("answered");
    assert_eq!(
        (*one.forward_count.lock(), *three.forward_count.lock()),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_asked_again_and_a_dead_cluster_only_until_the_deadline() {
    let script = Script::default();
    let refusal = status::refused(ErrorCode::StaleBrokerEpoch, "an old process");
    script.forwards.lock().push_back(refusal);
    let asked = client(&[(1, play(&script))])
        .forward(request(), PATIENCE)
        .await;
    assert_eq!(
        asked.expect_err("refused").code(),
        Some(ErrorCode::StaleBrokerEpoch)
    );
    assert_eq!(*script.forward_count.lock(), 1);

    let before = Instant::now();
    let asked = client(&[(1, dead()), (2, dead())])
        .forward(request(), PATIENCE)
        .await;
    assert!(
        matches!(asked, Err(Error::NoController { .. })),
        "{asked:?}"
    );
    let waited = before.elapsed();
    assert!(waited <= PATIENCE && waited > PATIENCE / 2, "{waited:?}");
}

const fn alive() -> HeartbeatState {
    HeartbeatState {
        metadata_offset: 3,
        want_fence: false,
        want_shutdown: false,
        offline_log_dirs: Vec::new(),
        image_hash: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_does_not_wait_long_for_a_controller_that_hangs() {
    let (hanging, _nobody_serves) = in_process();
    let second = play(&Script::default());
    let client = client(&[(1, hanging), (2, second)]);
    let mut session = client.session(NodeId(4), BrokerEpoch(9));
    let started = Instant::now();
    let answer = session.heartbeat(&alive(), PATIENCE).await;
    assert!(answer.expect("the second answers").caught_up);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_with_the_active_controller() {
    let (one, two) = (Script::default(), Script::default());
    let client = client(&[(1, play(&one)), (2, play(&two))]);
    let mut session = client.session(NodeId(7), BrokerEpoch(3));
    let state = alive();
    session.heartbeat(&state, PATIENCE).await.expect("answered");
    *one.moved_to.lock() = Some(hint(2));
    session
        .heartbeat(&state, PATIENCE)
        .await
        .expect("answered elsewhere");
    // And stays there.
    *one.moved_to.lock() = None;
    *two.moved_to.lock() = Some(hint(1));
    session
        .heartbeat(&state, PATIENCE)
        .await
        .expect("answered elsewhere");
}
