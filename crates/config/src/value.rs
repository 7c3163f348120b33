//! A value of a key's type, read from text the way Kafka reads it.

use crate::key::Kind;

/// A value of a key's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// [`Kind::Boolean`].
    Boolean(bool),
    /// [`Kind::Short`], [`Kind::Int`] or [`Kind::Long`].
    Whole(i64),
    /// [`Kind::Double`].
    Fraction(f64),
    /// [`Kind::String`], [`Kind::Class`] or [`Kind::Password`].
    Text(String),
    /// [`Kind::List`]: items in order, trimmed.
    List(Vec<String>),
}

impl Value {
    /// Reads text as a value of that type. The error says what is wrong, without the key's name.
    ///
    /// # Errors
    /// The text is not of the type.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        let text = text.trim();
        match kind {
            Kind::Boolean => parse_boolean(text).map(Self::Boolean),
            Kind::Short => parse_whole(kind, text, i16::MIN.into(), i16::MAX.into()),
            Kind::Int => parse_whole(kind, text, i32::MIN.into(), i32::MAX.into()),
            Kind::Long => parse_whole(kind, text, i64::MIN, i64::MAX),
            Kind::Double => match text.parse::<f64>() {
                Ok(x) if x.is_finite() => Ok(Self::Fraction(x)),
                _ => Err(not_a_number(kind)),
            },
            Kind::String | Kind::Class | Kind::Password => Ok(Self::Text(text.to_owned())),
            Kind::List => Ok(Self::List(items(text).map(str::to_owned).collect())),
        }
    }

    /// The value as text that reads as the same value.
    #[must_use]
    pub fn into_text(self) -> String {
        match self {
            Self::Boolean(yes) => yes.to_string(),
            Self::Whole(n) => n.to_string(),
            Self::Fraction(x) => x.to_string(),
            Self::Text(text) => text,
            Self::List(items) => items.join(","),
        }
    }
}

/// The items of a list as it stands in a properties file: separated by commas, trimmed; an empty
/// text is an empty list.
pub fn items(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    text.split(',')
        .map(str::trim)
        .take(if text.is_empty() { 0 } else { usize::MAX })
}

fn parse_boolean(text: &str) -> Result<bool, String> {
    if text.eq_ignore_ascii_case("true") {
        return Ok(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Ok(false);
    }
    Err("Expected value to be either true or false".to_owned())
}

fn parse_whole(kind: Kind, text: &str, min: i64, max: i64) -> Result<Value, String> {
    match text.parse::<i64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(Value::Whole(n)),
        _ => Err(not_a_number(kind)),
    }
}

fn not_a_number(kind: Kind) -> String {
    format!("Not a number of type {}", kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_to_the_width_of_their_type() {
        assert_eq!(Value::parse(Kind::Int, " 7 "), Ok(Value::Whole(7)));
        assert!(Value::parse(Kind::Int, "2147483648").is_err());
        assert!(Value::parse(Kind::Short, "32768").is_err());
        assert_eq!(
            Value::parse(Kind::Long, "9223372036854775807"),
            Ok(Value::Whole(i64::MAX))
        );
        for text in ["", "7x", "1.0", "0x10"] {
            assert!(Value::parse(Kind::Long, text).is_err(), "{text}");
        }
        assert!(Value::parse(Kind::Double, "NaN").is_err());
    }

    #[test]
    fn lists_are_split_at_commas_and_an_empty_text_has_no_items() {
        let list = |text| Value::parse(Kind::List, text);
        assert_eq!(list(""), Ok(Value::List(vec![])));
        assert_eq!(
            list(" a , b"),
            Ok(Value::List(vec!["a".to_owned(), "b".to_owned()]))
        );
    }
}
