//! One number for the content of an image, to notice nodes that disagree.

use prost::Message;

use crate::{MetadataImage, snapshot};

/// A hash of everything in the image except its offset. Equal images hash equally on every node,
/// build and platform, however they came about; different ones differ but for one in 2^64. It guards
/// against our own mistakes, not against an attacker.
///
/// Costs a walk over the whole image, so call it per minute or per snapshot, not per entry.
#[must_use]
pub fn content_hash(image: &MetadataImage) -> u64 {
    let mut hash = Fnv::new();
    let mut buffer = Vec::new();
    for record in snapshot(image) {
        buffer.clear();
        // A Vec grows as needed, so encoding into it cannot fail; the length keeps records apart.
        let encoded = record.encode_length_delimited(&mut buffer);
        debug_assert!(encoded.is_ok());
        hash.write(&buffer);
    }
    hash.0
}

/// FNV-1a with 64 bits: no tables, no platform differences.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
