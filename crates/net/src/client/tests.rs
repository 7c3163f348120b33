//! The client against a peer that the test plays itself.

use std::time::Duration;

use bytes::Bytes;
use protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::wire::Segments;
use protocol::{ApiKey, frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;

fn connect(options: Options) -> (Connection, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    (Connection::over(ours, options), theirs)
}

/// Reads one request and returns its correlation id.
async fn read_request(peer: &mut DuplexStream) -> i32 {
    let length = peer.read_u32().await.expect("a request");
    let mut body = vec![0; usize::try_from(length).expect("small")];
    peer.read_exact(&mut body).await.expect("a request");
    i32::from_be_bytes(*body[4..].first_chunk().expect("a header"))
}

async fn answer(peer: &mut DuplexStream, correlation_id: i32, throttle_time_ms: i32) {
    let response = ApiVersionsResponse {
        throttle_time_ms,
        ..ApiVersionsResponse::default()
    };
    let encoded = frame::encode_response(correlation_id, ApiKey::ApiVersions, 1, &response);
    let bytes = encoded.expect("encodes").to_bytes();
    peer.write_all(&bytes).await.expect("written");
}

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
}

#[tokio::test]
async fn requests_are_pipelined_and_each_gets_its_own_response() {
    let (connection, mut peer) = connect(Options::default());
    let first = connection.send(&request(), 1).expect("sent");
    let second = connection.send(&request(), 1).expect("sent");
    let ids = [read_request(&mut peer).await, read_request(&mut peer).await];
    assert_ne!(ids[0], ids[1]);
    answer(&mut peer, ids[0], 1).await;
    answer(&mut peer, ids[1], 2).await;
    assert_eq!(second.await.expect("a response").throttle_time_ms, 2);
    assert_eq!(first.await.expect("a response").throttle_time_ms, 1);
    assert_eq!(connection.in_flight_count(), 0);
}

#[tokio::test]
async fn a_dropped_response_does_not_disturb_the_next_one() {
    let (connection, mut peer) = connect(Options::default());
    drop(connection.send(&request(), 1).expect("sent"));
    let second = connection.send(&request(), 1).expect("sent");
    for _ in 0..2 {
        let id = read_request(&mut peer).await;
        answer(&mut peer, id, id).await;
    }
    assert_eq!(second.await.expect("a response").throttle_time_ms, 1);
}

#[tokio::test]
async fn a_reply_to_another_request_ends_the_connection() {
    let (connection, mut peer) = connect(Options::default());
    let first = connection.send(&request(), 1).expect("sent");
    let second = connection.send(&request(), 1).expect("sent");
    let id = read_request(&mut peer).await;
    answer(&mut peer, id + 1, 0).await;
    assert!(matches!(first.await, Err(Error::OutOfOrder { .. })));
    assert!(matches!(second.await, Err(Error::OutOfOrder { .. })));
    assert!(matches!(
        connection.send(&request(), 1),
        Err(Error::OutOfOrder { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn the_oldest_request_s_deadline_ends_the_connection() {
    let options = Options {
        request_timeout: Duration::from_millis(100),
        ..Options::default()
    };
    let (connection, mut peer) = connect(options);
    let first = connection.send(&request(), 1).expect("sent");
    let id = read_request(&mut peer).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let second = connection.send(&request(), 1).expect("sent");
    answer(&mut peer, id, 0).await;
    first.await.expect("in time");
    assert!(matches!(second.await, Err(Error::Timeout { .. })));
    assert!(connection.closed().is_some());
}

#[tokio::test]
async fn so_many_requests_may_be_in_flight_and_no_more() {
    let options = Options {
        max_in_flight_count: 1,
        ..Options::default()
    };
    let (connection, mut peer) = connect(options);
    let first = connection.send(&request(), 1).expect("sent");
    assert!(matches!(
        connection.send(&request(), 1),
        Err(Error::Busy(1))
    ));
    let later = tokio::spawn({
        let connection = connection.clone();
        async move { connection.request(&request(), 1).await }
    });
    for _ in 0..2 {
        let id = read_request(&mut peer).await;
        answer(&mut peer, id, 0).await;
    }
    first.await.expect("a response");
    later.await.expect("joined").expect("a response");
}

#[tokio::test]
async fn a_peer_that_closes_ends_every_request() {
    let (connection, mut peer) = connect(Options::default());
    let first = connection.send(&request(), 1).expect("sent");
    read_request(&mut peer).await;
    drop(peer);
    assert!(matches!(first.await, Err(Error::Closed)));
    assert!(matches!(connection.ready().await, Err(Error::Closed)));
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_socket() {
    let (connection, mut peer) = connect(Options::default());
    connection.send_unanswered(&request(), 1).expect("sent");
    connection.flush().await.expect("flushed");
    let clone = connection.clone();
    drop(connection);
    read_request(&mut peer).await;
    drop(clone);
    assert_eq!(peer.read(&mut [0; 1]).await.expect("end"), 0);
}

#[tokio::test]
async fn a_frame_of_the_caller_s_own_making_goes_out_as_it_is() {
    let (connection, mut peer) = connect(Options::default());
    let bytes = [0, 0, 0, 10, 0x7f, 0, 0, 9, 0, 0, 0, 77, 1, 2];
    let response = connection
        .send_raw(Segments::from(Bytes::copy_from_slice(&bytes)), 77)
        .expect("sent");
    assert_eq!(read_request(&mut peer).await, 77);
    peer.write_all(&[0, 0, 0, 5, 0, 0, 0, 77, 42])
        .await
        .expect("written");
    assert_eq!(&response.await.expect("a response")[..], [0, 0, 0, 77, 42]);
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bound");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let refused = Connection::connect("127.0.0.1", port, Options::default()).await;
    assert!(matches!(refused, Err(Error::Connect { .. })));
}
