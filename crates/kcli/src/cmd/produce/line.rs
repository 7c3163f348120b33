//! One line to the parts of a record.

use bytes::Bytes;
use client::producer::RecordHeader;

use super::json_line;

/// How lines are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LineFormat {
    /// Text: perhaps a key before a separator.
    Text {
        key_separator: Option<Vec<u8>>,
        null_marker: Option<Vec<u8>>,
        empty_is_null: bool,
    },
    /// Objects.
    Json,
}

/// What a line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Vec<RecordHeader>,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp_ms: Option<i64>,
}

impl LineFormat {
    /// Reads a line, without what ended it.
    pub(super) fn parse(&self, line: Bytes) -> Result<Parsed, String> {
        let Self::Text {
            key_separator,
            null_marker,
            empty_is_null,
        } = self
        else {
            return json_line::parse(&line);
        };
        let nullable = |part: Bytes| {
            let is_null = (*empty_is_null && part.is_empty())
                || null_marker
                    .as_deref()
                    .is_some_and(|marker| *marker == *part);
            (!is_null).then_some(part)
        };
        let Some(separator) = key_separator else {
            return Ok(Parsed {
                value: nullable(line),
                ..Parsed::default()
            });
        };
        let Some(at) = find(&line, separator) else {
            let shown = String::from_utf8_lossy(separator);
            return Err(format!("no key separator {shown:?} in the line"));
        };
        Ok(Parsed {
            key: nullable(line.slice(..at)),
            value: nullable(line.slice(at + separator.len()..)),
            ..Parsed::default()
        })
    }
}

/// Where `needle`, which is not empty, first stands.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [byte] => haystack.iter().position(|b| b == byte),
        _ => haystack
            .windows(needle.len())
            .position(|window| window == needle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(separator: Option<&str>) -> LineFormat {
        LineFormat::Text {
            key_separator: separator.map(|s| s.as_bytes().to_vec()),
            null_marker: Some(b"NULL".to_vec()),
            empty_is_null: false,
        }
    }

    fn parts(format: &LineFormat, line: &'static str) -> (Option<Bytes>, Option<Bytes>) {
        let parsed = format
            .parse(Bytes::from_static(line.as_bytes()))
            .expect("parses");
        (parsed.key, parsed.value)
    }

    #[test]
    fn the_first_separator_divides_key_and_value() {
        let format = text(Some(":"));
        assert_eq!(
            parts(&format, "k:a:b"),
            (Some("k".into()), Some("a:b".into()))
        );
        assert_eq!(parts(&format, ":v"), (Some("".into()), Some("v".into())));
        assert_eq!(parts(&format, "k:NULL"), (Some("k".into()), None));
        assert!(format.parse(Bytes::from_static(b"no key")).is_err());
        assert_eq!(
            parts(&text(Some("=>")), "a=>b"),
            (Some("a".into()), Some("b".into()))
        );
    }

    #[test]
    fn an_empty_line_is_an_empty_event_unless_it_shall_be_null() {
        assert_eq!(parts(&text(None), ""), (None, Some("".into())));
        let null = LineFormat::Text {
            key_separator: Some(b":".to_vec()),
            null_marker: None,
            empty_is_null: true,
        };
        assert_eq!(parts(&null, "k:"), (Some("k".into()), None));
        assert_eq!(parts(&null, ":"), (None, None));
    }
}
