//! Server-side regular expressions: which topics they match.
//!
//! Kafka speaks RE2; the `regex` crate descends from it, with the same promise of linear time. What
//! RE2 has and the crate has not is `\Q…\E`, which is translated. An expression has to match a whole
//! name.

use std::collections::BTreeSet;
use std::sync::Arc;

use metadata::MetadataImage;
use regex::{Regex, RegexBuilder};

/// Largest compiled expression.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;
/// Most groups inside one another.
const NESTING_MAX: u32 = 128;

/// Compiles an expression; the error says in words what is wrong with it.
pub(crate) fn compile(expression: &str) -> Result<Regex, String> {
    let whole = format!("^(?:{})$", unquoted(expression));
    // Checked by itself first: `a)(b` is not an expression, though it is one inside the parentheses.
    build(&unquoted(expression))?;
    build(&whole)
}

fn build(expression: &str) -> Result<Regex, String> {
    RegexBuilder::new(expression)
        .size_limit(COMPILED_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build()
        .map_err(|error| error.to_string())
}

/// The expression with `\Q…\E` written as escapes.
fn unquoted(expression: &str) -> String {
    let mut plain = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(backslash) = rest.find('\\') {
        plain.push_str(&rest[..backslash]);
        rest = &rest[backslash..];
        if let Some(quoted) = rest.strip_prefix(r"\Q") {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            plain.push_str(&regex::escape(literal));
            rest = after;
            continue;
        }
        // A backslash and what it escapes, which may be a backslash.
        let end = rest.char_indices().nth(2).map_or(rest.len(), |(i, _)| i);
        plain.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    plain.push_str(rest);
    plain
}

/// The names of all topics that match. One that does not compile matches nothing: it was refused when
/// a member brought it, so it can only come from a log that somebody else wrote.
pub(crate) fn resolve(expression: &str, image: &MetadataImage) -> BTreeSet<Arc<str>> {
    let Ok(regex) = compile(expression) else {
        return BTreeSet::new();
    };
    image
        .topics()
        .filter(|topic| regex.is_match(topic.name()))
        .map(|topic| Arc::clone(topic.name()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &str, name: &str) -> bool {
        compile(expression).unwrap().is_match(name)
    }

    #[test]
    fn an_expression_matches_whole_names() {
        assert!(matches("foo.*", "foobar"));
        assert!(!matches("foo", "foobar"));
        assert!(matches("a|bc", "bc"));
        assert!(!matches("a|bc", "ac"));
        assert!(matches("(?i)FOO", "foo"));
    }

    #[test]
    fn quoted_parts_are_taken_literally() {
        assert!(matches(r"\Qa.b\E.*", "a.bc"));
        assert!(!matches(r"\Qa.b\E.*", "axbc"));
        assert!(matches(r"\Qa.b", "a.b"));
        assert!(matches(r"a\.b\\?", "a.b"));
    }

    #[test]
    fn what_re2_refuses_is_refused() {
        for bad in [
            "[",
            "a)(b",
            "(a",
            r"(a)\1",
            "(?=a)",
            "*a",
            r"\",
            "a{2000}{2000}",
        ] {
            assert!(compile(bad).is_err(), "{bad}");
        }
    }
}
