//! Kafka's checkpoint files: text, a version, a count, one entry a line.
//!
//! ```text
//! 0                      version
//! 2                      number of entries
//! golden 0 34            topic partition offset     (or: leader epoch, start offset)
//! orders 3 17
//! ```

use std::fmt::Write as _;
use std::str::FromStr;

use types::{LeaderEpoch, Offset, TopicPartition};

use super::ParseError;

const VERSION: &str = "0";

/// Entries of `recovery-point-offset-checkpoint` and its siblings.
pub(crate) fn parse_offsets(text: &[u8]) -> Result<Vec<(TopicPartition, Offset)>, ParseError> {
    parse(text, |words| {
        let [topic, partition, offset] = words else {
            return None;
        };
        let topic_partition = TopicPartition::new(*topic, number(partition)?);
        Some((topic_partition, number(offset)?))
    })
}

pub(crate) fn format_offsets<'a>(
    entries: impl ExactSizeIterator<Item = (&'a TopicPartition, Offset)>,
) -> Vec<u8> {
    let mut text = header(entries.len());
    for (tp, offset) in entries {
        line(
            &mut text,
            format_args!("{} {} {offset}", tp.topic, tp.partition),
        );
    }
    text.into_bytes()
}

/// Entries of `leader-epoch-checkpoint`.
pub(crate) fn parse_epochs(text: &[u8]) -> Result<Vec<(LeaderEpoch, Offset)>, ParseError> {
    parse(text, |words| {
        let [epoch, start] = words else { return None };
        Some((LeaderEpoch(number(epoch)?), number(start)?))
    })
}

pub(crate) fn format_epochs(entries: &[(LeaderEpoch, Offset)]) -> Vec<u8> {
    let mut text = header(entries.len());
    for (epoch, start) in entries {
        line(&mut text, format_args!("{epoch} {start}"));
    }
    text.into_bytes()
}

fn header(count: usize) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("{VERSION}"));
    line(&mut text, format_args!("{count}"));
    text
}

fn line(text: &mut String, args: std::fmt::Arguments<'_>) {
    writeln!(text, "{args}").expect("writing to a String cannot fail");
}

/// Every number in these files is zero or more.
fn number<T: FromStr + PartialOrd + Default>(word: &str) -> Option<T> {
    let value = word.parse().ok()?;
    (value >= T::default()).then_some(value)
}

fn parse<T>(text: &[u8], entry: impl Fn(&[&str]) -> Option<T>) -> Result<Vec<T>, ParseError> {
    // Kafka creates some of these files before it has anything to write.
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let text = std::str::from_utf8(text).map_err(|e| ParseError::new(1, e.to_string()))?;
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let (_, version) = lines.next().unwrap_or((1, ""));
    if version != VERSION {
        return Err(ParseError::new(
            1,
            format!("version {version:?}, expected {VERSION}"),
        ));
    }
    let count = lines
        .next()
        .and_then(|(_, count)| count.parse::<usize>().ok());
    let count = count.ok_or_else(|| ParseError::new(2, "no count of entries"))?;
    let mut entries = Vec::new();
    let mut words = Vec::new();
    for (number, line) in lines {
        words.clear();
        words.extend(line.split_ascii_whitespace().take(4));
        let parsed = entry(&words).ok_or_else(|| ParseError::new(number, "malformed entry"))?;
        entries.push(parsed);
    }
    if entries.len() != count {
        let reason = format!("{} entries, the count says {count}", entries.len());
        return Err(ParseError::new(2, reason));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_kafka_writes() {
        let text = b"0\n2\ngolden 0 34\n__transaction_state 0 10\n";
        let entries = parse_offsets(text).unwrap();
        assert_eq!(entries[0], (TopicPartition::new("golden", 0), 34));
        let refs = entries.iter().map(|(tp, offset)| (tp, *offset));
        assert_eq!(format_offsets(refs), text);

        let text = b"0\n2\n0 0\n2 25\n";
        let entries = parse_epochs(text).unwrap();
        assert_eq!(entries, [(LeaderEpoch(0), 0), (LeaderEpoch(2), 25)]);
        assert_eq!(format_epochs(&entries), text);
    }

    #[test]
    fn an_empty_file_holds_nothing() {
        assert_eq!(parse_epochs(b"").unwrap(), []);
        assert_eq!(format_epochs(&[]), b"0\n0\n");
    }

    #[test]
    fn half_written_and_foreign_files_are_refused_with_the_line() {
        for (text, line) in [
            (&b"1\n0\n"[..], 1),
            (b"0\n", 2),
            (b"0\nx\n", 2),
            (b"0\n2\n0 0\n", 2),
            (b"0\n1\n0 0\n1 5\n", 2),
            (b"0\n1\n0 -5\n", 3),
            (b"0\n1\n0\n", 3),
            (b"0\n1\n0 0 0\n", 3),
            (b"0\n99999999999999999999\n", 2),
            (b"\xff\n", 1),
        ] {
            let error = parse_epochs(text).unwrap_err();
            assert_eq!(error.line, line, "{:?}", String::from_utf8_lossy(text));
        }
    }
}
