//! The groups whose partitions of `__consumer_offsets` this broker leads.
//!
//! ```text
//!  elected ─► Hosted (loading, 14) ─► log replayed, high watermark there ─► serving
//!                 `── resigned ──────────────────────────────┴──► dropped: whoever waits gets 16
//!
//!  request ─► lock ─► shard decides ─► one batch appended, inline ─► replayed ─► unlock
//!  high watermark, deadlines, news of topics ─► lock ─► the same
//! ```
//!
//! The decisions are made by the pure crate `coordinator`; here are its effects: the log, the clock, the
//! threads, the answers. A request is decided on the task of its connection. One task per broker meets the
//! deadlines of all groups.
//!
//! # Locks
//!
//! The map of shards is locked for a lookup only. A shard's lock comes before its partition's. Whoever moves
//! a high watermark, the task of a follower's connection most often, never waits for a shard: if somebody
//! is in it, that one does what is to be done on its way out.

mod ask;
mod failure;
mod hosted;
mod list;
mod load;
mod place;
mod serving;
mod settings;
mod task;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use ::coordinator::{Now, Settings, Surroundings, Token};
use arc_swap::ArcSwap;
use metadata::Delta;
use parking_lot::RwLock;
use types::PartitionIndex;

use crate::partition::{Observer, Partition};
use crate::state::Core;
use hosted::Hosted;
use load::Loads;
use task::Alarm;

pub(crate) use ask::Asked;
pub(crate) use place::{OFFSETS_TOPIC, partition_of};

/// All shards of this broker. Shared.
pub(crate) struct Groups {
    core: Weak<Core>,
    shards: RwLock<BTreeMap<PartitionIndex, Arc<Hosted>>>,
    settings: ArcSwap<Settings>,
    /// Names requests, each once.
    token: AtomicU64,
    loads: Loads,
    alarm: Alarm,
    /// The broker is about to leave. Set once, before the shards are ended.
    is_closed: AtomicBool,
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups")
            .field("shard_count", &self.shards.read().len())
            .finish_non_exhaustive()
    }
}

impl Groups {
    pub(crate) fn new(core: Weak<Core>, settings: Settings) -> Self {
        Self {
            core,
            shards: RwLock::default(),
            settings: ArcSwap::from_pointee(settings),
            token: AtomicU64::new(0),
            loads: Loads::default(),
            alarm: Alarm::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// The broker is about to leave: whoever waits or asks is sent to look elsewhere.
    ///
    /// This comes before leadership is given up. Else another broker might already take commits while this
    /// one, which has not heard of that yet, still answers with what it knows.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        for hosted in self.all() {
            hosted.end();
        }
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// What the controller decided about a partition has been taken up. If this broker begins to lead
    /// groups by that, they are loaded.
    pub(crate) fn on_assigned(&self, partition: &Arc<Partition>) {
        if *partition.topic_partition().topic != *OFFSETS_TOPIC {
            return;
        }
        let index = partition.topic_partition().partition;
        let Some(leader_epoch) = partition.led_epoch() else {
            // One whose turn to be loaded has not come yet did not look on, and heard of nothing.
            if let Some(hosted) = self
                .get(index)
                .filter(|it| Arc::ptr_eq(&it.partition, partition))
            {
                hosted.on_resigned();
            }
            return;
        };
        let hosted = {
            let mut shards = self.shards.write();
            if self.is_closed() {
                return;
            }
            let known = shards.get(&index);
            if known.is_some_and(|hosted| hosted.is_of(partition, leader_epoch)) {
                return;
            }
            let hosted = Hosted::new(self.core.clone(), Arc::clone(partition), leader_epoch);
            shards.insert(index, Arc::clone(&hosted));
            hosted
        };
        // One of an older epoch was told that it is over, and ends by itself.
        self.load_soon(Some(hosted));
    }

    /// Another image is shown.
    pub(crate) fn on_image(&self, core: &Core, delta: &Delta) {
        if settings::are_concerned(delta) {
            let image = core.image();
            self.settings.store(Arc::new(settings::of(core, &image)));
        }
        if delta.topics.is_empty() {
            return;
        }
        for hosted in self.all() {
            hosted.on_image(core, delta);
        }
    }

    fn all(&self) -> Vec<Arc<Hosted>> {
        self.shards.read().values().cloned().collect()
    }

    fn get(&self, index: PartitionIndex) -> Option<Arc<Hosted>> {
        self.shards.read().get(&index).cloned()
    }

    fn next_token(&self) -> Token {
        Token(self.token.fetch_add(1, Ordering::Relaxed))
    }
}

/// The configuration of groups that holds before there is an image.
pub(crate) fn initial_settings(config: &config::server::ServerConfig) -> Settings {
    settings::of_file(config)
}

impl Core {
    /// What a step of a shard may look at.
    fn surrounded<T>(&self, act: impl FnOnce(&Surroundings<'_>) -> T) -> T {
        let image = self.image();
        let settings = self.groups.settings.load();
        act(&Surroundings {
            now: Now {
                monotonic: self.clock.monotonic(),
                wall_ms: self.clock.wall_ms(),
            },
            image: &image,
            settings: &settings,
        })
    }
}
