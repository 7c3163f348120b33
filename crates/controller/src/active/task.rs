//! The deciding task: waits until this node leads, then reigns.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use types::Clock;

use super::backlog::Backlog;
use super::image_check::ImageCheck;
use super::message::{Mailbox, Message, Refusal};
use super::upkeep::Upkeep;
use crate::decide::Settings;
use crate::quorum::{LeadershipWatch, Quorum};
use crate::session::{SelfCheck, SessionTable};

/// What the deciding task works with.
#[derive(Debug, Clone)]
pub(crate) struct ActiveConfig {
    pub(crate) settings: Settings,
    /// The cluster that this node was formatted for.
    pub(crate) cluster_id: Option<String>,
    /// `broker.session.timeout.ms`.
    pub(crate) session_timeout: Duration,
    /// Whether this node is the only voter: then requests wait for its election instead of being
    /// sent elsewhere.
    pub(crate) is_alone: bool,
}

/// The task's state. Everything in it is owned by the task alone.
pub(crate) struct ActiveTask {
    pub(super) quorum: Arc<Quorum>,
    pub(super) config: ActiveConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) mailbox: mpsc::Receiver<Message>,
    pub(super) backlog: Backlog,
    /// For what the task's own probes find.
    pub(super) own_mailbox: Mailbox,
    pub(super) leadership: LeadershipWatch,
    pub(super) sessions: SessionTable,
    pub(super) self_check: Arc<SelfCheck>,
    pub(super) upkeep: Upkeep,
    pub(super) image_check: ImageCheck,
    pub(super) probes: TaskTracker,
    pub(super) stop: CancellationToken,
    /// Why the controller cannot go on.
    pub(super) failure: watch::Sender<Option<String>>,
}

impl ActiveTask {
    pub(crate) fn new(
        quorum: Arc<Quorum>,
        config: ActiveConfig,
        clock: Arc<dyn Clock>,
        (own_mailbox, mailbox): (Mailbox, mpsc::Receiver<Message>),
        stop: CancellationToken,
        failure: watch::Sender<Option<String>>,
    ) -> Self {
        Self {
            leadership: quorum.watch_leadership(),
            sessions: SessionTable::new(config.session_timeout),
            self_check: Arc::new(SelfCheck::new(Arc::clone(&clock))),
            upkeep: Upkeep::begin(&config.settings.elections, clock.monotonic()),
            image_check: ImageCheck::default(),
            quorum,
            config,
            clock,
            mailbox,
            backlog: Backlog::default(),
            own_mailbox,
            probes: TaskTracker::new(),
            stop,
            failure,
        }
    }

    /// Runs until told to stop.
    pub(crate) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            let leadership = self.leadership.current();
            if leadership.is_self {
                self.reign(leadership.term).await;
            } else {
                let holds = self.config.is_alone && leadership.leader.is_none();
                if self.stand_by(holds).await.is_break() {
                    break;
                }
            }
        }
        self.refuse_all();
        self.probes.close();
        self.probes.wait().await;
    }

    /// Looks whether this process runs, until the guard is dropped: only who decides blames others.
    pub(super) fn check_itself(&self) -> DropGuard {
        self.self_check.begin();
        let (check, quorum) = (Arc::clone(&self.self_check), Arc::clone(&self.quorum));
        let stop = self.stop.child_token();
        let guard = stop.clone().drop_guard();
        self.probes.spawn(async move {
            let beating = check.run(|| quorum.next_beat());
            stop.run_until_cancelled(beating).await
        });
        guard
    }

    /// One step of a node that does not lead.
    async fn stand_by(&mut self, holds_requests: bool) -> ControlFlow<()> {
        tokio::select! {
            () = self.stop.cancelled() => ControlFlow::Break(()),
            () = self.leadership.changed() => ControlFlow::Continue(()),
            message = self.mailbox.recv(), if !holds_requests => match message {
                Some(message) => {
                    message.refuse(Refusal::NotActive);
                    ControlFlow::Continue(())
                }
                None => ControlFlow::Break(()),
            },
        }
    }

    /// This node decides nothing any more.
    pub(super) async fn refuse_until_stopped(&mut self) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                message = self.mailbox.recv() => match message {
                    Some(message) => message.refuse(Refusal::NotActive),
                    None => return,
                },
            }
        }
    }

    /// Nobody is left waiting.
    fn refuse_all(&mut self) {
        self.mailbox.close();
        while let Ok(message) = self.mailbox.try_recv() {
            message.refuse(Refusal::NotActive);
        }
    }
}
