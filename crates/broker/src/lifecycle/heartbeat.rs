//! Tells the active controller that this broker lives, and how far it is.
//!
//! A heartbeat goes out at an interval, soon when there are newer metadata, at once when the stream
//! breaks, and at once when the broker has something to say: it has caught up, a disk failed, it wants
//! to leave.

use std::sync::Arc;
use std::time::Duration;

use metadata::MetadataOffset;
use parking_lot::Mutex;
use rpc::client::{BrokerSession, HeartbeatAnswer, HeartbeatState, ImageHash};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use types::{DirectoryId, ErrorCode};

use crate::broker::BrokerError;
use crate::state::Core;

/// Between two heartbeats while the broker waits to be let in or out.
const IMPATIENT_INTERVAL: Duration = Duration::from_millis(50);
/// Until a controller answers that is sure to be the active one.
const UNPROVEN_INTERVAL: Duration = Duration::from_millis(250);
/// After a heartbeat, until the controller is told that newer metadata are here.
const METADATA_INTERVAL: Duration = Duration::from_millis(200);
/// When the controller is told what this broker's image amounts to.
const FIRST_HASH_AFTER: Duration = Duration::from_secs(2);
const HASH_INTERVAL: Duration = Duration::from_mins(1);

/// What the broker has to say, and what it was told. Shared.
#[derive(Debug)]
pub(crate) struct Pulse {
    words: Mutex<Words>,
    news: Notify,
    answer: watch::Sender<Option<HeartbeatAnswer>>,
}

#[derive(Debug, Default)]
struct Words {
    want_shutdown: bool,
    offline_log_dirs: Vec<DirectoryId>,
    /// To be said once.
    image_hash: Option<ImageHash>,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self {
            words: Mutex::default(),
            news: Notify::new(),
            answer: watch::Sender::new(None),
        }
    }

    /// Something changed that the controller should know now.
    pub(crate) fn beat_now(&self) {
        self.news.notify_one();
    }

    /// Asks to leave in an orderly way.
    pub(crate) fn want_shutdown(&self) {
        self.words.lock().want_shutdown = true;
        self.beat_now();
    }

    /// Log directories failed.
    pub(crate) fn on_offline(&self, directories: impl IntoIterator<Item = DirectoryId>) {
        self.words.lock().offline_log_dirs.extend(directories);
        self.beat_now();
    }

    /// What the image amounts to, for the controller to compare.
    fn on_image_hash(&self, hash: ImageHash) {
        self.words.lock().image_hash = Some(hash);
    }

    /// Waits until the controller says that nothing is led here any more.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn wait_for_shutdown(&self) {
        let mut answer = self.answer.subscribe();
        let may_stop =
            |answer: &Option<HeartbeatAnswer>| answer.is_some_and(|answer| answer.should_shutdown);
        // An error means that nobody beats any more: there is nothing to wait for.
        drop(answer.wait_for(may_stop).await);
    }

    /// How long until the next heartbeat, unless there are news.
    fn interval(&self, core: &Core) -> Duration {
        let interval = core.config.sessions.broker_heartbeat_interval;
        let is_leaving = self.words.lock().want_shutdown;
        let waits = match *self.answer.borrow() {
            Some(answer) if is_leaving => !answer.should_shutdown,
            Some(_) if core.room.is_full() => false,
            Some(answer) => answer.fenced && core.image().offset() >= core.broker_epoch().0,
            None => false,
        };
        let answer = *self.answer.borrow();
        if waits {
            interval.min(IMPATIENT_INTERVAL)
        } else if answer.is_some_and(|answer| answer.proven_offset.is_none()) {
            interval.min(UNPROVEN_INTERVAL)
        } else {
            interval
        }
    }

    fn state(&self, core: &Core) -> HeartbeatState {
        let mut words = self.words.lock();
        HeartbeatState {
            metadata_offset: core.image().offset(),
            want_fence: core.wants_relief(),
            want_shutdown: words.want_shutdown,
            offline_log_dirs: words.offline_log_dirs.clone(),
            image_hash: words.image_hash.take(),
        }
    }
}

