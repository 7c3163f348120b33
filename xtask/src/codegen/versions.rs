//! Ranges of versions, as the schema writes them: `3`, `3-5`, `3+`, nothing.

use anyhow::Context;

/// An inclusive range; `max` below `min` if empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) min: i16,
    pub(super) max: i16,
}

impl Versions {
    pub(super) const NONE: Self = Self { min: 0, max: -1 };

    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let number = |text: &str| {
            text.parse::<i16>()
                .with_context(|| format!("{text:?} is not a version"))
        };
        Ok(match (text.strip_suffix('+'), text.split_once('-')) {
            _ if text.is_empty() || text == "none" => Self::NONE,
            (Some(min), _) => Self {
                min: number(min)?,
                max: i16::MAX,
            },
            (None, Some((min, max))) => Self {
                min: number(min)?,
                max: number(max)?,
            },
            (None, None) => Self {
                min: number(text)?,
                max: number(text)?,
            },
        })
    }

    pub(super) fn is_empty(self) -> bool {
        self.max < self.min
    }

    pub(super) fn and(self, other: Self) -> Self {
        let both = Self {
            min: self.min.max(other.min),
            max: self.max.min(other.max),
        };
        if both.is_empty() { Self::NONE } else { both }
    }

    /// The smallest range that holds both.
    pub(super) fn hull(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self {
                min: self.min.min(other.min),
                max: self.max.max(other.max),
            },
        }
    }

    /// The Rust condition that says a `version` of `live` is one of these; `None` if all are.
    pub(super) fn condition(self, live: Self) -> Option<String> {
        let inner = self.and(live);
        if inner.is_empty() {
            return Some("false".to_owned());
        }
        match (inner.min > live.min, inner.max < live.max) {
            (false, false) => None,
            (true, false) => Some(format!("version >= {}", inner.min)),
            (false, true) => Some(format!("version <= {}", inner.max)),
            (true, true) if inner.min == inner.max => Some(format!("version == {}", inner.min)),
            (true, true) => Some(format!(
                "({}..={}).contains(&version)",
                inner.min, inner.max
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(text: &str) -> Versions {
        Versions::parse(text).expect("a range")
    }

    #[test]
    fn a_condition_says_no_more_than_the_live_versions_need() {
        let live = versions("3-13");
        for (range, condition) in [
            ("0+", None),
            ("9+", Some("version >= 9")),
            ("0-12", Some("version <= 12")),
            ("5-7", Some("(5..=7).contains(&version)")),
            ("5", Some("version == 5")),
            ("14+", Some("false")),
        ] {
            assert_eq!(versions(range).condition(live).as_deref(), condition);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Versions::parse("x").is_err());
        assert!(versions("none").is_empty());
    }
}
