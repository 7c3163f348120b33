//! What is stored or embedded rather than sent, in every version: what the schema says comes out of
//! the bytes and goes back in, damage stays within bounds, and Kafka reads and writes the same.

#[path = "support/counting.rs"]
mod counting;
mod support;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use bytes::Bytes;
use protocol::data::consumer_group_member_metadata::ConsumerGroupMemberMetadataKey;
use protocol::data::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use protocol::wire::{Reader, Writer};
use protocol::{Message, for_each_data, frame};
use support::{Random, Style, encode, hostile, message};

/// Something to be checked of every kind of data.
trait Check {
    /// `name` is the schema's.
    fn check<M: Message>(&mut self, name: &'static str, versions: RangeInclusive<i16>);
}

macro_rules! visits {
    ($(($module:ident, $name:ident))*) => {
        fn check_each(check: &mut impl Check) {
            $({
                type M = protocol::data::$module::$name;
                check.check::<M>(stringify!($name), M::VERSIONS);
            })*
        }
    };
}

for_each_data!(visits);

fn random_bytes(name: &str, version: i16, seed: u64) -> Vec<u8> {
    let mut style = Style::Random(Random::new(seed));
    encode(message(name), version, &mut style)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bytes_survive_decoding_and_encoding() {
    struct RoundTrip;
    impl Check for RoundTrip {
        fn check<M: Message>(&mut self, name: &'static str, versions: RangeInclusive<i16>) {
            for (version, seed) in versions.flat_map(|v| (0..32).map(move |seed| (v, seed))) {
                let bytes = random_bytes(name, version, seed);
                let value: M = frame::decode_body(bytes.clone().into(), version)
                    .unwrap_or_else(|error| panic!("{name} v{version}: {error}"));
                assert!(bytes.len() <= value.encoded_len(), "{name} v{version}");
                let again = frame::encode_body(&value, version);
                assert_eq!(again, Ok(bytes.into()), "{name} v{version} {value:?}");
            }
        }
    }
    check_each(&mut RoundTrip);
}

#[test]
fn defaults_are_those_of_the_schema() {
    struct Defaults;
    impl Check for Defaults {
        fn check<M: Message>(&mut self, name: &'static str, versions: RangeInclusive<i16>) {
            for version in versions {
                let bytes = encode(message(name), version, &mut Style::Default);
                let value = frame::decode_body(bytes.into(), version);
                assert_eq!(value, Ok(M::default()), "{name} v{version}");
            }
        }
    }
    check_each(&mut Defaults);
}

#[test]
fn versions_outside_the_schema_are_refused() {
    struct Outside;
    impl Check for Outside {
        fn check<M: Message>(&mut self, name: &'static str, versions: RangeInclusive<i16>) {
            for version in [versions.start() - 1, versions.end() + 1] {
                let mut r = Reader::new(Bytes::from_static(&[0; 64]));
                assert!(M::decode(&mut r, version).is_err(), "{name} v{version}");
                let mut w = Writer::default();
                assert!(M::default().encode(&mut w, version).is_err());
            }
        }
    }
    check_each(&mut Outside);
}

#[test]
fn damaged_data_is_read_within_bounds() {
    struct Damaged;
    impl Check for Damaged {
        fn check<M: Message>(&mut self, name: &'static str, versions: RangeInclusive<i16>) {
            let mut random = Random::new(1);
            for (version, seed) in versions.flat_map(|v| (0..120).map(move |seed| (v, seed))) {
                let mut input = random_bytes(name, version, seed % 6);
                hostile::mutate(&mut input, &mut random);
                let mut r = Reader::new(Bytes::copy_from_slice(&input));
                let (_, allocated) = counting::count(|| M::decode(&mut r, version).is_ok());
                let allowed = 16 * input.len() + 64 * 1024;
                assert!(
                    allocated.bytes <= allowed,
                    "{name} v{version}: {input:02x?}"
                );
            }
        }
    }
    check_each(&mut Damaged);
}

/// `data.tsv` holds random content that Kafka's classes have read and written back unchanged: every
/// kind of data in every version.
#[test]
fn kafka_writes_the_same_bytes() {
    struct Golden(HashMap<(&'static str, i16), &'static str>);
    impl Check for Golden {
        fn check<M: Message>(&mut self, name: &'static str, versions: RangeInclusive<i16>) {
            for version in versions {
                let golden = self.0.remove(&(name, version)).expect("in the table");
                let bytes: Vec<u8> = (0..golden.len())
                    .step_by(2)
                    .map(|i| u8::from_str_radix(&golden[i..i + 2], 16).expect("hex"))
                    .collect();
                let value: M = frame::decode_body(bytes.into(), version)
                    .unwrap_or_else(|error| panic!("{name} v{version}: {error}"));
                let again = frame::encode_body(&value, version).expect("it was read");
                assert_eq!(hex(&again), golden, "{name} v{version}");
            }
        }
    }
    let table = include_str!("golden/data.tsv").lines().skip(1);
    let lines = table.map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        ((cells[0], cells[1].parse().expect("a version")), cells[2])
    });
    let mut check = Golden(lines.collect());
    check_each(&mut check);
    assert!(check.0.is_empty(), "no such data: {:?}", check.0.keys());
}

#[test]
fn keys_say_what_the_record_is() {
    assert_eq!(OffsetCommitKey::RECORD_TYPE, 1);
    assert_eq!(OffsetCommitKey::VERSIONS, 0..=0);
    assert_eq!(OffsetCommitValue::VERSIONS, 0..=4);
    assert_eq!(ConsumerGroupMemberMetadataKey::RECORD_TYPE, 5);
}
