//! Questions who leads, and what they wait for.

use std::time::Duration;

use net::server::{ConnectionContext, Reply, Service as _};
use protocol::frame::{RequestHeader, encode_request};
use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use tokio::time::Instant;

use super::*;

/// What the broker does with a question about the topic over a connection opened then.
fn ask(broker: &TestBroker, opened: Option<Instant>) -> Reply {
    let topic = MetadataRequestTopic {
        name: Some("t".into()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        ..MetadataRequest::default()
    };
    let header = RequestHeader {
        api_key: MetadataRequest::KEY,
        api_version: 12,
        correlation_id: 1,
        client_id: None,
    };
    let connection = ConnectionContext {
        id: 1,
        peer: broker.address,
        local: broker.address,
        listener: "PLAINTEXT".into(),
        opened,
    };
    let frame = encode_request(&header, &request)
        .expect("encoded")
        .to_bytes();
    let service = KafkaService::new(Arc::clone(&broker.core));
    service.dispatch(&connection, frame.slice(4..))
}

#[tokio::test]
async fn a_client_that_has_only_come_is_told_at_once_and_an_older_one_once_news_would_be_here() {
    let broker = TestBroker::start().await;
    let id = topic_id("t");
    let led_elsewhere = partition(id, 0, &[2, 3], &[2, 3], 2);
    broker.apply(vec![topic("t", id), led_elsewhere]).await;

    let (new, rested) = (Some(Instant::now()), None);
    assert!(matches!(ask(&broker, new), Reply::Now(_)));
    assert!(matches!(ask(&broker, rested), Reply::Later(_)));

    broker.core.absences.on_broken(NodeId(2), Duration::ZERO);
    assert!(
        matches!(ask(&broker, new), Reply::Later(_)),
        "the leader may be gone"
    );
}

#[tokio::test]
async fn what_this_broker_leads_itself_needs_no_news() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    assert!(matches!(ask(&broker, None), Reply::Now(_)));
}
