//! Brokers show that they live, stop, and are forgotten.

use metadata::{BrokerRegistration, MetadataImage, MetadataRecord, v1};
use rpc::{HeartbeatAnswer, HeartbeatState};
use types::{BrokerEpoch, DirectoryId, NodeId};

use super::{Decision, id_bytes};

/// Why a broker's heartbeat counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeartbeatRefusal {
    /// The broker must register first.
    #[error("Broker ID {0} is not currently registered")]
    NotRegistered(NodeId),
    /// Another process has registered under that id, or this one is from before.
    #[error("Expected broker epoch {current}, but got broker epoch {given}")]
    StaleEpoch {
        /// The epoch of the registration.
        current: BrokerEpoch,
        /// The epoch of the heartbeat.
        given: BrokerEpoch,
    },
}

/// Decides what a heartbeat changes: a broker that has caught up with its own registration is
/// unfenced, one that asks for it is fenced or led into its shutdown, and the replicas on disks that
/// failed go out of service.
///
/// The answer describes the broker as it will be once the records are committed.
///
/// # Errors
/// The heartbeat is not from a registered process.
pub fn heartbeat(
    image: &MetadataImage,
    broker: NodeId,
    epoch: BrokerEpoch,
    state: &HeartbeatState,
) -> Result<Decision<HeartbeatAnswer>, HeartbeatRefusal> {
    let known = registered_as(image, broker, epoch)?;
    let has_caught_up = state.metadata_offset >= epoch.0;
    let mut next = Liveness::of(known);
    if state.want_shutdown {
        next.in_controlled_shutdown |= !known.fenced;
    } else if state.want_fence {
        next.fenced = true;
    } else if known.fenced && has_caught_up {
        next.fenced = false;
    }
    let failed = &state.offline_log_dirs;
    next.log_dirs.retain(|dir| !failed.contains(dir));
    let records = next.record_after(known);
    let answer = HeartbeatAnswer {
        fenced: next.fenced,
        should_shutdown: state.want_shutdown && may_stop(image, broker),
        caught_up: has_caught_up,
        proven_offset: None,
    };
    Ok(Decision {
        records: records.into_iter().collect(),
        response: answer,
    })
}

/// Decides to fence a broker whose session ended.
///
/// # Errors
/// The broker is not registered with that epoch, so there is nobody to fence.
pub fn fence(
    image: &MetadataImage,
    broker: NodeId,
    epoch: BrokerEpoch,
) -> Result<Decision<()>, HeartbeatRefusal> {
    let known = registered_as(image, broker, epoch)?;
    let fenced = Liveness {
        fenced: true,
        ..Liveness::of(known)
    };
    Ok(Decision {
        records: fenced.record_after(known).into_iter().collect(),
        response: (),
    })
}

/// Decides to forget a broker. A process that is still running will have to register again.
///
/// # Errors
/// The broker is not registered.
pub fn unregister_broker(
    image: &MetadataImage,
    broker: NodeId,
) -> Result<Decision<()>, HeartbeatRefusal> {
    let known = image.broker(broker);
    let known = known.ok_or(HeartbeatRefusal::NotRegistered(broker))?;
    let record = v1::UnregisterBroker {
        broker_id: broker.0,
        broker_epoch: known.epoch.0,
    };
    Ok(Decision {
        records: vec![record.into()],
        response: (),
    })
}

/// The registration that a process means.
pub(super) fn registered_as(
    image: &MetadataImage,
    broker: NodeId,
    epoch: BrokerEpoch,
) -> Result<&BrokerRegistration, HeartbeatRefusal> {
    let known = image.broker(broker);
    let known = known.ok_or(HeartbeatRefusal::NotRegistered(broker))?;
    if known.epoch != epoch {
        return Err(HeartbeatRefusal::StaleEpoch {
            current: known.epoch,
            given: epoch,
        });
    }
    Ok(known)
}

/// What a `BrokerChange` record can change.
struct Liveness {
    fenced: bool,
    in_controlled_shutdown: bool,
    /// Those online.
    log_dirs: Vec<DirectoryId>,
}

impl Liveness {
    fn of(broker: &BrokerRegistration) -> Self {
        Self {
            fenced: broker.fenced,
            in_controlled_shutdown: broker.in_controlled_shutdown,
            log_dirs: broker.log_dirs.clone(),
        }
    }

    fn record_after(&self, known: &BrokerRegistration) -> Option<MetadataRecord> {
        let fenced = self.fenced != known.fenced;
        let shutdown = self.in_controlled_shutdown != known.in_controlled_shutdown;
        let disks = self.log_dirs != known.log_dirs;
        let log_dirs = || v1::DirectoryList {
            directories: self.log_dirs.iter().map(|dir| id_bytes(dir.0)).collect(),
        };
        let record = v1::BrokerChange {
            broker_id: known.id.0,
            broker_epoch: known.epoch.0,
            fenced: fenced.then_some(self.fenced),
            in_controlled_shutdown: shutdown.then_some(self.in_controlled_shutdown),
            log_dirs: disks.then(log_dirs),
        };
        (fenced || shutdown || disks).then(|| record.into())
    }
}

/// Whether a broker that wants to stop may do so: whoever takes over from it has heard of that in the
/// heartbeats since, or there is nobody who could.
fn may_stop(image: &MetadataImage, broker: NodeId) -> bool {
    let mut others = image.brokers().filter(|other| other.id != broker);
    let has_heirs = others.any(|other| other.is_live());
    let mut partitions = image.topics().flat_map(metadata::TopicImage::partitions);
    !has_heirs || partitions.all(|(_index, partition)| partition.leader != Some(broker))
}
