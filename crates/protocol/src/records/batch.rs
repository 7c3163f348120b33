//! A whole batch, and a record set cut into batches.

use bytes::Bytes;

use super::control::ControlRecord;
use super::crc;
use super::error::BatchError;
use super::header::{BatchHeader, HEADER_LEN};
use super::record::RecordIter;
use super::walk::{self, FoundRecord, RecordWalk};

/// One batch: its header and exactly its bytes, header included. A cheap slice of what it was cut
/// from, which stays in memory as long as the batch does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The header, parsed.
    pub header: BatchHeader,
    /// `header.size_in_bytes()` bytes.
    pub bytes: Bytes,
}

impl Batch {
    /// Cuts the batch at the start of `bytes` off; more may follow. Checks bounds, not the CRC.
    pub fn parse(bytes: &Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let size = header.size_in_bytes();
        if bytes.len() < size {
            return Err(BatchError::Incomplete {
                needed: size,
                available: bytes.len(),
            });
        }
        Ok(Self {
            header,
            bytes: bytes.slice(..size),
        })
    }

    /// Compares the checksum.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        crc::check(&self.header, &self.bytes)
    }

    /// The bytes after the header: the records, compressed as the header says.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.bytes.slice(HEADER_LEN..)
    }

    pub(super) fn payload_slice(&self) -> &[u8] {
        &self.bytes[HEADER_LEN..]
    }

    /// Reads the records, decompressed at once into at most `limit_bytes`. Keys and values are
    /// slices of that memory.
    pub fn records(&self, limit_bytes: usize) -> Result<RecordIter, BatchError> {
        RecordIter::new(self, limit_bytes)
    }

    /// Walks over the records' outlines in constant memory, however large they are; more than
    /// `limit_bytes` of them is an error.
    pub fn walk(&self, limit_bytes: usize) -> Result<RecordWalk<'_>, BatchError> {
        RecordWalk::new(self, limit_bytes)
    }

    /// The first record with a timestamp of `target` or later: the exact one, not the batch's first.
    pub fn first_record_at_or_after(
        &self,
        target: types::TimestampMs,
        limit_bytes: usize,
    ) -> Result<Option<FoundRecord>, BatchError> {
        walk::first_record_at_or_after(self, target, limit_bytes)
    }

    /// The first of the records with the largest timestamp. `None` if the batch has no records.
    pub fn record_with_max_timestamp(
        &self,
        limit_bytes: usize,
    ) -> Result<Option<FoundRecord>, BatchError> {
        walk::record_with_max_timestamp(self, limit_bytes)
    }

    /// What a control batch says. `None` for a batch of data, or one without records.
    pub fn control_record(&self) -> Result<Option<ControlRecord>, BatchError> {
        ControlRecord::read(self)
    }
}

/// Cuts a record set into its batches, without copying and without looking at the records.
///
/// The first error ends the iteration; [`BatchError::Incomplete`] is how a cut-off last batch shows.
#[must_use]
pub fn split_batches(bytes: Bytes) -> Batches {
    Batches { rest: bytes }
}

/// See [`split_batches`].
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    /// What has not been cut yet.
    #[must_use]
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = Batch::parse(&self.rest);
        match &batch {
            Ok(batch) => self.rest = self.rest.slice(batch.bytes.len()..),
            Err(_) => self.rest = Bytes::new(),
        }
        Some(batch)
    }
}

impl std::iter::FusedIterator for Batches {}
