//! What a walk over the records finds.

use types::TimestampMs;

use super::{Invalid, RECORD_ERRORS_MAX, RecordError, Rules};
use crate::records::batch::Batch;
use crate::records::error::BatchError;
use crate::records::header::{BatchHeader, NO_TIMESTAMP, TimestampType};
use crate::records::walk::RecordShape;

pub(super) struct Findings {
    errors: Vec<RecordError>,
    has_bad_timestamp: bool,
    max_timestamp: TimestampMs,
}

impl Findings {
    /// Walks over all records, since clients want to know all that are to blame. Offsets must count
    /// up from 0 without gap.
    pub(super) fn collect(batch: &Batch, rules: &Rules) -> Result<Self, Invalid> {
        let mut findings = Self {
            errors: Vec::new(),
            has_bad_timestamp: false,
            max_timestamp: NO_TIMESTAMP,
        };
        let walk = batch.walk(rules.decompressed_bytes_max);
        for shape in walk.map_err(Invalid::Records)? {
            let shape = shape.map_err(Invalid::Records)?;
            findings.add(&shape, &batch.header, rules)?;
        }
        Ok(findings)
    }

    fn add(
        &mut self,
        shape: &RecordShape,
        header: &BatchHeader,
        rules: &Rules,
    ) -> Result<(), Invalid> {
        let index = shape.index;
        if shape.offset_delta != index {
            let reason = "its offset does not follow the one before";
            return Err(Invalid::Records(BatchError::Record { index, reason }));
        }
        let timestamp = header.timestamp_at(shape.timestamp_delta);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        if rules.is_compacted && !shape.has_key {
            self.blame(|| RecordError::null_key(index));
        } else if rules.timestamp_type == TimestampType::CreateTime
            && !rules.is_in_window(timestamp)
        {
            self.has_bad_timestamp = true;
            self.blame(|| RecordError::timestamp(index, timestamp));
        }
        Ok(())
    }

    fn blame(&mut self, error: impl FnOnce() -> RecordError) {
        if self.errors.len() < RECORD_ERRORS_MAX {
            self.errors.push(error());
        }
    }

    /// The true maximum, if nobody is to blame.
    pub(super) fn into_max_timestamp(self) -> Result<TimestampMs, Invalid> {
        let records = self.errors;
        if self.has_bad_timestamp {
            return Err(Invalid::Timestamps { records });
        }
        if records.is_empty() {
            return Ok(self.max_timestamp);
        }
        Err(Invalid::NullKeys { records })
    }
}
