//! Frames, headers and versions: what closes a connection and what is answered.

use protocol::ApiKey;
use protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::wire::Segments;

use super::*;

/// A request header by hand: any key, any version.
fn raw_frame(key: i16, version: i16, rest: &[u8]) -> Segments {
    let mut frame = Vec::new();
    frame.extend_from_slice(&key.to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&77i32.to_be_bytes());
    frame.extend_from_slice(&(-1i16).to_be_bytes());
    frame.extend_from_slice(rest);
    let length = u32::try_from(frame.len()).expect("small");
    Segments::from(Bytes::from([&length.to_be_bytes()[..], &frame].concat()))
}

#[tokio::test]
async fn old_produce_and_unknown_apis_close_the_connection() {
    let broker = TestBroker::start().await;
    for (key, version) in [(0, 0), (0, 2), (0, 14), (4, 0), (999, 0), (-1, 0), (1, 3)] {
        let client = broker.client().await;
        let sent = client
            .connection
            .send_raw(raw_frame(key, version, &[0; 8]), 77);
        assert!(
            sent.expect("sent").await.is_err(),
            "key {key} version {version}"
        );
    }
}

#[tokio::test]
async fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let sent = client
        .connection
        .send_raw(raw_frame(18, 99, &[]), 77)
        .expect("sent");
    let answer = sent.await.expect("a response");
    // correlation id 77, error 35, one entry: key 18, versions 0 to 4.
    assert_eq!(
        &answer[..],
        [0, 0, 0, 77, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]
    );
}

#[tokio::test]
async fn api_versions_tells_of_every_api_in_the_table_and_of_finalized_features() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let request = ApiVersionsRequest {
        client_software_name: "apache-kafka-java".into(),
        client_software_version: "4.3.1".into(),
    };
    for version in 0..=4 {
        let answer: ApiVersionsResponse = client.call(&request, version).await;
        assert_eq!(answer.error_code, 0);
        let produce = answer
            .api_keys
            .iter()
            .find(|api| api.api_key == 0)
            .expect("produce");
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
        let is_sorted = answer.api_keys.is_sorted_by_key(|api| api.api_key);
        assert!(is_sorted && answer.api_keys.len() == crate::api::SERVED.len());
        if version == 3 {
            assert!(
                answer
                    .supported_features
                    .iter()
                    .all(|feature| feature.min_version > 0)
            );
        }
    }
    let bad = ApiVersionsRequest {
        client_software_name: "-bad".into(),
        ..request
    };
    assert_code(
        client.call(&bad, 3).await.error_code,
        ErrorCode::InvalidRequest,
    );
    client.call(&bad, 0).await;
}

#[tokio::test]
async fn replies_of_one_connection_keep_the_order_of_its_requests() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let mut poll = client.fetch_request("t", 0, 0);
    poll.max_wait_ms = 100;
    let first = client.connection.send(&poll, 17).expect("sent");
    let second = client
        .connection
        .send(&ApiVersionsRequest::default(), 0)
        .expect("sent");
    let mut done = Vec::new();
    tokio::join!(
        async {
            second.await.expect("a response");
        },
        async {
            done.push(first.await.expect("a response"));
        }
    );
    assert_eq!(done.len(), 1);
}

#[tokio::test]
async fn random_bytes_cost_a_connection_and_nothing_else() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..300u64 {
        let client = broker.client().await;
        let key = i16::try_from(random() % 80).expect("small");
        let versions = ApiKey::from_wire(key).map(ApiKey::versions);
        let version = versions.map_or(0, |versions| {
            let span = u64::try_from(versions.end() - versions.start() + 1).expect("small");
            versions.start() + i16::try_from(random() % span).expect("small")
        });
        let body: Vec<u8> = (0..random() % 200)
            .map(|_| random().to_le_bytes()[0])
            .collect();
        let sent = client
            .connection
            .send_raw(raw_frame(key, version, &body), 77)
            .expect("sent");
        // An answer, or a closed connection; a forwarded request finds no controller.
        let patience = std::time::Duration::from_millis(50);
        let _answered = tokio::time::timeout(patience, sent).await;
        assert!(broker.core.partitions.all().len() == 1, "round {round}");
    }
    let client = broker.client().await;
    assert_code(
        client.produce("t", batch(&["a"])).await.error_code,
        ErrorCode::None,
    );
}
