//! An event as JSON, in the form that `produce --json-lines` reads.

use bytes::Bytes;
use client::consumer::ConsumerRecord;
use serde_json::{Map, Value, json};

use crate::bytes_text::base64;

/// The object of an event. Bytes that are no text are base64, and say so.
pub(super) fn json(record: &ConsumerRecord) -> Value {
    let mut object = Map::new();
    object.insert("topic".to_owned(), json!(&*record.topic));
    object.insert("partition".to_owned(), json!(record.partition));
    object.insert("offset".to_owned(), json!(record.offset));
    object.insert("timestamp".to_owned(), json!(record.timestamp_ms));
    insert_bytes(&mut object, "key", record.key.as_ref());
    insert_bytes(&mut object, "value", record.value.as_ref());
    let headers = record.headers.iter().map(|header| {
        let mut object = Map::new();
        object.insert("key".to_owned(), json!(&*header.key));
        insert_bytes(&mut object, "value", header.value.as_ref());
        Value::Object(object)
    });
    object.insert("headers".to_owned(), headers.collect());
    Value::Object(object)
}

fn insert_bytes(object: &mut Map<String, Value>, name: &str, bytes: Option<&Bytes>) {
    let text = bytes.map(|bytes| std::str::from_utf8(bytes));
    let (value, is_base64) = match (text, bytes) {
        (Some(Ok(text)), _) => (json!(text), false),
        (Some(Err(_)), Some(bytes)) => (json!(base64(bytes)), true),
        _ => (Value::Null, false),
    };
    object.insert(name.to_owned(), value);
    if is_base64 {
        object.insert(format!("{name}Encoding"), json!("base64"));
    }
}

#[cfg(test)]
mod tests {
    use client::producer::RecordHeader;
    use proptest::prelude::*;

    use super::*;
    use crate::cmd::produce::parse_json_line;

    fn nullable() -> impl Strategy<Value = Option<Bytes>> {
        let bytes = prop_oneof![
            ".{0,12}".prop_map(Bytes::from),
            proptest::collection::vec(any::<u8>(), 0..12).prop_map(Bytes::from),
        ];
        proptest::option::of(bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_is_printed_is_read_back_as_it_was(
            key in nullable(),
            value in nullable(),
            headers in proptest::collection::vec((".{0,6}", nullable()), 0..4),
            partition in 0..100,
            timestamp_ms in 0_i64..2_000_000_000_000,
        ) {
            let headers: Vec<_> =
                headers.into_iter().map(|(name, value)| RecordHeader::new(name, value)).collect();
            let record = ConsumerRecord {
                topic: "t".into(),
                partition,
                offset: 7,
                leader_epoch: 0,
                timestamp_ms,
                is_log_append_time: false,
                key: key.clone(),
                value: value.clone(),
                headers: headers.clone(),
                producer_id: -1,
                producer_epoch: -1,
            };
            let parsed = parse_json_line(json(&record).to_string().as_bytes());
            let parsed = parsed.expect("our own output");
            prop_assert_eq!((parsed.key, parsed.value), (key, value));
            prop_assert_eq!(parsed.headers, headers);
            prop_assert_eq!(parsed.partition, Some(partition));
            prop_assert_eq!(parsed.timestamp_ms, Some(timestamp_ms));
        }
    }
}
