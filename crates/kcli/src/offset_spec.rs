//! `--offset`: where to begin, and perhaps where to end, in one word.

use types::TimestampMs;

use crate::when;

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The log start offset.
    Start,
    /// The end of the log as it is when the command begins.
    End,
    /// This offset.
    At(i64),
    /// So many records before the end.
    BeforeEnd(i64),
    /// So many records after the start.
    AfterStart(i64),
    /// The first record at or after this time.
    Time(TimestampMs),
}

/// Where to begin and, perhaps, where to end (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first record wanted.
    pub(crate) from: Point,
    /// The first record no longer wanted.
    pub(crate) to: Option<Point>,
}

impl Point {
    /// The offset, given the answer to the question and the ends of the log. A time with no record
    /// after it is the end.
    pub(crate) fn resolve(self, answer: Option<i64>, log_start: i64, log_end: i64) -> i64 {
        let answered = answer.filter(|offset| *offset >= 0);
        let offset = match self {
            Self::Start => log_start,
            Self::End => log_end,
            Self::At(offset) => offset,
            Self::BeforeEnd(count) => log_end.saturating_sub(count),
            Self::AfterStart(count) => log_start.saturating_add(count),
            Self::Time(_) => answered.unwrap_or(log_end),
        };
        offset.clamp(log_start, log_end.max(log_start))
    }
}

/// Reads `start`, `end`, `N`, `-N`, `+N`, `@TIME`, `A:B`, `:end` or `@A..@B`.
///
/// # Errors
/// A sentence with the forms understood.
pub(crate) fn parse(text: &str, now_ms: TimestampMs) -> Result<Range, String> {
    let (from, to) = match split(text) {
        Some((from, to)) => (from, Some(to)),
        None => (text, None),
    };
    Ok(Range {
        from: match (from, to) {
            ("", Some(_)) => Point::Start,
            _ => point(from, now_ms)?,
        },
        to: match to {
            None => None,
            Some("") => Some(Point::End),
            Some(to) => Some(point(to, now_ms)?),
        },
    })
}

/// Times hold colons themselves, so ranges of times are written with two dots.
fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once("..")
        .or_else(|| match text.starts_with('@') {
            true => None,
            false => text.split_once(':'),
        })
}

fn point(text: &str, now_ms: TimestampMs) -> Result<Point, String> {
    let error = || {
        format!(
            "{text:?} is no offset: write start, end, 42, -10 (ten before the end), +10 (ten after \
             the start), @TIME, 10:20 or :end. See `kcli help offsets`"
        )
    };
    let count = |digits: &str| digits.parse::<u32>().map(i64::from).map_err(|_e| error());
    match text {
        "start" | "earliest" | "beginning" => return Ok(Point::Start),
        "end" | "latest" => return Ok(Point::End),
        _ => {}
    }
    match text.split_at_checked(1) {
        Some(("@", time)) => when::parse(time, now_ms).map(Point::Time),
        Some(("-", digits)) => count(digits).map(Point::BeforeEnd),
        Some(("+", digits)) => count(digits).map(Point::AfterStart),
        _ => match text.parse::<i64>() {
            Ok(offset) if offset >= 0 => Ok(Point::At(offset)),
            _ => Err(error()),
        },
    }
}

/// The page `kcli help offsets`.
pub(crate) const PAGE: &str = "\
OFFSETS                                      kcli consume TOPIC --offset WORD

  start            the oldest record kept (same as --from-beginning)
  end              records that arrive from now on (the default)
  42               offset 42 of every partition
  -10              the last ten records of every partition
  +10              ten records after the oldest one
  @TIME            the first record at or after a time
  10:20            offsets 10 to 19, then stop
  10:end  :end     up to where the log ends now, then stop
  @A..@B           records from one time to another, then stop

TIME is 1700000000000 (ms), 1700000000 (s), 2026-01-31, 2026-01-31T12:00:00Z (without Z: local
time), -90m (ninety minutes ago), now, today or yesterday.

In a file of a partition offsets have gaps: transaction markers and compacted records leave them.
-10 counts offsets, so it may give fewer than ten records.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Result<Range, String> {
        parse(text, 1_700_000_000_000)
    }

    fn from(point: Point) -> Result<Range, String> {
        Ok(Range {
            from: point,
            to: None,
        })
    }

    #[test]
    fn one_word_is_where_to_begin() {
        assert_eq!(range("start"), from(Point::Start));
        assert_eq!(range("end"), from(Point::End));
        assert_eq!(range("42"), from(Point::At(42)));
        assert_eq!(range("-10"), from(Point::BeforeEnd(10)));
        assert_eq!(range("+10"), from(Point::AfterStart(10)));
        assert_eq!(range("@1700000000"), from(Point::Time(1_700_000_000_000)));
        assert_eq!(
            range("@2023-11-14T22:13:20Z"),
            from(Point::Time(1_700_000_000_000))
        );
    }

    #[test]
    fn a_colon_says_where_to_end() {
        let both = |from, to| Ok(Range { from, to: Some(to) });
        assert_eq!(range("10:20"), both(Point::At(10), Point::At(20)));
        assert_eq!(range(":end"), both(Point::Start, Point::End));
        assert_eq!(range("10:"), both(Point::At(10), Point::End));
        assert_eq!(range("-5:end"), both(Point::BeforeEnd(5), Point::End));
        assert_eq!(
            range("@0..@now"),
            both(Point::Time(0), Point::Time(1_700_000_000_000))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "x", "--5", "1.5", "-", "99999999999999999999"] {
            assert!(range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn points_stay_within_the_log() {
        assert_eq!(Point::BeforeEnd(10).resolve(None, 5, 8), 5);
        assert_eq!(Point::AfterStart(10).resolve(None, 5, 8), 8);
        assert_eq!(Point::Time(1).resolve(Some(-1), 5, 8), 8);
        assert_eq!(Point::Time(1).resolve(Some(6), 5, 8), 6);
        assert_eq!(Point::At(7).resolve(None, 5, 8), 7);
        assert_eq!(Point::At(100).resolve(None, 5, 8), 8);
    }
}
