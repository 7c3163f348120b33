//! `partition.metadata`: the topic id a partition's folder belongs to.

use types::TopicId;

use super::ParseError;

pub(crate) const NAME: &str = "partition.metadata";

/// Kafka ends the file without a line break; so do we.
pub(crate) fn format(topic_id: TopicId) -> Vec<u8> {
    format!("version: 0\ntopic_id: {topic_id}").into_bytes()
}

pub(crate) fn parse(text: &[u8]) -> Result<TopicId, ParseError> {
    let text = std::str::from_utf8(text).map_err(|e| ParseError::new(1, e.to_string()))?;
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.strip_prefix("version: "));
    if version != Some("0") {
        return Err(ParseError::new(1, "expected \"version: 0\""));
    }
    let id = lines
        .next()
        .and_then(|line| line.strip_prefix("topic_id: "));
    let id = id.ok_or_else(|| ParseError::new(2, "expected \"topic_id: …\""))?;
    let id = id.parse().map_err(|e| ParseError::new(2, format!("{e}")))?;
    Ok(TopicId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_kafka_writes() {
        let text = b"version: 0\ntopic_id: btKKG7DmTHuLskg82MLVlQ";
        assert_eq!(format(parse(text).unwrap()), text);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            &b""[..],
            b"version: 1\n",
            b"version: 0\n",
            b"version: 0\ntopic_id: x",
        ] {
            assert!(parse(text).is_err());
        }
    }
}
