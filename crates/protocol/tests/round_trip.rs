//! Every message in every version: what the schema says comes out of the bytes, and goes back in.

mod support;

use bytes::Bytes;
use protocol::wire::{Reader, Writer};
use protocol::{ApiKey, Message};
use support::{Check, Random, Style, check_each, encode, message};

/// Random messages per message and version.
const SEEDS: u64 = 16;

fn random_bytes(name: &str, version: i16, seed: u64) -> Vec<u8> {
    encode(
        message(name),
        version,
        &mut Style::Random(Random::new(seed)),
    )
}

/// Decodes all of it, or says what went wrong.
fn decode<M: Message>(name: &str, bytes: &[u8], version: i16) -> M {
    let mut r = Reader::new(Bytes::copy_from_slice(bytes));
    let value = M::decode(&mut r, version)
        .unwrap_or_else(|error| panic!("{name} v{version}: {error}\n{bytes:02x?}"));
    assert_eq!(r.remaining(), 0, "{name} v{version} {value:?}");
    value
}

#[test]
fn bytes_survive_decoding_and_encoding() {
    struct RoundTrip;
    impl Check for RoundTrip {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            for seed in 0..SEEDS {
                let bytes = random_bytes(name, version, seed);
                let value: M = decode(name, &bytes, version);
                let mut w = Writer::default();
                value
                    .encode(&mut w, version)
                    .unwrap_or_else(|error| panic!("{name} v{version}: {error}"));
                let segments = w.finish();
                assert_eq!(segments.to_bytes(), bytes, "{name} v{version} {value:?}");

                let by_reference: usize = segments.pieces().skip(1).map(Bytes::len).sum();
                let estimate = value.encoded_len() + by_reference;
                assert!(
                    bytes.len() <= estimate,
                    "{name} v{version} exceeds {estimate}"
                );
            }
        }
    }
    check_each(&mut RoundTrip);
}

#[test]
fn unknown_tags_are_skipped() {
    struct UnknownTags;
    impl Check for UnknownTags {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            for seed in 0..8 {
                let plain = random_bytes(name, version, seed);
                let mut style = Style::RandomWithUnknownTags(Random::new(seed));
                let tagged = encode(message(name), version, &mut style);
                let is_flexible = message(name).flexible.contains(version);
                assert_eq!(plain != tagged, is_flexible);
                let plain: M = decode(name, &plain, version);
                assert_eq!(plain, decode(name, &tagged, version));
            }
        }
    }
    check_each(&mut UnknownTags);
}

#[test]
fn defaults_are_those_of_the_schema() {
    struct Defaults;
    impl Check for Defaults {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            let bytes = encode(message(name), version, &mut Style::Default);
            let value: M = decode(name, &bytes, version);
            assert_eq!(value, M::default(), "{name} v{version}");
        }
    }
    check_each(&mut Defaults);
}

/// The bound on memory must not refuse what real clients send: arrays of the smallest elements
/// that make sense.
#[test]
fn arrays_of_many_small_elements_are_not_refused() {
    struct ManyElements;
    impl Check for ManyElements {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            for depth in 0..3 {
                let mut style = Style::Many {
                    count: 3_000,
                    depth,
                };
                decode::<M>(name, &encode(message(name), version, &mut style), version);
            }
        }
    }
    check_each(&mut ManyElements);
}

#[test]
fn versions_outside_the_table_are_refused() {
    struct Outside;
    impl Check for Outside {
        fn check<M: Message>(&mut self, _name: &'static str, key: ApiKey, _version: i16) {
            for version in [key.versions().start() - 1, key.versions().end() + 1] {
                assert!(M::decode(&mut Reader::new(Bytes::new()), version).is_err());
                assert!(
                    M::default()
                        .encode(&mut Writer::default(), version)
                        .is_err()
                );
            }
        }
    }
    check_each(&mut Outside);
}
