//! The client against brokers that are old, gone, elsewhere or no brokers at all.

mod fake;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use client::producer::Record;
use client::{Address, Client, Config, Error, Producer, ProducerConfig};
use protocol::messages::api_versions::ApiVersionsResponse;
use protocol::messages::init_producer_id::InitProducerIdResponse;
use protocol::messages::produce::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceResponse,
};
use protocol::records::Batch;
use protocol::wire::Reader;
use protocol::{ApiKey, Str, frame};
use tokio::io::AsyncWriteExt as _;
use types::ErrorCode;

use fake::{all_versions, listener, metadata, reply, reply_in, serve, versions};

fn config(address: std::net::SocketAddr) -> Config {
    let mut config = Config::new(vec![Address::new(address.ip().to_string(), address.port())]);
    config.connect_timeout = Duration::from_secs(2);
    config.api_timeout = Duration::from_secs(5);
    config.retry_backoff = Duration::from_millis(5);
    config
}

/// The only batch of a Produce request.
fn batch(mut body: Reader, version: i16) -> Batch {
    let request: ProduceRequest = frame::decode_request(&mut body, version).expect("decodes");
    let records = request.topic_data[0].partition_data[0].records.clone();
    Batch::parse(&records.expect("records").to_bytes()).expect("a batch")
}

fn produced(error_code: i16) -> ProduceResponse {
    ProduceResponse {
        responses: vec![TopicProduceResponse {
            topic_id: fake::TOPIC_ID,
            partition_responses: vec![PartitionProduceResponse {
                error_code,
                base_offset: 41,
                ..PartitionProduceResponse::default()
            }],
            ..TopicProduceResponse::default()
        }],
        ..ProduceResponse::default()
    }
}

#[tokio::test]
async fn an_old_broker_is_asked_again_in_the_version_it_has() {
    let (listener, address) = listener().await;
    serve(
        listener,
        Arc::new(move |header, _body| match header.api_key {
            ApiKey::ApiVersions if header.api_version > 2 => {
                let own = versions(&[(ApiKey::ApiVersions, 0, 2)]);
                let refused = ApiVersionsResponse {
                    error_code: ErrorCode::UnsupportedVersion.to_wire(),
                    ..own
                };
                reply_in(header, 0, &refused)
            }
            ApiKey::ApiVersions => {
                assert_eq!(header.api_version, 2);
                reply(
                    header,
                    &versions(&[(ApiKey::ApiVersions, 0, 2), (ApiKey::Metadata, 0, 5)]),
                )
            }
            ApiKey::Metadata => {
                assert_eq!(header.api_version, 5);
                reply(header, &metadata(&[(1, address)], 1, 0))
            }
            _ => None,
        }),
    );
    let client = Client::connect(config(address)).await.expect("connects");
    assert_eq!(client.cluster().brokers.len(), 1);
    let admin = client::Admin::new(client);
    let error = admin
        .describe_quorum()
        .await
        .expect_err("old brokers have none");
    assert!(
        matches!(
            error,
            Error::Unsupported {
                api: "DescribeQuorum",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_advertised_address_that_does_not_answer_is_told_with_the_bootstrap_that_did() {
    let (listener_1, address) = listener().await;
    // Bound and dropped: nobody listens there.
    let (listener_2, nowhere) = listener().await;
    drop(listener_2);
    serve(
        listener_1,
        Arc::new(move |header, _body| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            ApiKey::Metadata => reply(header, &metadata(&[(2, nowhere)], 2, 0)),
            _ => None,
        }),
    );
    let mut config = config(address);
    config.api_timeout = Duration::from_millis(300);
    let admin = client::Admin::new(Client::connect(config).await.expect("connects"));
    let asked = [(
        types::TopicPartition::new("t", 0),
        client::OffsetSpec::Latest,
    )];
    let level = client::IsolationLevel::ReadUncommitted;
    let error = admin
        .list_offsets(&asked, level)
        .await
        .expect_err("unreachable");
    let Error::TimedOut {
        last: Some(last), ..
    } = error
    else {
        panic!("{error}")
    };
    let Error::BrokerUnreachable {
        node_id,
        bootstrap,
        attempt,
    } = &*last
    else {
        panic!("{last}")
    };
    assert_eq!((*node_id, bootstrap.port), (2, address.port()));
    assert_eq!(
        (attempt.address.port, attempt.reason.as_str()),
        (nowhere.port(), "connection refused")
    );
}

#[tokio::test]
async fn what_is_no_broker_is_named() {
    let tls_alert: &[u8] = &[0x15, 3, 3, 0, 2, 2, 40];
    for (answer, who) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "an HTTP server"),
        (tls_alert, "a TLS port"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "something else"),
    ] {
        let (listener, address) = listener().await;
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                socket.write_all(answer).await.expect("writes");
                // The length that these bytes spell never comes; the client must not wait for it.
                std::future::pending::<()>().await;
            }
        });
        let error = Client::connect(config(address))
            .await
            .expect_err("no Kafka");
        let text = error.to_string();
        assert!(text.contains("does not speak Kafka's protocol"), "{text}");
        assert!(text.contains(who), "{who}: {text}");
    }
}

