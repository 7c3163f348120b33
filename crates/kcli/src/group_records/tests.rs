//! Records that Kafka 4.3.1 wrote.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn decoded(key: &str, value: &str) -> Decoded {
    let value = (!value.is_empty()).then(|| bytes(value));
    let read = decode(&bytes(key), value.as_ref()).expect("it can be read");
    read.expect("its type is known")
}

#[test]
fn a_committed_offset_is_read() {
    let key = "0001000673696d706c6500017400000000";
    let value = "000400000000000000050000000305686f6c61000001a203af7e2c0100106c5cd0037aff4fd39e024e7fe2cbbe21";
    let read = decoded(key, value);
    assert_eq!(
        key_text(&read.key),
        "OffsetCommit group=simple topic=t partition=0"
    );
    assert_eq!(read.value["offset"], 5);
    assert_eq!(read.value["leaderEpoch"], 3);
    assert_eq!(read.value["metadata"], "hola");
    let text = value_text(&read.value);
    assert!(
        text.starts_with("offset=5 leaderEpoch=3 metadata=hola committedAt=2026-"),
        "{text}"
    );
    assert_eq!(value_text(&decoded(key, "").value), "-");
}

#[test]
fn a_classic_group_is_read_with_what_its_members_say() {
    let key = "00020007636c6173736963";
    let value = "00030008636f6e73756d657200000001000572616e67650029696e73742d33313531643631342d656362332d343431642d626161652d613964343662316362616234000001a203af7eeb000000010029696e73742d33313531643631342d656362332d343431642d626161652d6139643436623163626162340004696e73740002636c000a2f3132372e302e302e31000493e00000afc800000017000300000001000174ffffffff00000000ffffffffffff00000019000300000001000174000000020000000000000001ffffffff";
    let read = decoded(key, value);
    assert_eq!(key_text(&read.key), "GroupMetadata group=classic");
    assert_eq!(read.value["protocol"], "range");
    let member = &read.value["members"][0];
    assert_eq!(member["instanceId"], "inst");
    assert_eq!(member["subscription"]["topics"], json!(["t"]));
    assert_eq!(
        member["assignment"],
        json!([{ "topic": "t", "partitions": [0, 1] }])
    );
}

#[test]
fn parts_of_a_consumer_group_are_read() {
    let member = "00066d6f6465726e0016396e64467454715f516b2d627239646d6d5a71574e67";
    let read = decoded(
        &format!("0005{member}"),
        "0000000003636c0b2f3132372e302e302e3102027401000493e00001000100",
    );
    assert_eq!(read.key["type"], "ConsumerGroupMemberMetadata");
    assert_eq!(read.value["topics"], json!(["t"]));
    assert_eq!(read.value["classic"], Value::Null);
    let read = decoded(
        &format!("0008{member}"),
        "0000000000020000000000026c5cd0037aff4fd39e024e7fe2cbbe210300000000000000010100090300000002000000020100",
    );
    assert_eq!(read.value["state"], "Stable");
    assert_eq!(read.value["assigned"][0]["partitions"], json!([0, 1]));
}

#[test]
fn what_is_unknown_or_damaged_is_told_and_never_guessed() {
    assert_eq!(decode(&bytes("0063"), None), Ok(None));
    assert!(decode(&bytes("00"), None).is_err());
    assert!(decode(&bytes("0001000673"), None).is_err());
    let key = bytes("0001000673696d706c6500017400000000");
    let damaged = bytes("00040000");
    let refused = decode(&key, Some(&damaged)).expect_err("too short");
    assert!(refused.starts_with("value of OffsetCommit: "), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_or_refused(
        record_type in 0_i16..20,
        version in -1_i16..6,
        key in proptest::collection::vec(any::<u8>(), 0..40),
        value in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let numbered = |number: i16, rest: Vec<u8>| {
            Bytes::from([number.to_be_bytes().to_vec(), rest].concat())
        };
        let (key, value) = (numbered(record_type, key), numbered(version, value));
        if let Ok(Some(read)) = decode(&key, Some(&value)) {
            prop_assert!(key_text(&read.key).len() + value_text(&read.value).len() > 1);
        }
    }
}
