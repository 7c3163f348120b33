//! The leader's side of replication streams.
//!
//! Two lanes to each follower, each a stream of its own; a partition moves between them now and then, as
//! it does when it has caught up. Handles and sessions are never used twice.

use std::collections::{BTreeMap, BTreeSet};

use replication::{AckError, Position, Reconcile, Session, SessionId};
use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset};

use super::Role;
use crate::draw::ms;
use crate::event::Timer;
use crate::message::{Key, ToFollower, ToLeader};
use crate::net::ConnId;
use crate::say;
use crate::world::World;

/// Records that may be on their way on one handle.
const WINDOW: Offset = 24;
/// Records of one message.
const RECORDS_MAX: usize = 6;

/// A stream to a follower.
#[derive(Debug)]
pub struct ToFollowerStream {
    follower: NodeId,
    lane: u8,
    broker_epoch: BrokerEpoch,
    is_welcome: bool,
    handles: BTreeMap<u32, Handle>,
}

#[derive(Clone, Copy, Debug)]
struct Handle {
    key: Key,
    session: SessionId,
    leader_epoch: LeaderEpoch,
    /// Where the next records begin, once the logs are reconciled.
    next: Option<Offset>,
    acked: Offset,
}

impl World {
    /// Makes the streams what the partitions led here need.
    pub fn connect(&mut self, id: NodeId) {
        self.close_needless(id);
        let needed = self.needed_lanes(id);
        for (follower, lane) in needed {
            let Some(epoch) = self.broker(id).image.broker(follower).map(|b| b.epoch) else {
                continue;
            };
            let streams = self.broker(id).to_followers.values();
            let mut streams = streams.filter(|s| s.follower == follower && s.lane == lane);
            if streams.next().is_some() {
                continue;
            }
            if let Some(conn) = self.dial(id, follower) {
                let stream = ToFollowerStream {
                    follower,
                    lane,
                    broker_epoch: epoch,
                    is_welcome: false,
                    handles: BTreeMap::new(),
                };
                self.broker(id).to_followers.insert(conn, stream);
                self.tell(conn, ToFollower::Hello(epoch));
            }
        }
        let conns: Vec<ConnId> = self.broker(id).to_followers.keys().copied().collect();
        for conn in conns {
            self.open_handles(id, conn);
        }
    }

    fn needed_lanes(&mut self, id: NodeId) -> BTreeSet<(NodeId, u8)> {
        let mut needed = BTreeSet::new();
        for replica in self.broker(id).replicas.values() {
            if let Role::Leader(leader) = &replica.role {
                for (follower, _) in leader.followers() {
                    needed.insert((follower, replica.lanes.get(&follower).copied().unwrap_or(0)));
                }
            }
        }
        needed
    }

    /// Streams to registrations that are over end, and handles of partitions that are led no more.
    fn close_needless(&mut self, id: NodeId) {
        let broker = self.broker(id);
        let is_over = |stream: &ToFollowerStream| {
            let known = broker.image.broker(stream.follower);
            known.is_none_or(|known| known.epoch != stream.broker_epoch)
        };
        let over = broker
            .to_followers
            .iter()
            .filter(|(_, stream)| is_over(stream));
        let over: Vec<ConnId> = over.map(|(conn, _)| *conn).collect();
        for conn in over {
            self.close_conn(conn, id);
            self.forget_stream(id, conn);
        }
        let broker = self.broker(id);
        let mut closed = Vec::new();
        for (conn, stream) in &mut broker.to_followers {
            let replicas = &broker.replicas;
            let gone = stream.handles.extract_if(.., |_, handle| {
                let replica = replicas.get(&handle.key);
                let is_led = replica.is_some_and(|replica| {
                    let lane = replica.lanes.get(&stream.follower).copied().unwrap_or(0);
                    matches!(&replica.role, Role::Leader(leader)
                        if leader.leader_epoch() == handle.leader_epoch
                            && leader.follower(stream.follower).is_some())
                        && lane == stream.lane
                });
                !is_led
            });
            closed.extend(gone.map(|(handle, state)| (*conn, stream.follower, handle, state)));
        }
        for (conn, follower, handle, state) in closed {
            self.tell(conn, ToFollower::Close(handle));
            self.disconnect(id, follower, state.key, state.session);
        }
    }

    fn disconnect(&mut self, id: NodeId, follower: NodeId, key: Key, session: SessionId) {
        self.wake_leader(id, key);
        if let Some((replica, _)) = self.replica(id, key)
            && let Role::Leader(leader) = &mut replica.role
        {
            leader.on_disconnect(follower, session);
        }
    }

