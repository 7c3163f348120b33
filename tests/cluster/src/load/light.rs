//! Members of groups that do nothing but stay in them: thousands of them in one process, a connection
//! each, as every real member has one to its coordinator.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use client::Address;
use protocol::data::consumer_protocol_assignment::{
    ConsumerProtocolAssignment, TopicPartition as Assigned,
};
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::frame::{self, RequestHeader};
use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, TopicPartitions,
};
use protocol::messages::find_coordinator::FindCoordinatorRequest;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use protocol::{Message, Request, Str};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use types::Uuid;

use super::group::Protocol;

const SESSION: Duration = Duration::from_secs(45);
/// Longer than a rebalance.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts to get in.
const PAUSE: Duration = Duration::from_millis(500);
const CLASSIC_HEARTBEAT: Duration = Duration::from_secs(3);
const FRAME_BYTES_MAX: usize = 1 << 20;
const REBALANCE_IN_PROGRESS: i16 = 27;
const MEMBER_ID_REQUIRED: i16 = 79;

/// What all members of a run have in common.
#[derive(Debug)]
pub struct Crowd {
    /// Where the cluster is.
    pub bootstrap: Vec<Address>,
    /// The topic they all subscribe to, which has a partition for each member of a group.
    pub topic: String,
    /// Its id.
    pub topic_id: Uuid,
    /// How they speak.
    pub protocol: Protocol,
    /// Members that are in their groups with partitions of their own.
    pub settled: AtomicI64,
    /// Heartbeats that were answered well.
    pub beats: AtomicU64,
    /// How often somebody had to begin anew.
    pub failures: AtomicU64,
}