#[tokio::test]
async fn records_follow_the_leader_with_the_sequence_numbers_they_had() {
    let ((listener_1, address_1), (listener_2, address_2)) = (listener().await, listener().await);
    let brokers = [(1, address_1), (2, address_2)];
    let refusals = Arc::new(AtomicUsize::new(0));
    let has_moved = Arc::clone(&refusals);
    serve(
        listener_1,
        Arc::new(move |header, body| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            ApiKey::Metadata => match has_moved.load(Ordering::SeqCst) {
                0 => reply(header, &metadata(&brokers, 1, 0)),
                _ => reply(header, &metadata(&brokers, 2, 1)),
            },
            ApiKey::InitProducerId => {
                let identity = InitProducerIdResponse {
                    producer_id: 900,
                    ..InitProducerIdResponse::default()
                };
                reply(header, &identity)
            }
            ApiKey::Produce => {
                assert_eq!(batch(body, header.api_version).header.base_sequence, 0);
                has_moved.fetch_add(1, Ordering::SeqCst);
                reply(header, &produced(ErrorCode::NotLeaderOrFollower.to_wire()))
            }
            _ => None,
        }),
    );
    serve(
        listener_2,
        Arc::new(move |header, body| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            ApiKey::Produce => {
                let header_of_batch = batch(body, header.api_version).header;
                assert_eq!(header_of_batch.base_sequence, 0);
                assert_eq!(
                    (header_of_batch.producer_id.0, header_of_batch.record_count),
                    (900, 1)
                );
                reply(header, &produced(0))
            }
            _ => None,
        }),
    );
    let client = Client::connect(config(address_1)).await.expect("connects");
    let producer = Producer::new(client, ProducerConfig::default()).expect("starts");
    let record = Record {
        topic: "t".into(),
        value: Some("v".into()),
        ..Record::default()
    };
    let receipt = producer
        .send(&record)
        .await
        .expect("taken")
        .wait()
        .await
        .expect("written");
    assert_eq!((receipt.partition, receipt.offset), (0, 41));
    assert_eq!(refusals.load(Ordering::SeqCst), 1);
    producer.close().await;
}

/// Answers as broker 1, which leads no more and says who does, while its metadata does not know yet;
/// or, if it is silent, does not answer Produce at all, as one that is cut off from its followers.
fn deposed(
    brokers: [(i32, std::net::SocketAddr); 2],
    is_silent: bool,
    asked_count: Arc<AtomicUsize>,
) -> fake::Answer {
    Arc::new(move |header, _body| match header.api_key {
        ApiKey::ApiVersions => reply(header, &all_versions()),
        ApiKey::Metadata => reply(header, &metadata(&brokers, 1, 0)),
        ApiKey::InitProducerId => reply(header, &InitProducerIdResponse::default()),
        ApiKey::Produce => {
            asked_count.fetch_add(1, Ordering::SeqCst);
            let mut answer = produced(ErrorCode::NotLeaderOrFollower.to_wire());
            answer.responses[0].partition_responses[0].current_leader = LeaderIdAndEpoch {
                leader_id: 2,
                leader_epoch: 1,
            };
            answer.node_endpoints = vec![NodeEndpoint {
                node_id: 2,
                host: Str::from(brokers[1].1.ip().to_string()),
                port: brokers[1].1.port().into(),
                rack: None,
            }];
            match is_silent {
                true => Some(protocol::Segments::default()),
                false => reply(header, &answer),
            }
        }
        _ => None,
    })
}

