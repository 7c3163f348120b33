//! What a value must satisfy beyond its type.

use crate::value::Value;

/// A condition on a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Anything of the type.
    Any,
    /// A whole number, both ends included.
    Between(i64, i64),
    /// A whole number in a range, or -1.
    BetweenOrMinusOne(i64, i64),
    /// A fraction, both ends included.
    Within(f64, f64),
    /// One of these words; for a list, each item is one of them.
    OneOf(&'static [&'static str]),
    /// One of these words, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// At least one character, or one item.
    NonEmpty,
    /// `partition:broker` pairs, or `*`.
    ThrottledReplicas,
    /// Where a share group starts reading.
    OffsetReset,
}

impl Rule {
    /// Checks a value of the key's type. The error says what is wrong, without the key's name.
    pub(crate) fn check(self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Between(min, max), Value::Whole(n)) => check_range(*n, min, max),
            (Self::BetweenOrMinusOne(min, max), Value::Whole(n)) => match n {
                -1 => Ok(()),
                n if (min..=max).contains(n) => Ok(()),
                _ => Err(format!(
                    "Value must be between {min} and {max} or equal to -1"
                )),
            },
            (Self::Within(min, max), Value::Fraction(x)) => check_fraction(*x, min, max),
            (Self::OneOf(words), Value::Text(text)) => check_word(text, words),
            (Self::OneOf(words), Value::List(items)) => check_items(items, words),
            (Self::OneOfAnyCase(words), Value::Text(text)) => check_word_any_case(text, words),
            (Self::NonEmpty, Value::Text(text)) if text.is_empty() => {
                Err("String must be non-empty".to_owned())
            }
            (Self::ThrottledReplicas, Value::List(items)) => check_throttled(items),
            (Self::OffsetReset, Value::Text(text)) => check_offset_reset(text),
            _ => Ok(()),
        }
    }
}

fn check_range(n: i64, min: i64, max: i64) -> Result<(), String> {
    if n < min {
        return Err(format!("Value must be at least {min}"));
    }
    if n > max {
        return Err(format!("Value must be no more than {max}"));
    }
    Ok(())
}

fn check_fraction(x: f64, min: f64, max: f64) -> Result<(), String> {
    if x < min {
        return Err(format!("Value must be at least {min}"));
    }
    if x > max {
        return Err(format!("Value must be no more than {max}"));
    }
    Ok(())
}

fn check_word(text: &str, words: &[&str]) -> Result<(), String> {
    if words.contains(&text) {
        return Ok(());
    }
    Err(format!("String must be one of: {}", words.join(", ")))
}

fn check_word_any_case(text: &str, words: &[&str]) -> Result<(), String> {
    if words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    Err(format!(
        "String must be one of (case insensitive): {}",
        words.join(", ")
    ))
}

fn check_items(items: &[String], words: &[&str]) -> Result<(), String> {
    items.iter().try_for_each(|item| check_word(item, words))
}

fn check_throttled(items: &[String]) -> Result<(), String> {
    let is_pair = |item: &String| {
        item.split_once(':').is_some_and(|(partition, broker)| {
            partition.parse::<u32>().is_ok() && broker.parse::<u32>().is_ok()
        })
    };
    let all = matches!(items, [one] if one == "*");
    if all || items.iter().all(is_pair) {
        return Ok(());
    }
    Err(
        "must be the literal '*' or a list of replicas in the following format: \
         [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            .to_owned(),
    )
}

fn check_offset_reset(text: &str) -> Result<(), String> {
    let is_duration = text
        .strip_prefix("by_duration:")
        .is_some_and(|duration| duration.starts_with('P') && duration.len() > 2);
    if matches!(text, "latest" | "earliest") || is_duration {
        return Ok(());
    }
    Err("must be latest, earliest or by_duration:PnDTnHnMn.nS".to_owned())
}
