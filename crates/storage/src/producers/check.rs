//! Whether a producer's batch may be appended now.

use protocol::records::{BatchHeader, next_sequence};
use types::{Offset, ProducerEpoch};

use super::Producers;
use super::entry::{BatchMeta, NO_SEQUENCE, Producer};
use crate::AppendError;

/// What to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new and in sequence, or nobody counts.
    Append,
    /// It is in the log already.
    Duplicate(BatchMeta),
}

impl Producers {
    /// Judges `header`, which would be appended at `offset` right after `earlier` (other batches of
    /// the same append, in order).
    pub(crate) fn check<'a>(
        &self,
        header: &BatchHeader,
        offset: Offset,
        earlier: impl DoubleEndedIterator<Item = &'a BatchHeader>,
    ) -> Result<Verdict, AppendError> {
        if !header.has_producer() {
            return Ok(Verdict::Append);
        }
        let known = self.get(header.producer_id);
        let mut same_producer = earlier
            .rev()
            .filter(|e| e.producer_id == header.producer_id && !e.is_control());
        let (epoch, last_sequence) = match (same_producer.next(), known) {
            (Some(earlier), _) => (earlier.producer_epoch, earlier.last_sequence()),
            (None, Some(known)) => (known.epoch, known.last_sequence()),
            // Nothing is known: the state may have expired, or its records been deleted. Any
            // sequence is accepted, as Kafka does.
            (None, None) => (ProducerEpoch::NONE, NO_SEQUENCE),
        };
        if header.producer_epoch < epoch {
            return Err(AppendError::InvalidProducerEpoch {
                producer_id: header.producer_id,
                epoch: header.producer_epoch,
                current: epoch,
            });
        }
        if header.is_control() {
            return Ok(Verdict::Append);
        }
        if let Some(batch) = known.and_then(|known: &Producer| known.find_duplicate(header)) {
            return Ok(Verdict::Duplicate(batch));
        }
        if may_follow(header, epoch, last_sequence) {
            return Ok(Verdict::Append);
        }
        Err(AppendError::OutOfOrderSequence {
            producer_id: header.producer_id,
            sequence: header.base_sequence,
            last_sequence,
            offset,
        })
    }
}

fn may_follow(header: &BatchHeader, epoch: ProducerEpoch, last_sequence: i32) -> bool {
    if !epoch.is_known() {
        return true;
    }
    // A new epoch, or one that has only written markers, counts from 0.
    if header.producer_epoch != epoch || last_sequence == NO_SEQUENCE {
        return header.base_sequence == 0;
    }
    header.base_sequence == next_sequence(last_sequence)
}
