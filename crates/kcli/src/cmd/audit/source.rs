//! Where a replica's digests come from: the broker's own audit service, or Fetch and our own arithmetic.

use std::time::Duration;

use client::{Address, Admin, OffsetSpec};
use rpc::audit::{
    AuditClient, BatchStream, BatchSummary, ChunkDigest, DigestStream, Digester, PartitionId,
    Range, ReplicaState,
};
use rpc::transport::{Connector, TransportConfig};
use types::{ErrorCode, Offset, TopicId, TopicPartition};

use super::fetch::Replica;

/// A broker that does not know the service, or does not serve it there, is asked otherwise after this.
const SERVICE_PATIENCE: Duration = Duration::from_secs(3);
/// Of one chunk no more batches are listed.
const BATCHES_MAX: usize = 1_000_000;

/// Why a replica was not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What it said.
    pub(super) why: String,
    /// Whether the replica itself is at fault: what lies on its disk cannot be read.
    pub(super) is_damage: bool,
}

impl Trouble {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_damage: false,
        }
    }
}

impl From<rpc::audit::Error> for Trouble {
    fn from(error: rpc::audit::Error) -> Self {
        use rpc::audit::{Error, Refusal};
        Self {
            is_damage: matches!(error, Error::Refused(Refusal::Unreadable(_))),
            why: error.to_string(),
        }
    }
}

impl From<client::Error> for Trouble {
    fn from(error: client::Error) -> Self {
        Self {
            is_damage: error.code() == Some(ErrorCode::CorruptMessage),
            why: error.to_string(),
        }
    }
}

type Result<T, E = Trouble> = std::result::Result<T, E>;

/// A broker that may have replicas.
#[derive(Debug, Clone)]
pub(super) struct Broker {
    pub(super) id: i32,
    service: Option<AuditClient>,
    admin: Admin,
}

/// Which partition.
#[derive(Debug, Clone)]
pub(super) struct Which {
    pub(super) topic: String,
    pub(super) topic_id: TopicId,
    pub(super) partition: i32,
}

impl Which {
    fn id(&self) -> PartitionId {
        PartitionId {
            topic_id: self.topic_id,
            partition: self.partition,
        }
    }
}

/// Where a replica stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) log_start_offset: Offset,
    pub(super) high_watermark: Offset,
}

/// A replica that can be compared.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) broker: i32,
    pub(super) position: Position,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Service(AuditClient, PartitionId),
    Fetch(Replica),
}

impl Broker {
    /// With an address, its audit service is tried.
    pub(super) fn new(id: i32, address: Option<&Address>, admin: &Admin) -> Self {
        let service = address.map(|address| {
            let connector = Connector::tcp(address.to_string());
            AuditClient::new(&connector, &TransportConfig::default())
        });
        Self {
            id,
            service,
            admin: admin.clone(),
        }
    }

    /// Its replica, and where it stands.
    ///
    /// # Errors
    /// A sentence on why it cannot be compared.
    pub(super) async fn replica(&self, which: &Which) -> Result<Source> {
        if let Some(service) = &self.service {
            match service.positions(&[which.id()], SERVICE_PATIENCE).await {
                Ok(replicas) => {
                    let replica = replicas.first().ok_or_else(|| Trouble::new("no answer"))?;
                    return match replica.state {
                        ReplicaState::Leader | ReplicaState::Follower => Ok(Source {
                            broker: self.id,
                            position: Position {
                                log_start_offset: replica.log_start_offset,
                                high_watermark: replica.high_watermark,
                            },
                            way: Way::Service(service.clone(), which.id()),
                        }),
                        ReplicaState::Absent => Err(Trouble::new("it has no replica (yet)")),
                        ReplicaState::Offline => Err(Trouble::new("its disk has failed")),
                    };
                }
                Err(error) => tracing::debug!(broker = self.id, %error, "no audit service"),
            }
        }
        let replica = Replica {
            admin: self.admin.clone(),
            broker: self.id,
            topic: which.topic.clone(),
            partition: which.partition,
        };
        let first = self.first_offset(which).await?;
        let position = replica.position(first).await?;
        Ok(Source {
            broker: self.id,
            position: Position {
                log_start_offset: position.log_start_offset,
                high_watermark: position.high_watermark,
            },
            way: Way::Fetch(replica),
        })
    }

