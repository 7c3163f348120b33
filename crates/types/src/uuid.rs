//! Kafka's UUID: sixteen bytes, printed as URL-safe base64 without padding.

use std::fmt;
use std::str::FromStr;

/// Sixteen bytes that name a topic, a log directory or a cluster.
///
/// The printed form is the one Kafka uses everywhere: 22 characters of URL-safe base64.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TEXT_LEN: usize = 22;

impl Uuid {
    /// All zeros: "no id" on the wire.
    pub const ZERO: Self = Self([0; 16]);
    /// Reserved by Kafka (`Uuid.ONE_UUID`, the metadata topic).
    pub const ONE: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// Wraps bytes as they stand on the wire.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes as they stand on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Makes a version 4 UUID of sixteen random bytes. Bytes that would collide with a reserved id,
    /// or print with a leading dash (which command lines take for a flag), are rejected.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 16]) -> Option<Self> {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let id = Self(bytes);
        (!id.to_string().starts_with('-')).then_some(id)
    }

    /// Whether this is [`Uuid::ZERO`].
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..TEXT_LEN).try_for_each(|i| {
            fmt::Write::write_char(f, char::from(ALPHABET[usize::from(self.sextet(i))]))
        })
    }
}

impl Uuid {
    /// The `i`th group of six bits, the last one padded with zero bits.
    fn sextet(&self, i: usize) -> u8 {
        let bit = i * 6;
        let high = u16::from(self.0[bit / 8]) << 8;
        let low = self.0.get(bit / 8 + 1).copied().map_or(0, u16::from);
        (((high | low) >> (10 - bit % 8)) & 0x3f) as u8
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not 22 characters of URL-safe base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseUuidError(String);

impl fmt::Display for ParseUuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a uuid of {TEXT_LEN} url-safe base64 characters",
            self.0
        )
    }
}

impl std::error::Error for ParseUuidError {}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUuidError(text.chars().take(64).collect());
        if text.len() != TEXT_LEN {
            return Err(error());
        }
        let mut bits: u128 = 0;
        for (i, c) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|a| *a == c).ok_or_else(error)? as u128;
            // The last character carries two significant bits; the other four must be zero.
            if i == TEXT_LEN - 1 {
                if value & 0x0f != 0 {
                    return Err(error());
                }
                bits = (bits << 2) | (value >> 4);
            } else {
                bits = (bits << 6) | value;
            }
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_kafka_prints_its_well_known_ids() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::ONE.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let id: Uuid = "J7s9e8PPTKOO47PxzI39VA".parse().expect("a valid id");
        assert_eq!(id.to_string(), "J7s9e8PPTKOO47PxzI39VA");
    }

    #[test]
    fn every_byte_survives_a_round_trip() {
        for seed in 0..=255u8 {
            let mut bytes = [0u8; 16];
            for (i, b) in (0u8..).zip(bytes.iter_mut()) {
                *b = seed.wrapping_mul(31).wrapping_add(i.wrapping_mul(57));
            }
            let id = Uuid::from_bytes(bytes);
            assert_eq!(id.to_string().parse::<Uuid>(), Ok(id));
        }
    }

    #[test]
    fn rejects_wrong_lengths_letters_and_stray_bits() {
        for text in [
            "",
            "short",
            "J7s9e8PPTKOO47PxzI39VAA",
            "J7s9e8PPTKOO47PxzI39V+",
            "AAAAAAAAAAAAAAAAAAAAAB",
        ] {
            assert!(text.parse::<Uuid>().is_err(), "{text}");
        }
    }

    #[test]
    fn random_ids_never_start_with_a_dash() {
        let mut bytes = [0xf8u8; 16];
        bytes[0] = 0xf8; // 0b111110.. prints as '-'
        assert_eq!(Uuid::from_random(bytes), None);
    }
}
