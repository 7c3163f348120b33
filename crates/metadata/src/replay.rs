//! Applies records to an image. Total: what does not fit is an error that names the record, never a
//! panic and never a half-applied entry.

mod broker;
mod cluster;
mod convert;
mod error;
mod topic;

use crate::{Delta, Kind, MetadataImage, MetadataOffset, MetadataRecord};

pub use error::{Misfit, ReplayError};

/// Replays one entry of the metadata log, or the records of a snapshot onto an empty image.
///
/// Returns the image after the last record, and what differs from the given one. Deterministic: the
/// same image and the same records give equal results on every node.
///
/// # Errors
/// The first record that does not fit. The given image is never changed.
pub fn replay(
    image: &MetadataImage,
    offset: MetadataOffset,
    records: &[MetadataRecord],
) -> Result<(MetadataImage, Delta), ReplayError> {
    if offset <= image.offset {
        return Err(ReplayError::not_newer(offset, image.offset));
    }
    let mut next = Replay::of(image);
    next.image.offset = offset;
    next.apply_all(records)
}

/// Replays further records of the entry that the image ends with. For a controller that evaluates
/// several requests before it proposes their records as one entry.
///
/// # Errors
/// As [`replay()`].
pub fn replay_more(
    image: &MetadataImage,
    records: &[MetadataRecord],
) -> Result<(MetadataImage, Delta), ReplayError> {
    Replay::of(image).apply_all(records)
}

/// An image on its way to the next one.
struct Replay {
    image: MetadataImage,
    delta: Delta,
}

impl Replay {
    fn of(image: &MetadataImage) -> Self {
        Self {
            image: image.clone(),
            delta: Delta::default(),
        }
    }

    fn apply_all(
        mut self,
        records: &[MetadataRecord],
    ) -> Result<(MetadataImage, Delta), ReplayError> {
        for (index, record) in records.iter().enumerate() {
            self.apply(record).map_err(|misfit| ReplayError {
                offset: self.image.offset,
                index,
                kind: record.kind.as_ref().map_or("unknown", Kind::name),
                misfit,
            })?;
        }
        Ok((self.image, self.delta))
    }

    fn apply(&mut self, record: &MetadataRecord) -> Result<(), Misfit> {
        let kind = record.kind.as_ref().ok_or(Misfit::UnknownKind)?;
        let newest = kind.newest_version();
        if record.version > newest {
            let version = record.version;
            return Err(Misfit::NewerVersion { version, newest });
        }
        match kind {
            Kind::RegisterBroker(body) => self.on_register_broker(body),
            Kind::BrokerChange(body) => self.on_broker_change(body),
            Kind::UnregisterBroker(body) => self.on_unregister_broker(body),
            Kind::Topic(body) => self.on_topic(body),
            Kind::Partition(body) => self.on_partition(body),
            Kind::PartitionChange(body) => self.on_partition_change(body),
            Kind::RemoveTopic(body) => self.on_remove_topic(body),
            Kind::Config(body) => self.on_config(body),
            Kind::FeatureLevel(body) => self.on_feature_level(body),
            Kind::ProducerIdBlock(body) => self.on_producer_id_block(body),
            Kind::ControllerChange(body) => self.on_controller_change(body),
            Kind::ClusterId(body) => self.on_cluster_id(body),
            Kind::NoOp(v1_no_op) => {
                let crate::v1::NoOp {} = v1_no_op;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