/// Beats until `stop`.
///
/// # Errors
/// [`BrokerError::Register`] if the registration is not this broker's any more.
pub(crate) async fn run(
    core: Arc<Core>,
    pulse: Arc<Pulse>,
    mut session: BrokerSession,
    stop: CancellationToken,
) -> Result<(), BrokerError> {
    // Enough for a few controllers to be asked before the session is over.
    let patience = core.config.sessions.broker_session_timeout / 3;
    let mut hash_due = Instant::now() + FIRST_HASH_AFTER;
    let mut images = core.images();
    loop {
        if hash_due <= Instant::now() {
            hash_due += HASH_INTERVAL;
            hash_image(&core, &pulse);
        }
        images.mark_unchanged();
        let state = pulse.state(&core);
        let began = Instant::now();
        if state.want_fence {
            // The answer to it may be that others lead already.
            core.lease.end();
        }
        let sent = core.clock.monotonic();
        let beat = session.heartbeat(&state, patience);
        let answer = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            answer = beat => answer,
        };
        match answer {
            Ok(answer) => {
                debug!(?state, ?answer, "heartbeat");
                renew_lease(&core, sent, &answer);
                pulse.answer.send_replace(Some(answer));
            }
            Err(error) if is_final(&error) => return Err(BrokerError::Register(error)),
            Err(error) => {
                warn!(%error, "no controller hears this broker");
                // A stream that is not there counts as broken: without a pause this would spin.
                sleep(IMPATIENT_INTERVAL).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = pulse.news.notified() => {}
            () = core.room.changed() => {}
            () = session.broken() => {}
            () = newer_metadata(&mut images, began) => {}
            () = sleep(pulse.interval(&core)) => {}
        }
    }
}

/// Waits for an image that the controller does not know of, and not before it is time for it.
async fn newer_metadata(images: &mut watch::Receiver<MetadataOffset>, last: Instant) {
    if images.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    sleep_until(last + METADATA_INTERVAL).await;
}

/// Others lead in the place of a broker that is fenced; of one that is not, they may after its session.
fn renew_lease(core: &Core, sent: Duration, answer: &HeartbeatAnswer) {
    let session = core.config.sessions.broker_session_timeout;
    match answer.proven_offset {
        _ if answer.fenced => core.lease.end(),
        Some(offset) => {
            let image_offset = core.image().offset();
            core.lease.on_heard(sent, session, offset, image_offset);
        }
        None => {}
    }
}

/// Works out on another thread what the image amounts to.
fn hash_image(core: &Core, pulse: &Arc<Pulse>) {
    let (image, pulse) = (Arc::clone(&core.image()), Arc::clone(pulse));
    let hash = move || {
        pulse.on_image_hash(ImageHash {
            offset: image.offset(),
            hash: metadata::content_hash(&image),
        });
    };
    // If the threads are busy, the next time will do.
    drop(core.workers.run(hash));
}

/// Another process has taken this broker's place, or the cluster has forgotten it.
fn is_final(error: &rpc::Error) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::StaleBrokerEpoch | ErrorCode::BrokerIdNotRegistered)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn newer_metadata_are_told_soon_after_the_last_heartbeat_and_old_ones_not_at_all() {
        let (offset, mut images) = watch::channel(1);
        let last = Instant::now();
        offset.send_replace(2);
        newer_metadata(&mut images, last).await;
        assert_eq!(last.elapsed(), METADATA_INTERVAL);
        let silence = timeout(HASH_INTERVAL, newer_metadata(&mut images, last)).await;
        assert!(silence.is_err());
        offset.send_replace(3);
        let due = Instant::now();
        newer_metadata(&mut images, last).await;
        assert_eq!(
            due.elapsed(),
            Duration::ZERO,
            "the last heartbeat was long ago"
        );
    }
}
