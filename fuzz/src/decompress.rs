//! Compressed bytes: the first byte chooses the codec.

use bytes::Bytes;
use protocol::records::Compression;
use protocol::records::compression::{compress, decompress};

const LIMIT_BYTES: usize = 1 << 20;

/// Nothing comes out beyond the limit, and everything that goes in comes out again.
pub fn run(data: &[u8]) {
    let [codec, input @ ..] = data else {
        return;
    };
    let codec = Compression::ALL[usize::from(*codec) % Compression::ALL.len()];
    let input = Bytes::copy_from_slice(input);
    if let Ok(output) = decompress(codec, &input, LIMIT_BYTES) {
        assert!(output.len() <= LIMIT_BYTES.max(input.len()));
    }
    let compressed = compress(codec, &input).expect("memory is all that it takes");
    let output = decompress(codec, &compressed.into(), input.len());
    assert_eq!(output.as_ref(), Ok(&input), "{codec}");
}
