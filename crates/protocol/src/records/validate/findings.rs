//! What a walk over the records finds.

use types::TimestampMs;

use super::{Invalid, RECORD_ERRORS_MAX, RecordError, Rules};
use crate::records::batch::Batch;
use crate::records::error::BatchError;
use crate::records::header::{NO_TIMESTAMP, TimestampType};

pub(super) struct Findings {
    null_keys: Vec<RecordError>,
    bad_timestamps: Vec<RecordError>,
    max_timestamp: TimestampMs,
}

impl Findings {
    /// Walks over all records, since clients want to know all that are to blame. Offsets must count
    /// up from 0 without gap.
    pub(super) fn collect(batch: &Batch, rules: &Rules) -> Result<Self, Invalid> {
        let mut findings = Self {
            null_keys: Vec::new(),
            bad_timestamps: Vec::new(),
            max_timestamp: NO_TIMESTAMP,
        };
        let is_create_time = rules.timestamp_type == TimestampType::CreateTime;
        let walk = batch.walk(rules.decompressed_bytes_max);
        for shape in walk.map_err(Invalid::Records)? {
            let shape = shape.map_err(Invalid::Records)?;
            let index = shape.index;
            if shape.offset_delta != index {
                let reason = "its offset does not follow the one before";
                return Err(Invalid::Records(BatchError::Record { index, reason }));
            }
            if rules.is_compacted && !shape.has_key {
                push(&mut findings.null_keys, || RecordError::null_key(index));
            }
            let timestamp = batch.header.timestamp_at(shape.timestamp_delta);
            findings.max_timestamp = findings.max_timestamp.max(timestamp);
            if is_create_time && !rules.is_in_window(timestamp) {
                push(&mut findings.bad_timestamps, || {
                    RecordError::timestamp(index, timestamp)
                });
            }
        }
        Ok(findings)
    }

    /// The true maximum, if nobody is to blame.
    pub(super) fn into_max_timestamp(self) -> Result<TimestampMs, Invalid> {
        if !self.null_keys.is_empty() {
            return Err(Invalid::NullKeys {
                records: self.null_keys,
            });
        }
        if !self.bad_timestamps.is_empty() {
            return Err(Invalid::Timestamps {
                records: self.bad_timestamps,
            });
        }
        Ok(self.max_timestamp)
    }
}

fn push(list: &mut Vec<RecordError>, error: impl FnOnce() -> RecordError) {
    if list.len() < RECORD_ERRORS_MAX {
        list.push(error());
    }
}
