//! Moments as people write them after `@`: milliseconds, seconds, dates, or "an hour ago".

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan as _};
use types::TimestampMs;

/// What `@` may be followed by, for messages.
pub(crate) const FORMS: &str = "@1700000000000 (ms), @1700000000 (s), @2026-01-31, \
    @2026-01-31T12:00:00Z, @-90m, @now, @today or @yesterday";

/// Reads the text after `@`. `now_ms` is the present.
///
/// # Errors
/// A sentence that names the forms understood.
pub(crate) fn parse(text: &str, now_ms: TimestampMs) -> Result<TimestampMs, String> {
    moment(text, now_ms, &TimeZone::system())
        .ok_or_else(|| format!("{text:?} is no moment: write {FORMS}"))
}

fn moment(text: &str, now_ms: TimestampMs, zone: &TimeZone) -> Option<TimestampMs> {
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        return number(text);
    }
    match text {
        "now" => return Some(now_ms),
        "today" => return start_of_day(now, zone, 0.days()),
        "yesterday" => return start_of_day(now, zone, 1.day()),
        _ => {}
    }
    if let Some(ago) = text.strip_prefix('-') {
        return Some(now_ms.saturating_sub(duration_ms(ago)?));
    }
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Some(exact.as_millisecond());
    }
    let local = match text.parse::<civil::DateTime>() {
        Ok(local) => local,
        Err(_) => text
            .parse::<civil::Date>()
            .ok()?
            .to_datetime(civil::Time::midnight()),
    };
    Some(
        local
            .to_zoned(zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

/// Ten digits are seconds (until the year 2286), more are milliseconds.
fn number(text: &str) -> Option<TimestampMs> {
    let value: TimestampMs = text.parse().ok()?;
    match text.len() {
        10 => value.checked_mul(1000),
        _ => Some(value),
    }
}

fn start_of_day(now: Timestamp, zone: &TimeZone, back: Span) -> Option<TimestampMs> {
    let day = now.to_zoned(zone.clone()).date().checked_sub(back).ok()?;
    Some(
        day.to_zoned(zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

fn duration_ms(text: &str) -> Option<TimestampMs> {
    duration(text)
        .ok()
        .and_then(|d| TimestampMs::try_from(d.as_millis()).ok())
}

/// Reads `500ms`, `5s`, `1h30m`, `2d` or a bare number of seconds.
///
/// # Errors
/// A sentence with examples.
pub(crate) fn duration(text: &str) -> Result<std::time::Duration, String> {
    let error = || format!("{text:?} is no duration: write 500ms, 5s, 2m or 1h30m");
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(std::time::Duration::from_secs(seconds.into()));
    }
    let span: Span = text.parse().map_err(|_e| error())?;
    let exact = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_e| error())?;
    std::time::Duration::try_from(exact).map_err(|_e| error())
}

/// A timestamp as people read it, in UTC with milliseconds; `-` when there is none.
pub(crate) fn display(timestamp_ms: TimestampMs) -> String {
    match Timestamp::from_millisecond(timestamp_ms) {
        Ok(moment) if timestamp_ms >= 0 => format!("{moment:.3}"),
        _ => "-".to_owned(),
    }
}

/// A timestamp in strftime's language, in UTC. A format that cannot be met prints itself.
pub(crate) fn strftime(timestamp_ms: TimestampMs, format: &str) -> String {
    let Ok(moment) = Timestamp::from_millisecond(timestamp_ms) else {
        return timestamp_ms.to_string();
    };
    let utc = moment.to_zoned(TimeZone::UTC);
    jiff::fmt::strtime::format(format, &utc).unwrap_or_else(|_| format.to_owned())
}

/// Reads what [`strftime`] would refuse, before any record is printed.
///
/// # Errors
/// jiff's explanation.
pub(crate) fn check_strftime(format: &str) -> Result<(), String> {
    let epoch = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    jiff::fmt::strtime::format(format, &epoch)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// How long ago, roughly: `3s`, `5m`, `2h`, `4d`.
pub(crate) fn age(from_ms: TimestampMs, now_ms: TimestampMs) -> String {
    let age = SignedDuration::from_millis(now_ms.saturating_sub(from_ms).max(0));
    match age.as_secs() {
        s if s < 90 => format!("{s}s"),
        s if s < 90 * 60 => format!("{}m", s / 60),
        s if s < 48 * 3600 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimestampMs = 1_700_000_000_000; // 2023-11-14T22:13:20Z

    fn utc(text: &str) -> Option<TimestampMs> {
        moment(text, NOW, &TimeZone::UTC)
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds_by_length() {
        assert_eq!(utc("1700000000"), Some(NOW));
        assert_eq!(utc("1700000000000"), Some(NOW));
        assert_eq!(utc("0"), Some(0));
    }

    #[test]
    fn dates_times_and_words_are_moments() {
        let day = 1_699_920_000_000;
        assert_eq!(utc("2023-11-14"), Some(day));
        assert_eq!(utc("today"), Some(day));
        assert_eq!(utc("yesterday"), Some(day - 86_400_000));
        assert_eq!(utc("2023-11-14T22:13:20Z"), Some(NOW));
        assert_eq!(utc("2023-11-14T22:13:20"), Some(NOW));
        assert_eq!(utc("2023-11-14T23:13:20+01:00"), Some(NOW));
        assert_eq!(utc("now"), Some(NOW));
    }

    #[test]
    fn a_moment_ago_is_written_with_a_minus() {
        assert_eq!(utc("-90m"), Some(NOW - 90 * 60_000));
        assert_eq!(utc("-1h30m"), Some(NOW - 90 * 60_000));
        assert_eq!(utc("-2d"), Some(NOW - 2 * 86_400_000));
    }

    #[test]
    fn nonsense_is_refused_with_the_forms() {
        for text in ["", "later", "-", "2023-13-01", "12:00"] {
            assert_eq!(utc(text), None, "{text}");
        }
        assert!(parse("later", NOW).is_err_and(|m| m.contains("@yesterday")));
    }

    #[test]
    fn durations_take_units_or_seconds() {
        for (text, ms) in [
            ("5", 5000),
            ("500ms", 500),
            ("5s", 5000),
            ("1h30m", 5_400_000),
        ] {
            assert_eq!(duration(text).map(|d| d.as_millis()), Ok(ms), "{text}");
        }
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }

    #[test]
    fn timestamps_print_in_utc() {
        assert_eq!(display(NOW), "2023-11-14T22:13:20.000Z");
        assert_eq!(display(-1), "-");
        assert_eq!(strftime(NOW, "%F %T"), "2023-11-14 22:13:20");
        assert!(check_strftime("%Ω").is_err());
    }
}
