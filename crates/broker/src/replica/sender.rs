//! One task per follower broker and lane: connects, talks, connects again.

use std::sync::Arc;
use std::time::Duration;

use rpc::replication::{Broken, DialError, Hello, dial};
use rpc::transport::{Connector, TransportConfig};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use types::BrokerEpoch;

use super::conversation::{Conversation, Ended};
use super::link::Link;
use super::peers::Peer;
use crate::broker::BrokerError;
use crate::state::Core;

/// Between two attempts to connect.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// A connection that lasted so long was a good one.
const GOOD_AFTER: Duration = Duration::from_secs(1);

/// Runs a task for every follower and lane, until `stop`.
///
/// # Errors
/// [`BrokerError::Panicked`].
pub(crate) async fn send_to_followers(
    core: Arc<Core>,
    stop: CancellationToken,
) -> Result<(), BrokerError> {
    let mut tasks = JoinSet::new();
    loop {
        for peer in core.replication.peers.take_new() {
            tasks.spawn(run(Arc::clone(&core), peer, stop.clone()));
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = core.replication.peers.news.notified() => {}
            Some(ended) = tasks.join_next() => {
                ended.map_err(|_panic| BrokerError::Panicked("replication sender"))?;
            }
        }
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// A follower's process and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    address: String,
    broker_epoch: BrokerEpoch,
}

impl Target {
    /// The follower as the image knows it.
    fn of(core: &Core, peer: &Peer) -> Option<Self> {
        let image = core.image();
        let broker = image.broker(peer.follower)?;
        let listener = broker.listener(&core.config.listeners.inter_broker_name)?;
        Some(Self {
            // Brackets, where the host is an IPv6 address.
            address: if listener.host.contains(':') {
                format!("[{}]:{}", listener.host, listener.port)
            } else {
                format!("{}:{}", listener.host, listener.port)
            },
            broker_epoch: broker.epoch,
        })
    }
}

async fn run(core: Arc<Core>, peer: Arc<Peer>, stop: CancellationToken) {
    let mut pause = Pause::default();
    loop {
        let target = tokio::select! {
            () = stop.cancelled() => return,
            target = wait_for_work(&core, &peer) => target,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = connect_and_talk(&core, &peer, &target, &mut pause) => {}
        }
        let until = Instant::now() + pause.next();
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(until) => {}
            () = wait_for_another(&core, &peer, &target) => pause = Pause::default(),
        }
    }
}

/// Waits until there is something to say to that follower, and a place to say it.
async fn wait_for_work(core: &Core, peer: &Peer) -> Target {
    loop {
        if peer.has_work()
            && let Some(target) = Target::of(core, peer)
        {
            return target;
        }
        peer.news.notified().await;
    }
}

/// Waits until the image knows another process under the follower's id.
async fn wait_for_another(core: &Core, peer: &Peer, target: &Target) {
    while Target::of(core, peer).is_none_or(|now| now == *target) {
        peer.news.notified().await;
    }
}

async fn connect_and_talk(core: &Arc<Core>, peer: &Arc<Peer>, target: &Target, pause: &mut Pause) {
    let (follower, lane) = (peer.follower, peer.lane);
    let hello = Hello {
        cluster_id: core.cluster_id(),
        leader: core.node_id(),
        leader_broker_epoch: core.broker_epoch(),
        follower,
        follower_broker_epoch: target.broker_epoch,
        lane,
    };
    let connector = Connector::tcp(target.address.clone());
    let config = TransportConfig::bulk();
    let (frames, acks) = match dial(&connector, &config, hello).await {
        Ok(stream) => stream,
        Err(error) => {
            pause.tell_once(|| match &error {
                DialError::Unreachable(_) => {
                    warn!(%follower, address = target.address, %error, "follower is not reached");
                }
                _ => info!(%follower, address = target.address, %error, "follower does not listen yet"),
            });
            return;
        }
    };
    debug!(%follower, ?lane, address = target.address, "replicating to follower");
    let news = Arc::clone(&peer.news);
    let link = Link::new(follower, target.broker_epoch, lane, news);
    let mut conversation = Conversation::new(Arc::clone(core), Arc::clone(peer), link);
    let began = Instant::now();
    let ended = conversation.run(frames, acks).await;
    if let Ended::Broken(Broken::Failed(_)) = &ended {
        core.absences.on_broken(follower, core.clock.monotonic());
    }
    conversation.end();
    if began.elapsed() > GOOD_AFTER || matches!(ended, Ended::Done) {
        *pause = Pause::default();
    }
    match ended {
        Ended::Done => debug!(%follower, ?lane, "follower has caught up"),
        _ => info!(%follower, ?lane, reason = %ended, "replication stream has ended"),
    }
}

/// How long until the next attempt: not at all, then longer and longer.
#[derive(Debug, Default)]
struct Pause {
    next: Duration,
    is_told: bool,
}

impl Pause {
    fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).clamp(PAUSE_MIN, PAUSE_MAX);
        now
    }

    /// The first failure is worth a line, its repetitions are not.
    fn tell_once(&mut self, tell: impl FnOnce()) {
        if !self.is_told {
            tell();
        }
        self.is_told = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempt_after_a_break_is_made_at_once() {
        let mut pause = Pause::default();
        let pauses: Vec<_> = (0..8).map(|_| pause.next().as_millis()).collect();
        assert_eq!(pauses, [0, 20, 40, 80, 160, 320, 500, 500]);
    }
}