    fn open_handles(&mut self, id: NodeId, conn: ConnId) {
        let broker = self.broker(id);
        let Some(stream) = broker
            .to_followers
            .get(&conn)
            .filter(|stream| stream.is_welcome)
        else {
            return;
        };
        let (follower, broker_epoch) = (stream.follower, stream.broker_epoch);
        let open: BTreeSet<Key> = stream.handles.values().map(|handle| handle.key).collect();
        let mut missing = Vec::new();
        for (key, replica) in &broker.replicas {
            let lane = replica.lanes.get(&follower).copied().unwrap_or(0);
            if let Role::Leader(leader) = &replica.role
                && leader.follower(follower).is_some()
                && lane == stream.lane
                && !open.contains(key)
            {
                missing.push((*key, leader.leader_epoch()));
            }
        }
        for (key, leader_epoch) in missing {
            let session = SessionId(self.broker(id).number());
            let number = self.broker(id).number();
            let handle = u32::try_from(number).unwrap_or(u32::MAX);
            self.wake_leader(id, key);
            let Some((replica, _)) = self.replica(id, key) else {
                continue;
            };
            let Role::Leader(leader) = &mut replica.role else {
                continue;
            };
            if leader
                .on_open(
                    follower,
                    Session {
                        id: session,
                        broker_epoch,
                    },
                )
                .is_err()
            {
                continue;
            }
            let state = Handle {
                key,
                session,
                leader_epoch,
                next: None,
                acked: 0,
            };
            if let Some(stream) = self.broker(id).to_followers.get_mut(&conn) {
                stream.handles.insert(handle, state);
            }
            self.tell(conn, ToFollower::Open(handle, key, leader_epoch));
        }
    }

    /// A follower speaks.
    pub fn on_follower_says(&mut self, id: NodeId, _from: NodeId, conn: ConnId, says: ToLeader) {
        match says {
            ToLeader::Welcome => {
                if let Some(stream) = self.broker(id).to_followers.get_mut(&conn) {
                    stream.is_welcome = true;
                    self.open_handles(id, conn);
                }
            }
            ToLeader::NotMe => {
                self.close_conn(conn, id);
                self.forget_stream(id, conn);
                self.set_timer(id, ms(60), Timer::Connect);
            }
            ToLeader::Position(handle, position) => self.on_position(id, conn, handle, position),
            ToLeader::Ack(handle, end) => self.on_ack(id, conn, handle, end),
            ToLeader::Refused(handle) => self.on_refused(id, conn, handle),
        }
    }

    fn handle(&mut self, id: NodeId, conn: ConnId, handle: u32) -> Option<(NodeId, Handle)> {
        let stream = self.broker(id).to_followers.get(&conn)?;
        Some((stream.follower, *stream.handles.get(&handle)?))
    }

    fn on_position(&mut self, id: NodeId, conn: ConnId, number: u32, position: Position) {
        let Some((follower, handle)) = self.handle(id, conn, number) else {
            return;
        };
        self.wake_leader(id, handle.key);
        let Some((replica, log)) = self.replica(id, handle.key) else {
            return;
        };
        let Role::Leader(leader) = &mut replica.role else {
            return;
        };
        let start = log.start();
        let outcome = leader.on_position(follower, handle.session, &position, start, log);
        let high_watermark = leader.high_watermark();
        let name = self.name(handle.key);
        say!(
            self,
            id,
            "hears from {follower} of {name}: {position:?} → {outcome:?}"
        );
        match outcome {
            Ok((Reconcile::Follow { offset }, moved)) => {
                self.set_handle(id, conn, number, |handle| {
                    handle.next = Some(offset);
                    handle.acked = offset;
                });
                self.tell(
                    conn,
                    ToFollower::Follow(number, offset, high_watermark, start),
                );
                self.on_moved(id, handle.key, moved);
                self.pump(id, conn, number);
            }
            Ok((
                Reconcile::Truncate {
                    leader_epoch,
                    end_offset,
                },
                moved,
            )) => {
                self.tell(conn, ToFollower::Truncate(number, leader_epoch, end_offset));
                self.on_moved(id, handle.key, moved);
            }
            Ok((Reconcile::StartAt { offset }, moved)) => {
                self.tell(conn, ToFollower::StartAt(number, offset));
                self.on_moved(id, handle.key, moved);
            }
            Err(error) => self.close_handle(id, conn, number, error),
        }
    }

    fn set_handle(&mut self, id: NodeId, conn: ConnId, handle: u32, set: impl Fn(&mut Handle)) {
        let stream = self.broker(id).to_followers.get_mut(&conn);
        if let Some(handle) = stream.and_then(|stream| stream.handles.get_mut(&handle)) {
            set(handle);
        }
    }

