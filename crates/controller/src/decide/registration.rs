//! Brokers register: who may, and what the cluster believes of their disks.

use metadata::{BrokerRegistration, MetadataImage, v1};
use rpc::Registration;
use types::BrokerEpoch;

use super::{Decision, id_bytes};
use crate::mutant::{self, Mutant};

/// A registration that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// A new one: its epoch is the metadata offset at which the record is committed.
    AtCommit,
    /// The same process asked again: it keeps its epoch.
    Already(BrokerEpoch),
}

/// Why a broker may not register.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefusal {
    /// The broker's disks belong to another cluster.
    #[error("Expected cluster ID {expected}, but got cluster ID {given}")]
    ClusterId {
        /// This cluster.
        expected: String,
        /// The broker's cluster.
        given: String,
    },
    /// Another process with that id is alive.
    #[error(
        "Another broker is registered with that broker id. If the broker was recently restarted this \
         should self-resolve once the session of its former process ends."
    )]
    Duplicate,
    /// The broker is too old or too new for what the cluster has finalized.
    #[error(
        "Unable to register because the broker does not support finalized version {level} of \
         {feature}. {}", supported_text(.supported)
    )]
    Feature {
        /// The feature.
        feature: String,
        /// Its finalized level.
        level: i16,
        /// What the broker supports of it.
        supported: Option<metadata::SupportedLevels>,
    },
    /// Something in the registration makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "thiserror hands fields by reference"
)]
fn supported_text(supported: &Option<metadata::SupportedLevels>) -> String {
    supported.map_or_else(
        || "The broker does not support this feature.".to_owned(),
        |levels| {
            format!(
                "The broker wants a version between {} and {}, inclusive.",
                levels.min, levels.max
            )
        },
    )
}

/// Decides the registration of one start of a broker. It begins fenced; its heartbeats unfence it.
///
/// `has_session` says whether the process that is registered now has been heard of within its
/// session, which only the active controller's memory knows.
///
/// # Errors
/// Why the broker may not register.
pub fn register_broker(
    image: &MetadataImage,
    broker: &Registration,
    has_session: bool,
) -> Result<Decision<Registered>, RegistrationRefusal> {
    check_cluster_id(image, broker)?;
    check_shape(broker)?;
    check_features(image, broker)?;
    let Some(known) = image.broker(broker.broker_id) else {
        let record = record(broker, true, restart_of_unknown(broker));
        return Ok(registered(record, Registered::AtCommit));
    };
    if known.incarnation == broker.incarnation_id {
        return Ok(amended(known, broker));
    }
    if has_session && !known.in_controlled_shutdown {
        return Err(RegistrationRefusal::Duplicate);
    }
    let record = record(broker, true, restart(known, broker));
    Ok(registered(record, Registered::AtCommit))
}

fn check_cluster_id(
    image: &MetadataImage,
    broker: &Registration,
) -> Result<(), RegistrationRefusal> {
    match (image.cluster_id(), &broker.cluster_id) {
        (Some(expected), Some(given)) if expected != given => Err(RegistrationRefusal::ClusterId {
            expected: expected.to_owned(),
            given: given.clone(),
        }),
        _ => Ok(()),
    }
}

fn check_shape(broker: &Registration) -> Result<(), RegistrationRefusal> {
    let invalid = |text| Err(RegistrationRefusal::Invalid(text));
    if broker.broker_id.0 < 0 {
        return invalid("The broker id is negative.");
    }
    if broker.incarnation_id.is_zero() {
        return invalid("The broker has no incarnation id.");
    }
    if broker.listeners.is_empty() {
        return invalid("The broker has no listener.");
    }
    if broker.log_dirs.is_empty() {
        return invalid("No directories specified in request");
    }
    let mut dirs = broker.log_dirs.clone();
    dirs.sort_unstable();
    dirs.dedup();
    if dirs.len() != broker.log_dirs.len() {
        return invalid("The broker lists a log directory twice.");
    }
    Ok(())
}

fn check_features(image: &MetadataImage, broker: &Registration) -> Result<(), RegistrationRefusal> {
    for (feature, level) in image.features() {
        let supported = broker.features.get(feature).copied();
        if !supported.is_some_and(|levels| (levels.min..=levels.max).contains(&level)) {
            return Err(RegistrationRefusal::Feature {
                feature: feature.to_owned(),
                level,
                supported,
            });
        }
    }
    Ok(())
}

/// What may have happened to the data since the registration that is known. A shutdown that was clean
/// ended some other registration than the last one: its data are older than what the cluster counts
/// on. (What became of each disk, replay finds out by itself.)
fn restart(known: &BrokerRegistration, broker: &Registration) -> v1::Restart {
    if mutant::is(Mutant::CleanClaimBelieved) {
        return broker.restart;
    }
    let claims_clean = broker.restart == v1::Restart::Clean;
    if claims_clean && broker.previous_broker_epoch != known.epoch {
        return v1::Restart::Lossy;
    }
    broker.restart
}

/// The same for a broker that was forgotten, or never known: it may still be among the replicas of
/// partitions, and nobody can say whether its last shutdown was its last.
fn restart_of_unknown(broker: &Registration) -> v1::Restart {
    match broker.restart {
        v1::Restart::ProcessCrash => v1::Restart::ProcessCrash,
        v1::Restart::Clean | v1::Restart::Lossy => v1::Restart::Lossy,
    }
}

/// The same process registers again, because the first answer got lost or its address changed.
fn amended(known: &BrokerRegistration, broker: &Registration) -> Decision<Registered> {
    let answer = Registered::Already(known.epoch);
    let is_same = known.listeners == broker.listeners
        && known.rack.as_deref() == broker.rack.as_deref()
        && known.features == broker.features
        && known.log_dirs == broker.log_dirs;
    if is_same {
        return Decision::only(answer);
    }
    let mut record = record(broker, known.fenced, v1::Restart::Clean);
    record.in_controlled_shutdown = known.in_controlled_shutdown;
    registered(record, answer)
}

fn registered(record: v1::RegisterBroker, response: Registered) -> Decision<Registered> {
    let records = vec![record.into()];
    Decision { records, response }
}

fn record(broker: &Registration, fenced: bool, restart: v1::Restart) -> v1::RegisterBroker {
    let listeners = broker.listeners.iter().map(|listener| v1::Listener {
        name: listener.name.to_string(),
        host: listener.host.to_string(),
        port: u32::from(listener.port),
        security_protocol: listener.security_protocol.to_wire(),
    });
    let features = broker
        .features
        .iter()
        .map(|(name, levels)| v1::SupportedFeature {
            name: name.to_string(),
            min_level: i32::from(levels.min),
            max_level: i32::from(levels.max),
        });
    v1::RegisterBroker {
        broker_id: broker.broker_id.0,
        incarnation: id_bytes(broker.incarnation_id),
        epoch: None,
        listeners: listeners.collect(),
        rack: broker.rack.clone(),
        features: features.collect(),
        log_dirs: broker.log_dirs.iter().map(|dir| id_bytes(dir.0)).collect(),
        fenced,
        in_controlled_shutdown: false,
        restart: restart.into(),
    }
}
