//! An audit over TCP against a log that is only numbers.

use std::sync::Arc;
use std::time::Duration;

use rpc::audit::{
    AuditClient, Auditor, BatchSummary, Error, PartitionId, Piece, PieceFuture, Range, Refusal,
    Replica, ReplicaState, SCANS_MAX, service,
};
use rpc::transport::{Connector, Incoming, TransportConfig, serve};
use tokio::net::TcpListener;
use tonic::service::Routes;
use types::{LeaderEpoch, TopicId, Uuid};

/// Batches of ten offsets each, up to the high watermark.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    high_watermark: i64,
    spoilt_offset: Option<i64>,
    hangs: bool,
}

const HERE: PartitionId = PartitionId {
    topic_id: TopicId(Uuid::ONE),
    partition: 0,
};

impl Auditor for Numbers {
    fn position(&self, partition: PartitionId) -> Replica {
        let is_here = partition == HERE;
        Replica {
            state: if is_here {
                ReplicaState::Leader
            } else {
                ReplicaState::Absent
            },
            leader_epoch: LeaderEpoch(4),
            log_start_offset: 0,
            high_watermark: self.high_watermark,
            log_end_offset: self.high_watermark,
        }
    }

    fn read(&self, range: Range) -> PieceFuture {
        let own = *self;
        Box::pin(async move {
            if own.hangs {
                std::future::pending::<()>().await;
            }
            if range.partition != HERE {
                return Err(Refusal::Absent);
            }
            if range.end_offset > own.high_watermark {
                return Err(Refusal::OutOfRange {
                    log_start_offset: 0,
                    high_watermark: own.high_watermark,
                });
            }
            let first = range.from_offset / 10 * 10;
            let bases = (first..range.end_offset).step_by(10).take(7);
            let batches: Vec<_> = bases.map(|base| own.batch(base)).collect();
            let next_offset = batches.last().map_or(first, |b| b.last_offset + 1);
            Ok(Piece {
                batches,
                next_offset,
            })
        })
    }
}

impl Numbers {
    fn batch(self, base_offset: i64) -> BatchSummary {
        BatchSummary {
            base_offset,
            last_offset: base_offset + 9,
            leader_epoch: LeaderEpoch(4),
            crc: if self.spoilt_offset == Some(base_offset) {
                1
            } else {
                2
            },
            size_bytes: 500,
            is_damaged: false,
        }
    }
}

/// A batch whose last offset is damaged.
#[derive(Debug)]
struct Damaged;

impl Auditor for Damaged {
    fn position(&self, partition: PartitionId) -> Replica {
        SOUND.position(partition)
    }

    fn read(&self, range: Range) -> PieceFuture {
        let batch = BatchSummary {
            last_offset: range.from_offset - 1,
            is_damaged: true,
            ..SOUND.batch(range.from_offset)
        };
        Box::pin(async move {
            Ok(Piece {
                batches: vec![batch],
                next_offset: range.from_offset,
            })
        })
    }
}

async fn client(auditor: impl Auditor) -> AuditClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let config = TransportConfig::default();
    let client = AuditClient::new(&Connector::tcp(address), &config);
    tokio::spawn(async move {
        let mut routes = Routes::builder();
        routes.add_service(service(Arc::new(auditor)));
        let incoming = Incoming::tcp(listener);
        let served = serve(routes.routes(), incoming, &config, std::future::pending()).await;
        served.expect("connections");
    });
    client
}

const SOUND: Numbers = Numbers {
    high_watermark: 10_000,
    spoilt_offset: None,
    hangs: false,
};

const fn range(from_offset: i64, end_offset: i64) -> Range {
    Range {
        partition: HERE,
        from_offset,
        end_offset,
        is_deep: false,
    }
}

async fn digests(client: &AuditClient, range: Range) -> Vec<rpc::audit::ChunkDigest> {
    let mut stream = client.digests(&range, 100).await.expect("asked");
    let mut all = Vec::new();
    while let Some(digest) = stream.next().await.expect("readable") {
        all.push(digest);
    }
    all
}

#[tokio::test]
async fn the_batch_that_differs_is_found_in_two_questions() {
    let sound = client(SOUND).await;
    let spoilt = client(Numbers {
        spoilt_offset: Some(4_320),
        ..SOUND
    })
    .await;
    let (ours, theirs) = tokio::join!(
        digests(&sound, range(0, 10_000)),
        digests(&spoilt, range(0, 10_000))
    );
    assert_eq!(ours.len(), 100);
    let differ: Vec<_> = ours.iter().zip(&theirs).filter(|(a, b)| a != b).collect();
    assert_eq!(differ.len(), 1);
    let chunk = differ[0].0.from_offset;
    assert_eq!(chunk, 4_300);

    let mut ours = sound
        .batches(&range(chunk, chunk + 100))
        .await
        .expect("asked");
    let mut theirs = spoilt
        .batches(&range(chunk, chunk + 100))
        .await
        .expect("asked");
    let mut first_divergent = None;
    let mut count = 0;
    while let Some(batch) = ours.next().await.expect("readable") {
        count += 1;
        let other = theirs.next().await.expect("readable");
        if other != Some(batch) && first_divergent.is_none() {
            first_divergent = Some(batch.base_offset);
        }
    }
    assert_eq!((count, first_divergent), (10, Some(4_320)));
}

#[tokio::test]
async fn positions_are_answered_in_their_order() {
    let client = client(SOUND).await;
    let elsewhere = PartitionId {
        partition: 9,
        ..HERE
    };
    let patience = Duration::from_secs(10);
    let positions = client.positions(&[elsewhere, HERE], patience).await;
    let states: Vec<_> = positions
        .expect("answered")
        .iter()
        .map(|r| r.state)
        .collect();
    assert_eq!(states, vec![ReplicaState::Absent, ReplicaState::Leader]);
}

#[tokio::test]
async fn a_range_beyond_the_high_watermark_is_refused_with_what_there_is() {
    let client = client(SOUND).await;
    let mut stream = client.batches(&range(0, 10_001)).await.expect("asked");
    let refused = stream.next().await;
    let expected = Refusal::OutOfRange {
        log_start_offset: 0,
        high_watermark: 10_000,
    };
    assert_eq!(refused, Err(Error::Refused(expected)));
}

#[tokio::test]
async fn too_many_audits_at_once_are_refused_until_one_ends() {
    let client = client(Numbers {
        hangs: true,
        ..SOUND
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..SCANS_MAX {
        open.push(client.batches(&range(0, 10)).await.expect("room"));
    }
    let refused = client.batches(&range(0, 10)).await;
    assert_eq!(refused.err(), Some(Error::Refused(Refusal::Busy)));
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_said_so() {
    let client = AuditClient::new(&Connector::tcp("127.0.0.1:1"), &TransportConfig::default());
    let asked = client.positions(&[HERE], Duration::from_secs(10)).await;
    assert!(matches!(asked, Err(Error::Unreachable(_))), "{asked:?}");
}

#[tokio::test]
async fn offsets_that_lead_nowhere_are_told_and_not_followed() {
    let client = client(Damaged).await;
    let mut batches = client.batches(&range(0, 100)).await.expect("begun");
    let error = batches.next().await.expect_err("damaged");
    assert!(
        matches!(error, Error::Refused(Refusal::Unreadable(_))),
        "{error}"
    );
}
