//! The follower's side of replication streams.

use std::collections::BTreeMap;
use std::time::Duration;

use replication::{OpenRefusal, SessionId};
use types::{LeaderEpoch, NodeId, Offset};

use super::Role;
use crate::draw::ms;
use crate::event::Timer;
use crate::log::Record;
use crate::message::{Key, ToFollower, ToLeader};
use crate::mutant::{self, Glue};
use crate::net::ConnId;
use crate::say;
use crate::world::World;

/// How long an opening waits for this broker to hear of its epoch.
const PARKED_MAX: Duration = ms(3000);

/// A stream from a leader.
#[derive(Debug, Default)]
pub struct FromLeaderStream {
    handles: BTreeMap<u32, Handle>,
    /// Openings in an epoch that this broker has not heard of.
    parked: Vec<(u32, Key, LeaderEpoch, Duration)>,
}

#[derive(Clone, Copy, Debug)]
struct Handle {
    key: Key,
    session: SessionId,
}

impl World {
    /// A leader speaks.
    pub fn on_leader_says(&mut self, id: NodeId, from: NodeId, conn: ConnId, says: ToFollower) {
        match says {
            ToFollower::Hello(epoch) => {
                if self.broker(id).epoch == Some(epoch) {
                    self.broker(id)
                        .from_leaders
                        .insert(conn, FromLeaderStream::default());
                    self.answer(conn, ToLeader::Welcome);
                } else {
                    self.answer(conn, ToLeader::NotMe);
                }
            }
            ToFollower::Open(handle, key, epoch) => {
                self.on_open(id, from, conn, (handle, key, epoch));
            }
            ToFollower::Truncate(handle, epoch, end) => {
                self.on_truncate(id, conn, handle, epoch, end);
            }
            ToFollower::StartAt(handle, offset) => self.on_start_at(id, conn, handle, offset),
            ToFollower::Follow(handle, offset, high_watermark, start) => {
                self.on_follow(id, conn, handle, offset);
                self.on_leader_watermark(id, conn, handle, high_watermark, start);
            }
            ToFollower::Append(handle, base, high_watermark, start, records) => {
                if self.on_records(id, conn, handle, base, &records) {
                    self.on_leader_watermark(id, conn, handle, high_watermark, start);
                }
            }
            ToFollower::HighWatermark(handle, high_watermark, start) => {
                self.on_leader_watermark(id, conn, handle, high_watermark, start);
            }
            ToFollower::Close(handle) => self.drop_handle(id, conn, handle),
        }
    }

    fn on_open(
        &mut self,
        id: NodeId,
        from: NodeId,
        conn: ConnId,
        (handle, key, epoch): (u32, Key, LeaderEpoch),
    ) {
        if !self.broker(id).from_leaders.contains_key(&conn) {
            return;
        }
        let session = SessionId(self.broker(id).number());
        let known = self.replica(id, key).map(|(replica, log)| {
            let refusal = match &mut replica.role {
                Role::Follower(follower) => follower.on_open(session, epoch).err(),
                Role::Leader(leader) if epoch > leader.leader_epoch() => {
                    Some(OpenRefusal::Behind {
                        current: leader.leader_epoch(),
                    })
                }
                Role::Leader(leader) => Some(OpenRefusal::Stale {
                    current: leader.leader_epoch(),
                }),
            };
            (refusal, log.position())
        });
        match known {
            Some((None, position)) => {
                say!(
                    self,
                    id,
                    "lets {from} open {} in epoch {epoch}",
                    self.name(key)
                );
                if let Some(stream) = self.broker(id).from_leaders.get_mut(&conn) {
                    stream.handles.insert(handle, Handle { key, session });
                }
                self.answer(conn, ToLeader::Position(handle, position));
            }
            Some((Some(OpenRefusal::Stale { .. }), _)) => {
                self.answer(conn, ToLeader::Refused(handle));
            }
            Some((Some(OpenRefusal::Behind { .. }), _)) | None => {
                let now = self.now;
                if let Some(stream) = self.broker(id).from_leaders.get_mut(&conn) {
                    stream.parked.push((handle, key, epoch, now));
                }
            }
        }
    }

