//! The bodies of the fuzz targets for batches, on batches that Kafka wrote and somebody damaged.

#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/batch.rs"]
mod batch;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/decompress.rs"]
mod decompress;

use proptest::prelude::*;

/// The batches of the golden file, except the large ones.
fn batches() -> Vec<Vec<u8>> {
    include_str!("kafka_batches/batches.txt")
        .lines()
        .filter_map(|line| line.strip_prefix("batch ")?.split_once(' '))
        .filter(|(name, _)| !name.ends_with("-blocks"))
        .map(|(_, hex)| unhex(hex))
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).expect("hex"))
        .collect()
}

/// Which byte, and what it becomes.
fn damage() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec(any::<(usize, u8)>(), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_batches_are_read_alike_by_all_readers(which: usize, damage in damage()) {
        let all = batches();
        let mut bytes = all[which % all.len()].clone();
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        // A base offset of 0 is what producers send, and lets the batch reach validation.
        bytes[..8].fill(0);
        batch::run(&bytes);
    }

    #[test]
    fn damaged_payloads_stay_within_the_limit(which: usize, damage in damage()) {
        let all = batches();
        let mut bytes = all[which % all.len()].clone();
        let codec = bytes[22] & 7;
        bytes.drain(..60);
        bytes[0] = codec;
        for (at, byte) in damage {
            let at = 1 + at % (bytes.len() - 1);
            bytes[at] = byte;
        }
        decompress::run(&bytes);
    }

    #[test]
    fn garbage_is_harmless(bytes: Vec<u8>) {
        batch::run(&bytes);
        decompress::run(&bytes);
    }
}
