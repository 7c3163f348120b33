//! Reads values that have been checked already, so that reading cannot fail.

use std::time::Duration;

use crate::key::{Key, Scope};
use crate::properties::Properties;
use crate::table;
use crate::value::Value;

/// Reads broker keys: the operator's value, else the default.
pub(super) struct Reader<'a> {
    properties: &'a Properties,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(properties: &'a Properties) -> Self {
        Self { properties }
    }

    /// The value of a key named in this crate.
    pub(super) fn read<T: FromValue>(&self, name: &str) -> T {
        let key = table::key(Scope::Broker, name).expect("a key named in this crate is known");
        T::from_value(self.value(key))
    }

    /// The operator's text, if there is one.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.properties.get(name).map(str::trim)
    }

    fn value(&self, key: &Key) -> Option<Value> {
        let given = self.properties.get(key.name());
        let value = given.and_then(|text| Value::parse(key.kind(), text).ok());
        value.or_else(|| Value::parse(key.kind(), key.default_text()?).ok())
    }
}

/// A type a setting can have. Values that do not fit saturate; they have been refused before.
pub(super) trait FromValue {
    fn from_value(value: Option<Value>) -> Self;
}

impl FromValue for i64 {
    fn from_value(value: Option<Value>) -> Self {
        match value {
            Some(Value::Whole(n)) => n,
            _ => 0,
        }
    }
}

impl FromValue for i32 {
    fn from_value(value: Option<Value>) -> Self {
        Self::try_from(i64::from_value(value)).unwrap_or(Self::MAX)
    }
}

impl FromValue for bool {
    fn from_value(value: Option<Value>) -> Self {
        matches!(value, Some(Value::Boolean(true)))
    }
}

/// Milliseconds.
impl FromValue for Duration {
    fn from_value(value: Option<Value>) -> Self {
        let ms = i64::from_value(value);
        Self::from_millis(u64::try_from(ms).unwrap_or_default())
    }
}

impl FromValue for Option<String> {
    fn from_value(value: Option<Value>) -> Self {
        match value {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

impl FromValue for Vec<String> {
    fn from_value(value: Option<Value>) -> Self {
        match value {
            Some(Value::List(items)) => items,
            _ => Self::new(),
        }
    }
}