    fn close_handle(&mut self, id: NodeId, conn: ConnId, number: u32, error: AckError) {
        say!(self, id, "closes handle {number} on stream {conn}: {error}");
        self.tell(conn, ToFollower::Close(number));
        self.on_refused(id, conn, number);
    }

    fn on_ack(&mut self, id: NodeId, conn: ConnId, number: u32, end: Offset) {
        let Some((follower, handle)) = self.handle(id, conn, number) else {
            return;
        };
        self.wake_leader(id, handle.key);
        let Some((replica, _)) = self.replica(id, handle.key) else {
            return;
        };
        let Role::Leader(leader) = &mut replica.role else {
            return;
        };
        match leader.on_ack(follower, handle.session, end) {
            Ok(moved) => {
                let has_candidate = leader.has_candidate();
                self.set_handle(id, conn, number, |handle| {
                    handle.acked = handle.acked.max(end);
                });
                self.on_moved(id, handle.key, moved);
                self.pump(id, conn, number);
                if has_candidate {
                    self.look_at_isrs(id);
                }
            }
            Err(error) => self.close_handle(id, conn, number, error),
        }
    }

    fn on_refused(&mut self, id: NodeId, conn: ConnId, number: u32) {
        let Some((follower, handle)) = self.handle(id, conn, number) else {
            return;
        };
        if let Some(stream) = self.broker(id).to_followers.get_mut(&conn) {
            stream.handles.remove(&number);
        }
        self.disconnect(id, follower, handle.key, handle.session);
        self.set_timer(id, ms(40), Timer::Connect);
    }

    /// Sends records as far as the window allows.
    fn pump(&mut self, id: NodeId, conn: ConnId, number: u32) {
        while let Some((_, handle)) = self.handle(id, conn, number) {
            let Some(next) = handle.next else {
                return;
            };
            let Some((replica, log)) = self.replica(id, handle.key) else {
                return;
            };
            let high_watermark = replica.high_watermark;
            let start = log.start();
            if next < start {
                // What it still needs was deleted: the partition is opened anew.
                self.tell(conn, ToFollower::Close(number));
                return self.on_refused(id, conn, number);
            }
            let end = match &replica.role {
                Role::Leader(leader) => leader.log_end_offset(),
                Role::Follower(_) => return,
            };
            if next >= end || next - handle.acked >= WINDOW {
                return;
            }
            let count = usize::try_from(end - next).unwrap_or(0).min(RECORDS_MAX);
            let records = log.read(next, count);
            let sent = next + i64::try_from(records.len()).unwrap_or(0);
            self.set_handle(id, conn, number, |handle| handle.next = Some(sent));
            self.tell(
                conn,
                ToFollower::Append(number, next, high_watermark, start, records),
            );
        }
    }

    /// The partition has more to send: records, or where it is committed.
    pub fn wake_streams(&mut self, id: NodeId, key: Key) {
        let mut handles = Vec::new();
        for (conn, stream) in &self.broker(id).to_followers {
            for (number, handle) in &stream.handles {
                if handle.key == key && handle.next.is_some() {
                    handles.push((*conn, *number));
                }
            }
        }
        for (conn, number) in handles {
            self.pump(id, conn, number);
            let Some((replica, log)) = self.replica(id, key) else {
                continue;
            };
            let (high_watermark, start) = (replica.high_watermark, log.start());
            self.tell(
                conn,
                ToFollower::HighWatermark(number, high_watermark, start),
            );
        }
    }

    /// A stream broke, at this end or that.
    pub fn on_stream_broken(&mut self, id: NodeId, conn: ConnId) {
        if self.broker(id).to_followers.contains_key(&conn) {
            self.forget_stream(id, conn);
            self.set_timer(id, ms(20), Timer::Connect);
        } else {
            self.on_leader_gone(id, conn);
        }
    }

    fn forget_stream(&mut self, id: NodeId, conn: ConnId) {
        if let Some(stream) = self.broker(id).to_followers.remove(&conn) {
            for handle in stream.handles.values() {
                self.disconnect(id, stream.follower, handle.key, handle.session);
            }
        }
    }

    /// A partition moves to the other lane to one follower.
    pub fn switch_lane(&mut self, id: NodeId, key: Key, follower: NodeId) {
        if let Some((replica, _)) = self.replica(id, key) {
            let lane = replica.lanes.entry(follower).or_insert(0);
            *lane = 1 - *lane;
            self.connect(id);
        }
    }
}
