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
