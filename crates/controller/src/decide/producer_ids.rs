//! Blocks of producer ids, each given out once and never again.

use metadata::{MetadataImage, v1};
use rpc::ProducerIdBlock;
use types::{BrokerEpoch, NodeId, ProducerId};

use super::Decision;
use super::liveness::{HeartbeatRefusal, registered_as};

/// How many ids a broker gets at once.
pub const BLOCK_LEN: i32 = 1000;

/// Decides to give the next block to a broker. A block that a broker never gets to see is lost, not
/// given out again. Ids end after nine quintillion; the last block is given out for ever then, which
/// replay refuses.
///
/// # Errors
/// The broker is not registered with that epoch.
pub fn allocate_producer_ids(
    image: &MetadataImage,
    broker: NodeId,
    epoch: BrokerEpoch,
) -> Result<Decision<ProducerIdBlock>, HeartbeatRefusal> {
    registered_as(image, broker, epoch)?;
    let first = image.next_producer_id();
    let record = v1::ProducerIdBlock {
        broker_id: broker.0,
        broker_epoch: epoch.0,
        next_producer_id: first.saturating_add(i64::from(BLOCK_LEN)),
    };
    Ok(Decision {
        records: vec![record.into()],
        response: ProducerIdBlock {
            first: ProducerId(first),
            count: BLOCK_LEN,
        },
    })
}
