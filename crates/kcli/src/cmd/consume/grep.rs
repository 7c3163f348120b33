//! `--grep`: events whose value, key or header matches.

use client::consumer::ConsumerRecord;
use regex::bytes::Regex;

/// One condition.
#[derive(Debug, Clone)]
pub(super) struct Grep {
    place: Place,
    regex: Regex,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Value,
    Key,
    Header(String),
}

impl Grep {
    /// Reads `RE`, `v:RE`, `k:RE` or `h:NAME=RE`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (place, pattern) = match text.split_at_checked(2) {
            Some(("v:", pattern)) => (Place::Value, pattern),
            Some(("k:", pattern)) => (Place::Key, pattern),
            Some(("h:", rest)) => match rest.split_once('=') {
                Some((name, pattern)) => (Place::Header(name.to_owned()), pattern),
                None => return Err("write h:NAME=RE".to_owned()),
            },
            _ => (Place::Value, text),
        };
        let regex = Regex::new(pattern).map_err(|error| error.to_string())?;
        Ok(Self { place, regex })
    }

    /// Whether the event matches. What is null matches nothing.
    pub(super) fn matches(&self, record: &ConsumerRecord) -> bool {
        let is_match = |bytes: Option<&bytes::Bytes>| bytes.is_some_and(|b| self.regex.is_match(b));
        match &self.place {
            Place::Value => is_match(record.value.as_ref()),
            Place::Key => is_match(record.key.as_ref()),
            Place::Header(name) => {
                let headers = record.headers.iter().filter(|header| *header.key == **name);
                headers
                    .into_iter()
                    .any(|header| is_match(header.value.as_ref()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use client::producer::RecordHeader;

    use super::*;

    fn matches(pattern: &str) -> bool {
        let record = ConsumerRecord {
            topic: "t".into(),
            partition: 0,
            offset: 0,
            leader_epoch: 0,
            timestamp_ms: 0,
            is_log_append_time: false,
            key: Some("es".into()),
            value: Some("Madrid".into()),
            headers: vec![RecordHeader::new("source", Some("test".into()))],
            producer_id: -1,
            producer_epoch: -1,
        };
        Grep::parse(pattern).expect(pattern).matches(&record)
    }

    #[test]
    fn each_part_of_an_event_can_be_searched() {
        for pattern in ["drid$", "v:^M", "k:^es$", "h:source=te.t"] {
            assert!(matches(pattern), "{pattern}");
        }
        for pattern in ["paris", "k:M", "h:source=x", "h:other=test"] {
            assert!(!matches(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_are_none_are_refused() {
        assert!(Grep::parse("(").is_err());
        assert!(Grep::parse("h:x").is_err());
    }
}
