//! Bytes that mean harm: damaged messages and lies told from scratch.

use super::Random;
use super::values::uvarint;

/// Lengths and counts that tempt a parser, in both encodings.
const LIES: [&[u8]; 12] = [
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0xff; 4],
    &[0xff, 0xff, 0xff, 0xfe],
    &[0x00, 0x10, 0, 0],
    &[0x00, 0x00, 0x40, 0],
    &[0x7f, 0xff],
    &[0x80, 0x00],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
    &[0xff, 0xff, 0x7f],
];

/// Damages a message in up to four places.
pub(crate) fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let span = random.below(9).min(bytes.len() - at);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + span)),
            2 => drop(bytes.splice(at..at, vec![random.byte(); span])),
            3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            kind => {
                let lie = LIES[random.below(LIES.len())];
                // Over what is there, or between.
                let end = if kind == 4 {
                    at
                } else {
                    (at + lie.len()).min(bytes.len())
                };
                drop(bytes.splice(at..end, lie.iter().copied()));
            }
        }
    }
}

/// Lies at the start of a message, before much of the same byte.
pub(crate) fn from_scratch() -> impl Iterator<Item = Vec<u8>> {
    let fills = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff];
    LIES.iter()
        .copied()
        .chain([&[][..]])
        .flat_map(move |lie| fills.map(|fill| (lie, fill)))
        .flat_map(|(lie, fill)| {
            [0, 1, 13, 300].map(|length| [lie, vec![fill; length].as_slice()].concat())
        })
}

/// The count of an array.
pub(crate) fn count(count: usize, is_flexible: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if is_flexible {
        uvarint(count + 1, &mut bytes);
    } else {
        bytes.extend(u32::try_from(count).expect("small").to_be_bytes());
    }
    bytes
}