async fn time_until_written_past_a_deposed_leader(is_silent: bool) -> Duration {
    let ((listener_1, address_1), (listener_2, address_2)) = (listener().await, listener().await);
    let asked_count = Arc::new(AtomicUsize::new(0));
    let brokers = [(1, address_1), (2, address_2)];
    serve(
        listener_1,
        deposed(brokers, is_silent, Arc::clone(&asked_count)),
    );
    serve(
        listener_2,
        Arc::new(move |header, _body| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            ApiKey::Metadata if is_silent => reply(header, &metadata(&brokers, 2, 1)),
            ApiKey::Produce => reply(header, &produced(0)),
            _ => None,
        }),
    );
    let mut config = config(address_1);
    // So long that only a hint or news of another leader can explain a quick success.
    config.retry_backoff = Duration::from_secs(20);
    let client = Client::connect(config).await.expect("connects");
    let producer = Producer::new(client, ProducerConfig::default()).expect("starts");
    let record = Record {
        topic: "t".into(),
        ..Record::default()
    };
    let start = tokio::time::Instant::now();
    let delivery = producer.send(&record).await.expect("taken");
    let receipt = tokio::time::timeout(Duration::from_secs(10), delivery.wait()).await;
    let receipt = receipt.expect("in time").expect("written");
    assert_eq!(asked_count.load(Ordering::SeqCst), 1);
    let troubles = producer.take_troubles();
    assert_eq!((troubles.len(), troubles[0].node_id), (1, 1));
    assert!(troubles[0].at <= receipt.acked_at);
    producer.close().await;
    receipt.acked_at - start
}

#[tokio::test]
async fn records_follow_a_hint_before_metadata_knows_of_it() {
    let took = time_until_written_past_a_deposed_leader(false).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_silent_leader_is_left_when_another_leads() {
    let took = time_until_written_past_a_deposed_leader(true).await;
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn what_cannot_be_delivered_in_time_fails_with_the_last_error() {
    let (listener, address) = listener().await;
    serve(
        listener,
        Arc::new(move |header, _body| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            ApiKey::Metadata => reply(header, &metadata(&[(1, address)], 1, 0)),
            ApiKey::InitProducerId => reply(header, &InitProducerIdResponse::default()),
            ApiKey::Produce => reply(header, &produced(ErrorCode::NotEnoughReplicas.to_wire())),
            _ => None,
        }),
    );
    let client = Client::connect(config(address)).await.expect("connects");
    let producer_config = ProducerConfig {
        delivery_timeout: Duration::from_millis(200),
        ..ProducerConfig::default()
    };
    let producer = Producer::new(client, producer_config).expect("starts");
    let record = Record {
        topic: "t".into(),
        ..Record::default()
    };
    let delivery = producer.send(&record).await.expect("taken");
    let error = delivery.wait().await.expect_err("too few replicas");
    assert_eq!(error.code(), Some(ErrorCode::NotEnoughReplicas), "{error}");
    producer.close().await;
}

#[tokio::test]
async fn a_dropped_producer_answers_everyone_who_waits() {
    let (listener, address) = listener().await;
    serve(
        listener,
        Arc::new(move |header, _body| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            ApiKey::Metadata => reply(header, &metadata(&[(1, address)], 1, 0)),
            _ => None,
        }),
    );
    let client = Client::connect(config(address)).await.expect("connects");
    let producer = Producer::new(client, ProducerConfig::default()).expect("starts");
    let record = Record {
        topic: "t".into(),
        ..Record::default()
    };
    let delivery = producer.send(&record).await.expect("taken");
    drop(producer);
    let outcome = tokio::time::timeout(Duration::from_secs(5), delivery.wait()).await;
    assert!(matches!(outcome, Ok(Err(Error::Closed))));
}
