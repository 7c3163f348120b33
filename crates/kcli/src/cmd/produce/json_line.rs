//! A line of `--json-lines`: the inverse of what `consume -o jsonl` prints.

use bytes::Bytes;
use client::producer::RecordHeader;
use serde_json::Value;

use super::line::Parsed;
use crate::bytes_text::from_base64;

const BASE64: &str = "base64";

/// Reads a line.
pub(crate) fn parse(line: &[u8]) -> Result<Parsed, String> {
    let json: Value = serde_json::from_slice(line).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(fields) = &json else {
        return Err("no JSON object".to_owned());
    };
    Ok(Parsed {
        key: bytes(fields.get("key"), fields.get("keyEncoding"), "key")?,
        value: bytes(fields.get("value"), fields.get("valueEncoding"), "value")?,
        headers: headers(fields.get("headers"))?,
        partition: match fields.get("partition") {
            None | Some(Value::Null) => None,
            Some(number) => Some(
                number
                    .as_i64()
                    .and_then(|n| i32::try_from(n).ok())
                    .ok_or("partition: no partition number")?,
            ),
        },
        timestamp_ms: match fields.get("timestamp") {
            None | Some(Value::Null) => None,
            Some(number) => Some(
                number
                    .as_i64()
                    .ok_or("timestamp: no number of milliseconds")?,
            )
            .filter(|ms| *ms >= 0),
        },
    })
}

/// Text is itself; other JSON is its own text, so that an object can be written as it stands.
fn bytes(
    value: Option<&Value>,
    encoding: Option<&Value>,
    what: &str,
) -> Result<Option<Bytes>, String> {
    let is_base64 = encoding.and_then(Value::as_str) == Some(BASE64);
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if is_base64 => match from_base64(text) {
            Some(bytes) => Ok(Some(bytes.into())),
            None => Err(format!("{what}: no base64")),
        },
        Some(Value::String(text)) => Ok(Some(Bytes::from(text.clone()))),
        Some(other) => Ok(Some(Bytes::from(other.to_string()))),
    }
}

/// A list of `{"key","value"}`, or an object of names and values.
fn headers(value: Option<&Value>) -> Result<Vec<RecordHeader>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(header).collect(),
        Some(Value::Object(fields)) => fields
            .iter()
            .map(|(name, value)| {
                Ok(RecordHeader::new(
                    name.as_str(),
                    bytes(Some(value), None, name)?,
                ))
            })
            .collect(),
        Some(_) => Err("headers: neither a list nor an object".to_owned()),
    }
}

fn header(item: &Value) -> Result<RecordHeader, String> {
    let name = item["key"]
        .as_str()
        .ok_or("headers: an entry without key")?;
    let value = bytes(item.get("value"), item.get("valueEncoding"), "header")?;
    Ok(RecordHeader::new(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_of_a_record_can_be_written() {
        let line = r#"{"key":"k","value":{"a":1},"headers":[{"key":"h","value":"AA==",
            "valueEncoding":"base64"}],"partition":3,"timestamp":5,"offset":9,"topic":"x"}"#;
        let parsed = parse(line.as_bytes()).expect("parses");
        assert_eq!(parsed.key, Some("k".into()));
        assert_eq!(parsed.value, Some(r#"{"a":1}"#.into()));
        assert_eq!(
            parsed.headers,
            [RecordHeader::new("h", Some(Bytes::from_static(&[0])))]
        );
        assert_eq!((parsed.partition, parsed.timestamp_ms), (Some(3), Some(5)));
    }

    #[test]
    fn what_is_missing_or_null_is_null() {
        assert_eq!(parse(b"{}"), Ok(Parsed::default()));
        assert_eq!(
            parse(br#"{"value":null,"timestamp":-1}"#),
            Ok(Parsed::default())
        );
    }

    #[test]
    fn headers_may_be_an_object() {
        let parsed = parse(br#"{"headers":{"a":"1","b":null}}"#).expect("parses");
        let expected = [
            RecordHeader::new("a", Some("1".into())),
            RecordHeader::new("b", None),
        ];
        assert_eq!(parsed.headers, expected);
    }

    #[test]
    fn nonsense_is_named() {
        for (line, part) in [
            ("nope", "no JSON"),
            ("[]", "no JSON object"),
            (r#"{"partition":"x"}"#, "partition"),
            (r#"{"value":"!","valueEncoding":"base64"}"#, "base64"),
            (r#"{"headers":[{}]}"#, "without key"),
        ] {
            let error = parse(line.as_bytes()).expect_err(line);
            assert!(error.contains(part), "{error}");
        }
    }
}
