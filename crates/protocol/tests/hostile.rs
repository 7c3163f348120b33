//! Bytes that mean harm, for every message in every version: nothing panics, and nothing allocates
//! more than sixteen times the input and 64 KiB.

#[path = "support/counting.rs"]
mod counting;
mod support;

#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/frame.rs"]
mod frame;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/request.rs"]
mod request;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/response.rs"]
mod response;

use bytes::Bytes;
use protocol::wire::Reader;
use protocol::{ApiKey, Message};
use support::{Check, Random, Style, check_each, check_requests, encode, hostile, message};

/// What `decode` may allocate in all, even if it lets go of some of it.
fn allowed(input: &[u8]) -> usize {
    16 * input.len() + 64 * 1024
}

/// Decodes and counts. Whether it succeeds does not matter.
fn assert_bounded<M: Message>(name: &str, version: i16, input: &[u8]) -> bool {
    let mut r = Reader::new(Bytes::copy_from_slice(input));
    let (result, allocated) = counting::count(|| M::decode(&mut r, version));
    let (allocated, allowed) = (allocated.bytes, allowed(input));
    assert!(
        allocated <= allowed,
        "{name} v{version}: {allocated} > {allowed} for {input:02x?}"
    );
    result.is_ok()
}

fn valid(name: &str, version: i16, seed: u64) -> Vec<u8> {
    let random = Random::new(seed);
    let mut style = if seed.is_multiple_of(2) {
        Style::Random(random)
    } else {
        Style::RandomWithUnknownTags(random)
    };
    encode(message(name), version, &mut style)
}

#[test]
fn damaged_messages_are_read_within_bounds() {
    struct Damaged {
        read: usize,
        refused: usize,
    }
    impl Check for Damaged {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            let mut random = Random::new(1);
            for seed in 0..120 {
                let mut input = valid(name, version, seed % 6);
                hostile::mutate(&mut input, &mut random);
                if assert_bounded::<M>(name, version, &input) {
                    self.read += 1;
                } else {
                    self.refused += 1;
                }
            }
        }
    }
    let mut check = Damaged {
        read: 0,
        refused: 0,
    };
    check_each(&mut check);
    // The damage is neither harmless nor so great that only the first field is ever reached.
    assert!(
        check.read > 1000 && check.refused > check.read,
        "{} {}",
        check.read,
        check.refused
    );
}

#[test]
fn lies_from_scratch_are_read_within_bounds() {
    struct Lies;
    impl Check for Lies {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            for input in hostile::from_scratch() {
                assert_bounded::<M>(name, version, &input);
            }
        }
    }
    check_each(&mut Lies);
}

/// A request cut anywhere is refused, except where only tagged fields were lost.
#[test]
fn cut_messages_are_refused() {
    struct Cut;
    impl Check for Cut {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            let whole = valid(name, version, 2);
            for end in 0..whole.len().min(400) {
                let is_read = assert_bounded::<M>(name, version, &whole[..end]);
                assert!(
                    !is_read,
                    "{name} v{version} cut at {end} of {}",
                    whole.len()
                );
            }
        }
    }
    check_requests(&mut Cut);
}

/// Counts just below and just above what the allowance pays for, whatever the elements' size.
#[test]
fn the_largest_counts_that_pass_are_paid_for() {
    const ZEROS: usize = 5_000;
    const ELEMENT_BYTES: [usize; 10] = [24, 32, 40, 48, 56, 72, 80, 96, 136, 200];
    struct Counts;
    impl Check for Counts {
        fn check<M: Message>(&mut self, name: &'static str, key: ApiKey, version: i16) {
            let versions = key.versions();
            if ![versions.start(), versions.end()].contains(&&version) {
                return;
            }
            let is_flexible = message(name).flexible.contains(version);
            let mut one_each = Style::Many { count: 1, depth: 0 };
            let start = encode(message(name), version, &mut one_each);
            for (per_byte, element) in [16, 17]
                .into_iter()
                .flat_map(|n| ELEMENT_BYTES.map(|e| (n, e)))
            {
                let count = (per_byte * ZEROS + 64 * 1024) / element;
                let lie = hostile::count(count, is_flexible);
                // At each place of a valid message, as if a count were there.
                for at in 0..start.len().min(16) {
                    let input = [&start[..at], &lie, &[0; ZEROS]].concat();
                    assert_bounded::<M>(name, version, &input);
                }
            }
        }
    }
    check_each(&mut Counts);
}

/// The bodies of the fuzz targets, on what a fuzzer would come to.
#[test]
fn fuzz_bodies_hold() {
    struct Bodies(u8);
    impl Check for Bodies {
        fn check<M: Message>(&mut self, name: &'static str, key: ApiKey, version: i16) {
            let is_request = name.ends_with("Request");
            if version == *key.versions().start() {
                self.0 += 1;
            }
            let mut random = Random::new(u64::from(self.0));
            for seed in 0..60 {
                let mut input = valid(name, version, seed % 6);
                hostile::mutate(&mut input, &mut random);
                let nth_version = u8::try_from(version - key.versions().start()).expect("few");
                let chosen = [&[self.0 - 1, nth_version], input.as_slice()].concat();
                if !is_request {
                    response::run(&chosen);
                    continue;
                }
                request::run(&chosen);
                let [key, version] = [key.to_wire(), version].map(i16::to_be_bytes);
                frame::run(&[&key[..], &version, &[0, 0, 0, 1, 0xff, 0xff, 0], &input].concat());
                frame::run(&[&key[..], &version, &input].concat());
            }
        }
    }
    check_requests(&mut Bodies(0));
    support::check_responses(&mut Bodies(0));
}
