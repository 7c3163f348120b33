//! The codecs of record batches, each bounded on the way out.
//!
//! | id | codec | written | also read |
//! |---|---|---|---|
//! | 0 | none | | |
//! | 1 | gzip | one member | several |
//! | 2 | snappy | xerial blocks of 32 KiB, as snappy-java does | bare snappy, as librdkafka does |
//! | 3 | lz4 | one frame, independent 64 KiB blocks | linked blocks, checksums |
//! | 4 | zstd | one frame | several |

mod capped;
mod snappy;

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::error::BatchError;
use capped::{Capped, LimitExceeded};

/// How much is decompressed at a time when records are only walked over.
const WALK_BUFFER_BYTES: usize = 16 * 1024;

/// What a batch's records are compressed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// All of them, in the order of their ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with an id from the low three bits of a batch's attributes.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// The id in a batch's attributes.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The name that `compression.type` uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Compresses `input` at the codec's default level.
pub fn compress(compression: Compression, input: &[u8]) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(input.to_vec()),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(input)?;
            encoder.finish()
        }
        Compression::Snappy => snappy::compress(input),
        Compression::Lz4 => {
            // Kafka's reader refuses linked blocks and content sizes.
            let info = FrameInfo::new()
                .block_mode(BlockMode::Independent)
                .block_size(BlockSize::Max64KB);
            let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(input)?;
            encoder.finish().map_err(io::Error::from)
        }
        Compression::Zstd => zstd::bulk::compress(input, zstd::DEFAULT_COMPRESSION_LEVEL),
    }
}

/// Decompresses `input` into at most `limit_bytes`. Uncompressed bytes are returned as they are.
pub fn decompress(
    compression: Compression,
    input: &Bytes,
    limit_bytes: usize,
) -> Result<Bytes, BatchError> {
    if compression == Compression::None {
        return Ok(input.clone());
    }
    let mut output = Vec::with_capacity(limit_bytes.min(input.len().saturating_mul(4)));
    open(compression, input, limit_bytes)
        .and_then(|mut reader| reader.read_to_end(&mut output))
        .map_err(|error| into_batch_error(compression, &error))?;
    Ok(output.into())
}

/// Reads `input` decompressed, bit by bit, failing after `limit_bytes`.
pub(super) fn stream(
    compression: Compression,
    input: &[u8],
    limit_bytes: usize,
) -> Result<Box<dyn BufRead + '_>, BatchError> {
    if compression == Compression::None {
        return Ok(Box::new(input));
    }
    match open(compression, input, limit_bytes) {
        Ok(reader) => Ok(Box::new(BufReader::with_capacity(
            WALK_BUFFER_BYTES,
            reader,
        ))),
        Err(error) => Err(into_batch_error(compression, &error)),
    }
}

/// Says what an error of a decompressing reader means.
pub(super) fn into_batch_error(compression: Compression, error: &io::Error) -> BatchError {
    match LimitExceeded::find(error) {
        Some(limit_bytes) => BatchError::DecompressedTooLarge { limit_bytes },
        None => BatchError::Decompress {
            compression,
            reason: error.to_string(),
        },
    }
}

fn open(
    compression: Compression,
    input: &[u8],
    limit_bytes: usize,
) -> io::Result<Capped<Box<dyn Read + '_>>> {
    let reader: Box<dyn Read + '_> = match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(MultiGzDecoder::new(input)),
        Compression::Snappy => Box::new(snappy::Reader::new(input, limit_bytes)),
        Compression::Lz4 => Box::new(FrameDecoder::new(input)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(input)?),
    };
    Ok(Capped::new(reader, limit_bytes))
}

#[cfg(test)]
mod tests;