    /// Openings that waited for metadata are looked at again.
    pub fn retry_parked(&mut self, id: NodeId) {
        let now = self.now;
        let mut parked = Vec::new();
        for (conn, stream) in &mut self.broker(id).from_leaders {
            parked.extend(stream.parked.drain(..).map(|open| (*conn, open)));
        }
        for (conn, (handle, key, epoch, since)) in parked {
            if now.saturating_sub(since) > PARKED_MAX {
                self.answer(conn, ToLeader::Refused(handle));
                continue;
            }
            let Some(from) = self.net.conn(conn).map(|conn| conn.ends[0].node) else {
                continue;
            };
            self.on_open(id, from, conn, (handle, key, epoch));
            if let Some(stream) = self.broker(id).from_leaders.get_mut(&conn)
                && let Some(open) = stream.parked.iter_mut().find(|open| open.0 == handle)
            {
                open.3 = since;
            }
        }
    }

    fn in_handle(&mut self, id: NodeId, conn: ConnId, handle: u32) -> Option<Handle> {
        self.broker(id)
            .from_leaders
            .get(&conn)?
            .handles
            .get(&handle)
            .copied()
    }

    fn drop_handle(&mut self, id: NodeId, conn: ConnId, number: u32) {
        let Some(handle) = self.in_handle(id, conn, number) else {
            if let Some(stream) = self.broker(id).from_leaders.get_mut(&conn) {
                stream.parked.retain(|open| open.0 != number);
            }
            return;
        };
        if let Some(stream) = self.broker(id).from_leaders.get_mut(&conn) {
            stream.handles.remove(&number);
        }
        if let Some((replica, _)) = self.replica(id, handle.key)
            && let Role::Follower(follower) = &mut replica.role
        {
            follower.on_close(handle.session);
        }
    }

    fn refuse_handle(
        &mut self,
        id: NodeId,
        conn: ConnId,
        number: u32,
        why: &dyn std::fmt::Display,
    ) {
        say!(self, id, "refuses handle {number} on stream {conn}: {why}");
        self.drop_handle(id, conn, number);
        self.answer(conn, ToLeader::Refused(number));
    }

    fn on_truncate(
        &mut self,
        id: NodeId,
        conn: ConnId,
        number: u32,
        epoch: LeaderEpoch,
        end: Offset,
    ) {
        let Some(handle) = self.in_handle(id, conn, number) else {
            return;
        };
        let Some((replica, log)) = self.replica(id, handle.key) else {
            return self.refuse_handle(id, conn, number, &"no replica");
        };
        let Role::Follower(follower) = &mut replica.role else {
            return self.refuse_handle(id, conn, number, &"no follower");
        };
        match follower.on_truncate(handle.session, epoch, end, &log.position(), log) {
            Ok(truncation) => {
                let below = truncation.is_below_high_watermark;
                log.truncate(truncation.offset);
                replica.high_watermark = follower.high_watermark();
                let position = log.position();
                say!(
                    self,
                    id,
                    "cuts {} to {}",
                    self.name(handle.key),
                    truncation.offset
                );
                self.check_cut(id, handle.key, below);
                self.answer(conn, ToLeader::Position(number, position));
            }
            Err(refusal) => self.refuse_handle(id, conn, number, &refusal),
        }
    }

    fn on_start_at(&mut self, id: NodeId, conn: ConnId, number: u32, offset: Offset) {
        let Some(handle) = self.in_handle(id, conn, number) else {
            return;
        };
        let Some((replica, log)) = self.replica(id, handle.key) else {
            return self.refuse_handle(id, conn, number, &"no replica");
        };
        let Role::Follower(follower) = &mut replica.role else {
            return self.refuse_handle(id, conn, number, &"no follower");
        };
        match follower.on_start_at(handle.session, offset) {
            Ok(_) => {
                log.restart_at(offset);
                replica.high_watermark = follower.high_watermark();
                let position = log.position();
                say!(
                    self,
                    id,
                    "begins {} anew at {offset}",
                    self.name(handle.key)
                );
                self.answer(conn, ToLeader::Position(number, position));
            }
            Err(refusal) => self.refuse_handle(id, conn, number, &refusal),
        }
    }

