//! What the drill writes: which drill, where, the how-manieth, and when. Text, so that anybody who
//! looks into the topic sees what it is.

use bytes::Bytes;

const WORD: &str = "raudal-drill";
/// A record is never larger than this.
pub(super) const SIZE_MAX: usize = 1 << 20;

/// The meaning of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Payload {
    /// Tells this drill from others on the same topic.
    pub(super) run: u64,
    /// Counts the records of one partition, from 0.
    pub(super) sequence: u64,
    /// When it was handed over, in microseconds of the drill.
    pub(super) sent_us: u64,
}

impl Payload {
    /// As the value of a record, filled up to a size.
    pub(super) fn to_bytes(self, size: usize) -> Bytes {
        let Self {
            run,
            sequence,
            sent_us,
        } = self;
        let mut text = format!("{WORD} {run:016x} {sequence} {sent_us} ").into_bytes();
        text.resize(text.len().max(size.min(SIZE_MAX)), b'.');
        text.into()
    }

    /// Out of a record's value; `None` if a drill did not write it.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let mut words = value.splitn(5, |byte| *byte == b' ');
        let mut next = || std::str::from_utf8(words.next()?).ok();
        if next()? != WORD {
            return None;
        }
        Some(Self {
            run: u64::from_str_radix(next()?, 16).ok()?,
            sequence: next()?.parse().ok()?,
            sent_us: next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let payload = Payload {
            run: 0xabc,
            sequence: 42,
            sent_us: 1_234_567,
        };
        let bytes = payload.to_bytes(100);
        assert_eq!(bytes.len(), 100);
        assert_eq!(Payload::parse(&bytes), Some(payload));
        assert_eq!(Payload::parse(&payload.to_bytes(0)), Some(payload));
    }

    #[test]
    fn what_others_wrote_is_no_payload() {
        for other in [
            &b""[..],
            b"verde",
            b"raudal-drill",
            b"raudal-drill x 1 2 ",
            b"\xff\xfe ",
        ] {
            assert_eq!(Payload::parse(other), None);
        }
    }
}
