//! Brokers that have just gone, for clients that ask in that very moment.
//!
//! ```text
//!  its stream breaks ─► suspected: questions who leads wait for the controller's word, briefly
//!  it is fenced      ─► lingers:   still listed with its address, briefly
//! ```
//!
//! A client whose connection breaks asks at once who leads now, and often before the controller has
//! decided; told the old leader, it asks again a second later (librdkafka). And a broker that leaves the
//! list in the same answer that names the new leader makes librdkafka drop what it had queued for that
//! broker, to find its way a second later. Both waits cost nothing and keep a failover short.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metadata::MetadataImage;
use net::server::ConnectionContext;
use parking_lot::Mutex;
use tokio::time::timeout;
use types::NodeId;

use crate::state::Core;

/// How long a question may wait for the controller's word.
const SUSPECTED_FOR: Duration = Duration::from_millis(300);
/// How long an answer that names other brokers as leaders is held back. A client often asks because it
/// has just lost one of them, and its question is faster than the news of that.
const NEWS_DELAY: Duration = Duration::from_millis(10);
/// How long a fenced broker is still listed.
const LINGERS_FOR: Duration = Duration::from_secs(3);

/// Who has just gone. Shared by all connections; innermost lock. Times are the clock's monotonic ones.
#[derive(Debug, Default)]
pub(crate) struct Absences {
    inner: Mutex<Inner>,
    /// Follows the number of suspects, for those who only ask whether there is one.
    suspect_count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    /// Until when.
    suspects: BTreeMap<NodeId, Duration>,
    /// Until when.
    lingering: BTreeMap<NodeId, Duration>,
    in_service: Vec<NodeId>,
}

impl Absences {
    /// The broker's connection broke off.
    pub(crate) fn on_broken(&self, broker: NodeId, now: Duration) {
        let mut inner = self.inner.lock();
        if inner.in_service.contains(&broker) {
            inner.suspects.insert(broker, now + SUSPECTED_FOR);
        }
        self.count(&inner);
    }

    /// The controller has decided something about brokers.
    pub(crate) fn on_image(&self, image: &MetadataImage, now: Duration) {
        let brokers = image.brokers().filter(|broker| !broker.fenced);
        let in_service: Vec<NodeId> = brokers.map(|broker| broker.id).collect();
        let mut inner = self.inner.lock();
        if inner.in_service == in_service {
            return;
        }
        let before = std::mem::replace(&mut inner.in_service, in_service);
        for broker in before {
            if !inner.in_service.contains(&broker) {
                inner.suspects.remove(&broker);
                inner.lingering.insert(broker, now + LINGERS_FOR);
            }
        }
        inner.lingering.retain(|_, until| *until > now);
        self.count(&inner);
    }

    /// Until when the broker's fate is worth waiting for; `None` if nothing is wrong with it.
    pub(crate) fn suspected_until(&self, broker: NodeId, now: Duration) -> Option<Duration> {
        if self.suspect_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut inner = self.inner.lock();
        inner.suspects.retain(|_, until| *until > now);
        self.count(&inner);
        inner.suspects.get(&broker).copied()
    }

    /// Whether anybody is suspected.
    pub(crate) fn has_suspects(&self) -> bool {
        self.suspect_count.load(Ordering::Relaxed) > 0
    }

    /// Whether a fenced broker is still to be listed.
    pub(crate) fn lingers(&self, broker: NodeId, now: Duration) -> bool {
        let inner = self.inner.lock();
        inner
            .lingering
            .get(&broker)
            .is_some_and(|until| *until > now)
    }

    fn count(&self, inner: &Inner) {
        self.suspect_count
            .store(inner.suspects.len(), Ordering::Relaxed);
    }
}

impl Core {
    /// Whether a question who leads can be answered at once: all brokers seem well, and who asks has come only
    /// now, so that it did not lose one a moment ago that it is asking about.
    pub(crate) fn expects_no_news_for(&self, connection: &ConnectionContext) -> bool {
        connection.is_young() && !self.absences.has_suspects()
    }

    /// Waits until the controller has said who leads instead of those of the leaders that have just gone,
    /// or does not say so. `leaders` names them as an image has them.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn wait_for_leaders(&self, leaders: impl Fn(&MetadataImage) -> Vec<NodeId>) {
        let mut images = self.images();
        // Whatever comes of it, the loop looks anew.
        let _news = timeout(NEWS_DELAY, images.changed()).await;
        while let Some(until) = self.doubtful_until(&leaders) {
            let patience = until.saturating_sub(self.clock.monotonic());
            if timeout(patience, images.changed()).await.is_err() {
                return;
            }
        }
    }

    /// Until when one of the leaders may be replaced; `None` if all are as they should be.
    fn doubtful_until(&self, leaders: impl Fn(&MetadataImage) -> Vec<NodeId>) -> Option<Duration> {
        if !self.absences.has_suspects() {
            return None;
        }
        let now = self.clock.monotonic();
        let leaders = leaders(&self.image()).into_iter();
        let doubts = leaders.filter_map(|leader| self.absences.suspected_until(leader, now));
        doubts.max()
    }
}

#[cfg(test)]
mod tests {
    use metadata::v1;

    use super::*;
    use crate::api::testing::{image, image_with};

    const B: NodeId = NodeId(1);

    fn without(broker: NodeId) -> MetadataImage {
        let epoch = image().broker(broker).expect("it is there").epoch;
        let fence = v1::BrokerChange {
            broker_id: broker.0,
            broker_epoch: epoch.0,
            fenced: Some(true),
            in_controlled_shutdown: None,
            log_dirs: None,
        };
        image_with(vec![fence.into()])
    }

    #[test]
    fn a_broken_connection_is_suspicious_until_the_controller_decides_or_time_is_up() {
        let absences = Absences::default();
        absences.on_broken(B, Duration::ZERO);
        assert!(!absences.has_suspects(), "never seen in service");
        absences.on_image(&image(), Duration::ZERO);
        absences.on_broken(B, Duration::ZERO);
        let until = absences.suspected_until(B, Duration::ZERO);
        assert_eq!(until, Some(SUSPECTED_FOR));
        assert_eq!(absences.suspected_until(B, SUSPECTED_FOR), None);
        assert!(!absences.has_suspects());

        absences.on_broken(B, Duration::ZERO);
        absences.on_image(&without(B), Duration::ZERO);
        assert!(!absences.has_suspects());
    }

    #[test]
    fn a_fenced_broker_lingers_for_a_while() {
        let absences = Absences::default();
        absences.on_image(&image(), Duration::ZERO);
        assert!(!absences.lingers(B, Duration::ZERO));
        absences.on_image(&without(B), Duration::ZERO);
        assert!(absences.lingers(B, Duration::ZERO));
        assert!(!absences.lingers(B, LINGERS_FOR));
    }
}