    fn on_follow(&mut self, id: NodeId, conn: ConnId, number: u32, offset: Offset) {
        let Some(handle) = self.in_handle(id, conn, number) else {
            return;
        };
        let Some((replica, log)) = self.replica(id, handle.key) else {
            return self.refuse_handle(id, conn, number, &"no replica");
        };
        let end = log.end();
        let outcome = match &mut replica.role {
            Role::Follower(follower) => follower.on_follow(handle.session, offset, end),
            Role::Leader(_) => Err(replication::Refusal::OtherSession),
        };
        if let Err(refusal) = outcome {
            return self.refuse_handle(id, conn, number, &refusal);
        }
        // Elsewhere the position has said as much.
        if self.plan.is_durable {
            self.acknowledge(id, handle.key);
        }
    }

    /// Writes records and acknowledges them, or will once they are synced. Returns whether it wrote them.
    fn on_records(
        &mut self,
        id: NodeId,
        conn: ConnId,
        number: u32,
        base: Offset,
        records: &[Record],
    ) -> bool {
        let Some(handle) = self.in_handle(id, conn, number) else {
            return false;
        };
        let Some((replica, log)) = self.replica(id, handle.key) else {
            self.refuse_handle(id, conn, number, &"no replica");
            return false;
        };
        let outcome = match &replica.role {
            Role::Follower(follower) => follower.on_append(handle.session, base, log.end()),
            Role::Leader(_) => Err(replication::Refusal::OtherSession),
        };
        if let Err(refusal) = outcome {
            self.refuse_handle(id, conn, number, &refusal);
            return false;
        }
        for record in records {
            log.append(*record);
        }
        if mutant::is(Glue::AckBeforeWrite) {
            self.set_timer(id, ms(30), Timer::Write);
        }
        self.acknowledge(id, handle.key);
        true
    }

    fn on_leader_watermark(
        &mut self,
        id: NodeId,
        conn: ConnId,
        number: u32,
        high_watermark: Offset,
        log_start: Offset,
    ) {
        let Some(handle) = self.in_handle(id, conn, number) else {
            return;
        };
        let Some((replica, log)) = self.replica(id, handle.key) else {
            return;
        };
        let Role::Follower(follower) = &mut replica.role else {
            return;
        };
        match follower.on_high_watermark(handle.session, high_watermark, log.end()) {
            Ok(Some(high_watermark)) => replica.high_watermark = high_watermark,
            Ok(None) => {}
            Err(refusal) => return self.refuse_handle(id, conn, number, &refusal),
        }
        let start = log_start.min(replica.high_watermark);
        if start > log.start() {
            log.raise_start(start);
        }
    }

    /// Acknowledges what may be; in a durable topic the rest waits for a sync.
    pub fn acknowledge(&mut self, id: NodeId, key: Key) {
        self.ask_sync(id, key);
        let is_durable = self.plan.is_durable;
        let Some((replica, log)) = self.replica(id, key) else {
            return;
        };
        let Role::Follower(follower) = &mut replica.role else {
            return;
        };
        let durable = is_durable.then(|| log.durable_end());
        let Some((session, offset)) = follower.acknowledge(log.end(), durable) else {
            return;
        };
        let streams = self.broker(id).from_leaders.iter();
        let way = streams.flat_map(|(conn, stream)| {
            let handles = stream.handles.iter();
            handles.map(move |(number, handle)| (*conn, *number, handle.session))
        });
        let way = way.into_iter().find(|(_, _, opened)| *opened == session);
        if let Some((conn, number, _)) = way {
            self.answer(conn, ToLeader::Ack(number, offset));
        }
    }

    /// A mutant's buffers are written at last.
    pub fn on_write(&mut self, id: NodeId) {
        if let Some(machine) = self.machines.get_mut(&id) {
            for log in machine.logs.values_mut() {
                log.write();
            }
        }
    }

    /// The stream from a leader broke.
    pub fn on_leader_gone(&mut self, id: NodeId, conn: ConnId) {
        let Some(stream) = self.broker(id).from_leaders.remove(&conn) else {
            return;
        };
        for handle in stream.handles.values() {
            if let Some((replica, _)) = self.replica(id, handle.key)
                && let Role::Follower(follower) = &mut replica.role
            {
                follower.on_close(handle.session);
            }
        }
    }
}
