//! Where to: `--to` and the options of Kafka's tool that say the same.

use std::path::PathBuf;

use clap::Args;
use types::TimestampMs;

use crate::failure::{Failure, Result};
use crate::when;

/// Where a group shall read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// At the oldest event that is kept.
    Start,
    /// At what will be written next.
    End,
    /// Where it is; at the end where it has committed nothing.
    Current,
    /// At the first event at or after a time; at the end if there is none.
    Time(TimestampMs),
    /// So many offsets further, or back.
    Shift(i64),
    /// At this offset.
    Offset(i64),
    /// Where another group is.
    Group(String),
    /// Where a file says, partition by partition.
    File(PathBuf),
}

/// One of these says where to; all but the first are Kafka's.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct Place {
    #[arg(
        long,
        value_name = "PLACE",
        allow_hyphen_values = true,
        help = "start, end, @TIME, +N, -N, N, group:OTHER, file:FILE or current"
    )]
    to: Option<String>,
    #[arg(long, hide = true)]
    to_earliest: bool,
    #[arg(long, hide = true)]
    to_latest: bool,
    #[arg(long, hide = true)]
    to_current: bool,
    #[arg(long, hide = true, value_name = "DATETIME")]
    to_datetime: Option<String>,
    #[arg(long, hide = true, value_name = "DURATION")]
    by_duration: Option<String>,
    #[arg(long, hide = true, value_name = "N", allow_negative_numbers = true)]
    shift_by: Option<i64>,
    #[arg(long, hide = true, value_name = "OFFSET")]
    to_offset: Option<i64>,
    #[arg(long, hide = true, value_name = "FILE")]
    from_file: Option<PathBuf>,
}

impl Place {
    /// The target, whichever option named it.
    pub(super) fn target(&self, now_ms: TimestampMs) -> Result<Target> {
        let read = match &self.to {
            Some(text) => parse(text, now_ms),
            None => self.kafkas(now_ms),
        };
        read.map_err(Failure::usage)
    }

    fn kafkas(&self, now_ms: TimestampMs) -> Result<Target, String> {
        let simple = [
            (self.to_earliest, Target::Start),
            (self.to_latest, Target::End),
            (self.to_current, Target::Current),
        ];
        if let Some((_, target)) = simple.into_iter().find(|(is_set, _)| *is_set) {
            return Ok(target);
        }
        if let Some(text) = &self.to_datetime {
            return when::parse(&in_utc(text), now_ms).map(Target::Time);
        }
        if let Some(text) = &self.by_duration {
            return when::parse(&format!("-{text}"), now_ms).map(Target::Time);
        }
        if let Some(path) = &self.from_file {
            return Ok(Target::File(path.clone()));
        }
        let shift = self.shift_by.map(Target::Shift);
        let offset = self.to_offset.map(Target::Offset);
        shift.or(offset).ok_or_else(|| {
            "where to? Write --to start, end, @TIME, +N, -N, N, group:OTHER or file:FILE".to_owned()
        })
    }
}

/// Kafka's tool takes a time without a zone as UTC.
fn in_utc(text: &str) -> String {
    let time = text.split_once('T').map_or("", |(_, time)| time);
    match time.contains(['Z', '+', '-']) {
        true => text.to_owned(),
        false => format!("{text}Z"),
    }
}

fn parse(text: &str, now_ms: TimestampMs) -> Result<Target, String> {
    let error = || {
        format!(
            "--to {text}: write start, end, @TIME, +10 (ten further), -10 (ten back), 42, \
             group:OTHER, file:FILE or current"
        )
    };
    match text {
        "start" | "earliest" | "beginning" => return Ok(Target::Start),
        "end" | "latest" => return Ok(Target::End),
        "current" => return Ok(Target::Current),
        _ => {}
    }
    match text.split_once(':') {
        Some(("group", name)) if !name.is_empty() => return Ok(Target::Group(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => return Ok(Target::File(path.into())),
        _ => {}
    }
    if let Some(time) = text.strip_prefix('@') {
        return when::parse(time, now_ms).map(Target::Time);
    }
    let number = |digits: &str| digits.parse::<u32>().map(i64::from).map_err(|_e| error());
    match text.split_at_checked(1) {
        Some(("+", digits)) => number(digits).map(Target::Shift),
        Some(("-", digits)) => number(digits).map(|count| Target::Shift(-count)),
        _ => match text.parse::<i64>() {
            Ok(offset) if offset >= 0 => Ok(Target::Offset(offset)),
            _ => Err(error()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimestampMs = 1_700_000_000_000;

    #[test]
    fn one_word_says_where_to() {
        for (text, target) in [
            ("start", Target::Start),
            ("end", Target::End),
            ("current", Target::Current),
            ("@1700000000", Target::Time(NOW)),
            ("@-90m", Target::Time(NOW - 90 * 60_000)),
            ("+10", Target::Shift(10)),
            ("-10", Target::Shift(-10)),
            ("42", Target::Offset(42)),
            ("group:b", Target::Group("b".to_owned())),
            ("file:a.csv", Target::File("a.csv".into())),
        ] {
            assert_eq!(parse(text, NOW), Ok(target), "{text}");
        }
        for text in ["", "group:", "file:", "x", "--1", "1.5", "@later"] {
            assert!(parse(text, NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn kafkas_times_without_a_zone_are_utc() {
        for (text, read) in [
            ("2023-11-14T22:13:20.000", "2023-11-14T22:13:20.000Z"),
            ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z"),
            ("2023-11-14T23:13:20+01:00", "2023-11-14T23:13:20+01:00"),
        ] {
            assert_eq!(in_utc(text), read);
            assert_eq!(when::parse(&in_utc(text), NOW), Ok(NOW));
        }
        assert_eq!(when::parse("-PT1H30M", NOW), Ok(NOW - 90 * 60_000));
    }
}
