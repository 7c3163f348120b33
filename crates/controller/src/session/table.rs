//! The sessions of all brokers, as a pure table: events and `now` in, who is to be fenced out.
//!
//! ```text
//!            heartbeat                      no heartbeat for a session timeout
//!   open ◀──────────────▶ open ────────────────────────────────────────────────▶ expired
//!     │ stream breaks       ▲ heartbeat                                            ▲
//!     ▼                     │                  its port refuses connections        │
//!   broken ─────────────────┴──────────────────────────────────────────────────────┘
//!   unknown (a new controller has not heard of it yet): as broken
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use types::{BrokerEpoch, NodeId, Offset, TimestampMs};

/// A broker whose process seems to have died is fenced at once. If the very same process shows up
/// again, the evidence was wrong: something on the way refuses connections. Then the session timeout
/// alone decides for this long, so that its partitions do not change leaders again and again.
const HOLD_DOWN: Duration = Duration::from_secs(10);

/// All sessions. Owned by the one task that decides.
#[derive(Debug)]
pub struct SessionTable {
    timeout: Duration,
    sessions: BTreeMap<NodeId, Session>,
    /// The registration and the time of each broker's last fast fence.
    fast_fences: BTreeMap<NodeId, (BrokerEpoch, Duration)>,
}

#[derive(Debug)]
struct Session {
    epoch: BrokerEpoch,
    /// Monotonic time from which silence counts.
    silent_since: Duration,
    stream: Stream,
    last_contact: LastContact,
    /// Metadata offset by which its leaderships had moved elsewhere, once it wants to stop.
    leaving_since: Option<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    /// Not heard of yet by this controller.
    Unknown,
    Open,
    Broken,
}

/// What a broker said last, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastContact {
    /// Last metadata offset (inclusive) that it has applied, -1 if unknown.
    pub metadata_offset: Offset,
    /// Wall-clock time, -1 if it was not heard of yet.
    pub wall_ms: TimestampMs,
}

impl LastContact {
    const NONE: Self = Self {
        metadata_offset: -1,
        wall_ms: -1,
    };
}