    /// Of the leader: a replica cannot be asked where it begins.
    async fn first_offset(&self, which: &Which) -> Result<Offset> {
        let key = TopicPartition::new(which.topic.as_str(), which.partition);
        let asked = [(key.clone(), OffsetSpec::Earliest)];
        let level = client::IsolationLevel::ReadUncommitted;
        let mut found = self.admin.list_offsets(&asked, level).await?;
        match found.remove(&key) {
            Some(found) => Ok(found?.offset),
            None => Err(Trouble::new(
                "the leader does not tell where the log begins",
            )),
        }
    }
}

/// What to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Offset,
    /// Exclusive.
    pub(super) end: Offset,
    pub(super) is_deep: bool,
}

impl Source {
    /// How it is read, in a word.
    pub(super) fn way_name(&self) -> &'static str {
        match self.way {
            Way::Service(..) => "audit",
            Way::Fetch(_) => "fetch",
        }
    }

    /// Digests of chunks, in order.
    pub(super) async fn digests(&self, span: Span, chunk_offsets: i64) -> Result<Digests> {
        match &self.way {
            Way::Service(service, id) => {
                let opened = service.digests(&range(*id, span), chunk_offsets).await;
                Ok(Digests::Service(Box::new(opened?)))
            }
            Way::Fetch(replica) => Ok(Digests::Fetch(Box::new(Fetched {
                replica: replica.clone(),
                next: span.from,
                end: span.end,
                digester: Digester::new(span.from, chunk_offsets),
                ready: Vec::new().into(),
                is_over: false,
            }))),
        }
    }

    /// All batches of a span, in order.
    pub(super) async fn batches(&self, span: Span) -> Result<Vec<BatchSummary>> {
        let mut all = Vec::new();
        match &self.way {
            Way::Service(service, id) => {
                let opened = service.batches(&range(*id, span)).await;
                let mut stream: BatchStream = opened?;
                while let Some(batch) = stream.next().await? {
                    all.push(batch);
                    if all.len() >= BATCHES_MAX {
                        break;
                    }
                }
            }
            Way::Fetch(replica) => {
                let mut next = span.from;
                while next < span.end && all.len() < BATCHES_MAX {
                    let found = replica.batches(next).await?;
                    let Some(last) = found.last() else { break };
                    next = last.last_offset.saturating_add(1).max(next + 1);
                    all.extend(found.into_iter().filter(|it| it.base_offset < span.end));
                }
            }
        }
        Ok(all)
    }
}

fn range(partition: PartitionId, span: Span) -> Range {
    Range {
        partition,
        from_offset: span.from,
        end_offset: span.end,
        is_deep: span.is_deep,
    }
}

/// Digests of one replica, one after the other.
#[derive(Debug)]
pub(super) enum Digests {
    Service(Box<DigestStream>),
    Fetch(Box<Fetched>),
}

/// Digests made here.
#[derive(Debug)]
pub(super) struct Fetched {
    replica: Replica,
    next: Offset,
    end: Offset,
    digester: Digester,
    ready: std::collections::VecDeque<ChunkDigest>,
    is_over: bool,
}

impl Digests {
    /// The next one; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<ChunkDigest>> {
        match self {
            Self::Service(stream) => Ok(stream.next().await?),
            Self::Fetch(fetched) => Ok(fetched.next().await?),
        }
    }
}

impl Fetched {
    async fn next(&mut self) -> client::Result<Option<ChunkDigest>> {
        while self.ready.is_empty() && !self.is_over {
            let found = match self.next < self.end {
                true => self.replica.batches(self.next).await?,
                false => Vec::new(),
            };
            let Some(last) = found.last() else {
                self.is_over = true;
                self.ready.extend(self.digester.finish());
                break;
            };
            self.next = last.last_offset.saturating_add(1).max(self.next + 1);
            for batch in found.iter().filter(|batch| batch.base_offset < self.end) {
                self.ready.extend(self.digester.on_batch(batch));
            }
        }
        Ok(self.ready.pop_front())
    }
}
