//! CRC-32C over everything after the checksum field.
//!
//! `crc-fast` rather than `crc32c`: on an AVX-512 Xeon at 1, 16 and 256 KiB it does 51, 59 and
//! 57 GB/s where `crc32c` does 27, 24 and 29; and it combines checksums, which `LogAppendTime` needs.

use crc_fast::CrcAlgorithm::Crc32Iscsi;
use crc_fast::Digest;

use super::error::BatchError;
use super::header::{BatchHeader, HEADER_LEN};

/// Where the checksum's range begins.
pub(super) const CRC_START: usize = 21;

/// CRC-32C (Castagnoli) of `bytes`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Whether the checksum of the batch in `bytes` (no more, no less) matches.
#[must_use]
pub fn verify_crc(bytes: &[u8]) -> bool {
    BatchHeader::parse(bytes)
        .is_ok_and(|header| header.size_in_bytes() == bytes.len() && check(&header, bytes).is_ok())
}

/// Compares the checksum of a batch whose header was read already.
pub(super) fn check(header: &BatchHeader, bytes: &[u8]) -> Result<(), BatchError> {
    compare(header, crc32c(bytes.get(CRC_START..).unwrap_or_default()))
}

/// Whether the checksum is the one that the header names.
pub(super) const fn compare(header: &BatchHeader, computed: u32) -> Result<(), BatchError> {
    let stored = header.crc;
    if stored == computed {
        Ok(())
    } else {
        Err(BatchError::Crc { stored, computed })
    }
}

/// Sets the checksum of `header` in front of `payload`.
pub(super) fn seal(header: &mut BatchHeader, payload: &[u8]) {
    let mut digest = Digest::new(Crc32Iscsi);
    digest.update(covered(&header.encode()));
    digest.update(payload);
    header.crc = low_half(digest.finalize());
}

/// Sets the checksum of `changed`, which differs from `original` only in the header, without
/// reading the payload again. `original.crc` must be right.
///
/// CRCs are linear: `crc(h₁ ‖ p) ^ crc(h₂ ‖ p)` is `crc(h₁) ^ crc(h₂)` moved over the length of `p`.
pub(super) fn reseal(original: &BatchHeader, changed: &mut BatchHeader) {
    let difference = crc32c(covered(&original.encode())) ^ crc32c(covered(&changed.encode()));
    let payload_len = original.size_in_bytes().saturating_sub(HEADER_LEN) as u64;
    let crc = crc_fast::checksum_combine(
        Crc32Iscsi,
        u64::from(difference),
        u64::from(original.crc),
        payload_len,
    );
    changed.crc = low_half(crc);
}

fn covered(header: &[u8; HEADER_LEN]) -> &[u8] {
    &header[CRC_START..]
}

pub(super) fn low_half(crc: u64) -> u32 {
    u32::try_from(crc).expect("a CRC-32 has 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32c_gives_the_value_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
    }
}