impl SessionTable {
    /// No sessions yet; each will last this long without a heartbeat.
    #[must_use]
    pub const fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            sessions: BTreeMap::new(),
            fast_fences: BTreeMap::new(),
        }
    }

    /// Forgets everything and gives each of these registrations a full session.
    pub fn begin(
        &mut self,
        brokers: impl IntoIterator<Item = (NodeId, BrokerEpoch)>,
        now: Duration,
    ) {
        self.sessions.clear();
        self.fast_fences.clear();
        for (broker, epoch) in brokers {
            self.on_registered(broker, epoch, now);
        }
    }

    /// A registration is committed. The same one again keeps its session.
    pub fn on_registered(&mut self, broker: NodeId, epoch: BrokerEpoch, now: Duration) {
        if self.sessions.get(&broker).is_some_and(|s| s.epoch == epoch) {
            return;
        }
        let session = Session {
            epoch,
            silent_since: now,
            stream: Stream::Unknown,
            last_contact: LastContact::NONE,
            leaving_since: None,
        };
        self.sessions.insert(broker, session);
    }

    /// A heartbeat of a registered broker came in.
    pub fn on_heartbeat(
        &mut self,
        broker: NodeId,
        epoch: BrokerEpoch,
        now: Duration,
        contact: LastContact,
    ) {
        let session = Session {
            epoch,
            silent_since: now,
            stream: Stream::Open,
            last_contact: contact,
            leaving_since: self.of(broker, epoch).and_then(|s| s.leaving_since),
        };
        self.sessions.insert(broker, session);
    }

    /// The broker's heartbeat has been answered. It sends no other one before, so however long the answer
    /// took, it was not the broker that was silent.
    pub fn on_answered(&mut self, broker: NodeId, epoch: BrokerEpoch, now: Duration) {
        if let Some(session) = self.of(broker, epoch) {
            session.silent_since = session.silent_since.max(now);
        }
    }

    /// The stream of heartbeats ended. Says whether to look if the process is still there.
    pub fn on_broken(&mut self, broker: NodeId, epoch: BrokerEpoch) -> bool {
        let Some(session) = self.of(broker, epoch) else {
            return false;
        };
        // Somebody is looking already if it was not whole before.
        std::mem::replace(&mut session.stream, Stream::Broken) == Stream::Open
    }

    /// Nobody listens where the broker did. Says whether it is to be fenced at once.
    pub fn on_refused(&mut self, broker: NodeId, epoch: BrokerEpoch, now: Duration) -> bool {
        let held_down = self
            .fast_fences
            .get(&broker)
            .is_some_and(|(of, last)| *of == epoch && now.saturating_sub(*last) < HOLD_DOWN);
        let is_suspect = self
            .of(broker, epoch)
            .is_some_and(|session| session.stream != Stream::Open);
        if !is_suspect || held_down {
            return false;
        }
        self.sessions.remove(&broker);
        self.fast_fences.insert(broker, (epoch, now));
        true
    }

    /// A broker wants to stop, and what it led is led by others from `offset` on. Says whether all of
    /// `others` have got so far: clients that ask them are sent to the new leaders.
    pub fn have_seen_leave(
        &mut self,
        broker: NodeId,
        epoch: BrokerEpoch,
        offset: Offset,
        others: impl IntoIterator<Item = NodeId>,
    ) -> bool {
        let Some(session) = self.of(broker, epoch) else {
            return false;
        };
        let since = *session.leaving_since.get_or_insert(offset);
        let has_seen = |other: NodeId| {
            let session = self.sessions.get(&other);
            session.is_some_and(|s| s.last_contact.metadata_offset >= since)
        };
        others.into_iter().all(has_seen)
    }

    /// Takes out the brokers that were silent for longer than their session.
    pub fn expire(&mut self, now: Duration) -> Vec<(NodeId, BrokerEpoch)> {
        let timeout = self.timeout;
        let is_over = |session: &Session| now.saturating_sub(session.silent_since) >= timeout;
        let expired = self.sessions.extract_if(.., |_broker, s| is_over(s));
        expired.map(|(broker, s)| (broker, s.epoch)).collect()
    }

    /// Monotonic time at which the next session ends, if nothing is heard.
    pub fn next_end(&self) -> Option<Duration> {
        let ends = self.sessions.values();
        ends.map(|s| s.silent_since.saturating_add(self.timeout))
            .min()
    }

    /// This process itself was away for so long: heartbeats may be waiting to be read, so that time
    /// counts as nobody's silence.
    pub fn excuse(&mut self, away: Duration, now: Duration) {
        for session in self.sessions.values_mut() {
            session.silent_since = session.silent_since.saturating_add(away).min(now);
        }
    }

    /// Whether the process that is registered now is known to live: another one must wait. A session
    /// that was only granted, or whose stream is broken, stands in nobody's way, so that a broker
    /// that was killed can come back at once.
    pub fn is_alive(&self, broker: NodeId, now: Duration) -> bool {
        self.sessions.get(&broker).is_some_and(|session| {
            session.stream == Stream::Open
                && now.saturating_sub(session.silent_since) < self.timeout
        })
    }

    /// All brokers that were heard of, in the order of their ids.
    pub fn contacts(&self) -> impl Iterator<Item = (NodeId, LastContact)> {
        let heard = self
            .sessions
            .iter()
            .filter(|(_, s)| s.last_contact != LastContact::NONE);
        heard.map(|(broker, s)| (*broker, s.last_contact))
    }

    fn of(&mut self, broker: NodeId, epoch: BrokerEpoch) -> Option<&mut Session> {
        self.sessions.get_mut(&broker).filter(|s| s.epoch == epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(9);
    const B: NodeId = NodeId(1);
    const E: BrokerEpoch = BrokerEpoch(7);

    fn contact() -> LastContact {
        LastContact {
            metadata_offset: 5,
            wall_ms: 1000,
        }
    }

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn table() -> SessionTable {
        SessionTable::new(TIMEOUT)
    }

    #[test]
    fn a_silent_broker_expires_once_its_session_is_over_and_only_then() {
        let mut table = table();
        table.on_heartbeat(B, E, secs(1), contact());
        assert_eq!(table.next_end(), Some(secs(10)));
        assert_eq!(table.expire(secs(9)), []);
        table.on_heartbeat(B, E, secs(9), contact());
        assert_eq!(table.expire(secs(17)), []);
        assert_eq!(table.expire(secs(18)), [(B, E)]);
        assert_eq!(table.expire(secs(99)), []);
        assert_eq!(table.next_end(), None);
    }

    #[test]
    fn a_broker_that_waits_for_its_answer_is_not_silent() {
        let mut table = table();
        table.on_heartbeat(B, E, secs(1), contact());
        table.on_answered(B, BrokerEpoch(6), secs(20));
        table.on_answered(NodeId(2), E, secs(20));
        table.on_answered(B, E, secs(20));
        assert_eq!(table.expire(secs(28)), []);
        assert_eq!(table.expire(secs(29)), [(B, E)]);
        table.on_answered(B, E, secs(30));
        assert_eq!(table.next_end(), None, "it is over");
    }

    #[test]
    fn a_new_controller_gives_everybody_a_full_session() {
        let mut table = table();
        table.on_heartbeat(B, E, secs(1), contact());
        table.begin([(B, E), (NodeId(2), BrokerEpoch(8))], secs(100));
        assert_eq!(table.expire(secs(108)), []);
        assert_eq!(table.expire(secs(109)).len(), 2);
    }

    #[test]
    fn a_dead_process_is_fenced_at_once_but_not_again_within_the_hold_down() {
        let mut table = table();
        table.on_heartbeat(B, E, secs(1), contact());
        assert!(!table.on_refused(B, E, secs(2)), "the stream is whole");
        assert!(table.on_broken(B, E));
        assert!(table.on_refused(B, E, secs(2)));
        assert!(!table.on_refused(B, E, secs(2)), "fenced already");

        // The evidence was wrong: the same process is there again.
        table.on_heartbeat(B, E, secs(3), contact());
        assert!(table.on_broken(B, E));
        assert!(!table.on_broken(B, E), "somebody looks already");
        assert!(!table.on_refused(B, E, secs(11)), "held down");
        assert!(table.on_refused(B, E, secs(12)));

        // Another process that dies as well is another matter.
        let again = BrokerEpoch(9);
        table.on_heartbeat(B, again, secs(13), contact());
        assert!(table.on_broken(B, again));
        assert!(table.on_refused(B, again, secs(13)));
    }

    #[test]
    fn a_new_controller_takes_a_refusal_for_evidence_unless_it_has_heard_of_the_broker() {
        let mut table = table();
        table.begin([(B, E), (NodeId(2), BrokerEpoch(8))], secs(100));
        table.on_heartbeat(NodeId(2), BrokerEpoch(8), secs(100), contact());
        assert!(table.on_refused(B, E, secs(100)));
        assert!(!table.on_refused(NodeId(2), BrokerEpoch(8), secs(100)));
    }

    #[test]
    fn a_broker_may_stop_once_all_others_know_who_leads_instead() {
        let mut table = table();
        let others = [NodeId(2), NodeId(3)];
        let at = |metadata_offset| LastContact {
            metadata_offset,
            wall_ms: 1,
        };
        table.on_heartbeat(B, E, secs(1), at(9));
        assert!(!table.have_seen_leave(B, E, 10, others), "not heard of");
        table.on_heartbeat(NodeId(2), BrokerEpoch(8), secs(1), at(10));
        table.on_heartbeat(NodeId(3), BrokerEpoch(9), secs(1), at(9));
        assert!(!table.have_seen_leave(B, E, 12, others));
        table.on_heartbeat(NodeId(3), BrokerEpoch(9), secs(2), at(10));
        table.on_heartbeat(B, E, secs(2), at(10));
        assert!(table.have_seen_leave(B, E, 13, others), "since 10");
        assert!(!table.have_seen_leave(B, BrokerEpoch(1), 10, others));
    }

    #[test]
    fn news_of_a_former_registration_counts_for_nothing() {
        let mut table = table();
        table.on_heartbeat(B, E, secs(1), contact());
        assert!(!table.on_broken(B, BrokerEpoch(6)));
        assert!(!table.on_refused(B, BrokerEpoch(6), secs(2)));
        assert!(table.is_alive(B, secs(2)));
    }

    #[test]
    fn only_a_process_that_was_heard_and_is_connected_keeps_another_one_out() {
        let mut table = table();
        table.begin([(B, E)], secs(0));
        assert!(!table.is_alive(B, secs(1)), "granted, not heard");
        table.on_heartbeat(B, E, secs(1), contact());
        assert!(table.is_alive(B, secs(2)));
        table.on_registered(B, E, secs(3));
        assert!(table.is_alive(B, secs(3)), "registered again");
        table.on_broken(B, E);
        assert!(!table.is_alive(B, secs(3)), "stream broken");
        table.on_heartbeat(B, E, secs(4), contact());
        assert!(!table.is_alive(B, secs(13)), "silent");
    }

    #[test]
    fn a_controller_that_was_away_itself_blames_nobody() {
        let mut table = table();
        table.on_heartbeat(B, E, secs(1), contact());
        table.on_heartbeat(NodeId(2), BrokerEpoch(8), secs(50), contact());
        table.excuse(secs(40), secs(50));
        assert_eq!(table.expire(secs(49)), []);
        assert_eq!(table.expire(secs(50)), [(B, E)]);
        assert_eq!(
            table.expire(secs(58)),
            [],
            "nobody's session begins in the future"
        );
        assert_eq!(table.expire(secs(59)), [(NodeId(2), BrokerEpoch(8))]);
    }
}