/// Stays in a group until `stop`.
pub async fn member(crowd: Arc<Crowd>, group: String, stop: CancellationToken) {
    loop {
        let mut member = Member {
            crowd: &crowd,
            group: Str::from(group.as_str()),
            is_settled: false,
        };
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = member.stay() => ended,
        };
        member.settle(false);
        if ended.is_err() {
            crowd.failures.fetch_add(1, Ordering::Relaxed);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

struct Member<'a> {
    crowd: &'a Crowd,
    group: Str,
    is_settled: bool,
}

impl Member<'_> {
    async fn stay(&mut self) -> Result<()> {
        let address = self.coordinator().await?;
        let mut connection = Connection::open(&address).await?;
        match self.crowd.protocol {
            Protocol::Consumer => self.stay_by_heartbeats(&mut connection).await,
            Protocol::Classic | Protocol::Cooperative => self.stay_classic(&mut connection).await,
        }
    }

    fn settle(&mut self, is_settled: bool) {
        let change = i64::from(is_settled) - i64::from(self.is_settled);
        self.crowd.settled.fetch_add(change, Ordering::Relaxed);
        self.is_settled = is_settled;
    }

    async fn coordinator(&self) -> Result<Address> {
        let at = rand::random_range(0..self.crowd.bootstrap.len());
        let mut connection = Connection::open(&self.crowd.bootstrap[at]).await?;
        let request = FindCoordinatorRequest {
            coordinator_keys: vec![self.group.clone()],
            ..FindCoordinatorRequest::default()
        };
        let answer = connection.ask(&request, 4).await?;
        let found = answer.coordinators.first().context("no coordinator")?;
        ensure!(found.error_code == 0, "error {}", found.error_code);
        Ok(Address::new(
            found.host.to_string(),
            u16::try_from(found.port)?,
        ))
    }

    async fn stay_classic(&mut self, connection: &mut Connection) -> Result<()> {
        let mut id = Str::default();
        loop {
            let joined = self.join(connection, &id).await?;
            id = joined.member_id.clone();
            match joined.error_code {
                0 => {}
                MEMBER_ID_REQUIRED => continue,
                code => bail!("join: error {code}"),
            }
            let code = self.sync(connection, &joined).await?;
            ensure!(
                [0, REBALANCE_IN_PROGRESS].contains(&code),
                "sync: error {code}"
            );
            if code == 0 {
                self.settle(true);
                self.beat(connection, &joined).await?;
                self.settle(false);
            }
        }
    }

    async fn join(&self, connection: &mut Connection, id: &Str) -> Result<JoinGroupResponse> {
        let subscription = ConsumerProtocolSubscription {
            topics: vec![self.topic()],
            ..ConsumerProtocolSubscription::default()
        };
        let request = JoinGroupRequest {
            group_id: self.group.clone(),
            session_timeout_ms: i32::try_from(SESSION.as_millis())?,
            rebalance_timeout_ms: i32::try_from(PATIENCE.as_millis())?,
            member_id: id.clone(),
            protocol_type: Str::from("consumer"),
            protocols: vec![JoinGroupRequestProtocol {
                name: Str::from("range"),
                metadata: versioned(&subscription)?,
            }],
            ..JoinGroupRequest::default()
        };
        connection.ask(&request, 9).await
    }

    /// The leader gives each member one partition.
    async fn sync(&self, connection: &mut Connection, joined: &JoinGroupResponse) -> Result<i16> {
        let mut assignments = Vec::new();
        for (member, partition) in joined.members.iter().zip(0..) {
            let assignment = ConsumerProtocolAssignment {
                assigned_partitions: vec![Assigned {
                    topic: self.topic(),
                    partitions: vec![partition],
                }],
                user_data: None,
            };
            assignments.push(SyncGroupRequestAssignment {
                member_id: member.member_id.clone(),
                assignment: versioned(&assignment)?,
            });
        }
        let request = SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            protocol_type: joined.protocol_type.clone(),
            protocol_name: joined.protocol_name.clone(),
            assignments,
            ..SyncGroupRequest::default()
        };
        Ok(connection.ask(&request, 5).await?.error_code)
    }

    /// Until the group rebalances.
    async fn beat(&self, connection: &mut Connection, joined: &JoinGroupResponse) -> Result<()> {
        let request = HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            group_instance_id: None,
        };
        loop {
            sleep(CLASSIC_HEARTBEAT).await;
            match connection.ask(&request, 4).await?.error_code {
                0 => drop(self.crowd.beats.fetch_add(1, Ordering::Relaxed)),
                REBALANCE_IN_PROGRESS => return Ok(()),
                code => bail!("heartbeat: error {code}"),
            }
        }
    }

    async fn stay_by_heartbeats(&mut self, connection: &mut Connection) -> Result<()> {
        let mut request = ConsumerGroupHeartbeatRequest {
            group_id: self.group.clone(),
            member_id: Str::from(Uuid::from_bytes(rand::random()).to_string()),
            rebalance_timeout_ms: i32::try_from(PATIENCE.as_millis())?,
            subscribed_topic_names: Some(vec![self.topic()]),
            topic_partitions: Some(Vec::new()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        loop {
            let answer = connection.ask(&request, 1).await?;
            ensure!(answer.error_code == 0, "error {}", answer.error_code);
            self.crowd.beats.fetch_add(1, Ordering::Relaxed);
            request.member_epoch = answer.member_epoch;
            // From now on only what changes is told.
            request.rebalance_timeout_ms = -1;
            request.subscribed_topic_names = None;
            request.topic_partitions = None;
            if let Some(assignment) = answer.assignment {
                let owned = assignment
                    .topic_partitions
                    .into_iter()
                    .map(|topic| TopicPartitions {
                        topic_id: topic.topic_id,
                        partitions: topic.partitions,
                    });
                let owned: Vec<TopicPartitions> = owned.collect();
                self.settle(
                    owned
                        .iter()
                        .any(|topic| topic.topic_id == self.crowd.topic_id),
                );
                request.topic_partitions = Some(owned);
                continue;
            }
            let interval = u64::try_from(answer.heartbeat_interval_ms)?;
            sleep(Duration::from_millis(interval)).await;
        }
    }

    fn topic(&self) -> Str {
        Str::from(self.crowd.topic.as_str())
    }
}

/// As members write to each other: the version in front.
fn versioned<M: Message>(message: &M) -> Result<Bytes> {
    let version: i16 = 3;
    let mut bytes = BytesMut::new();
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&frame::encode_body(message, version)?);
    Ok(bytes.freeze())
}

/// One question at a time.
struct Connection {
    stream: TcpStream,
    count: i32,
}

impl Connection {
    async fn open(address: &Address) -> Result<Self> {
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        let stream = timeout(PATIENCE, connecting).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, count: 0 })
    }

    async fn ask<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response> {
        self.count = self.count.wrapping_add(1);
        let header = RequestHeader {
            api_key: R::KEY,
            api_version: version,
            correlation_id: self.count,
            client_id: Some(Str::from("light")),
        };
        let bytes = frame::encode_request(&header, request)?.to_bytes();
        timeout(PATIENCE + PATIENCE, self.exchange::<R>(bytes, version)).await?
    }

    async fn exchange<R: Request>(&mut self, bytes: Bytes, version: i16) -> Result<R::Response> {
        self.stream.write_all(&bytes).await?;
        let size = usize::try_from(self.stream.read_i32().await?)?;
        ensure!(size <= FRAME_BYTES_MAX, "an answer of {size} bytes");
        let mut answer = vec![0; size];
        self.stream.read_exact(&mut answer).await?;
        let (count, body) = frame::decode_response::<R>(answer.into(), version)?;
        ensure!(count == self.count, "the answer to another question");
        Ok(body)
    }
}
