//! Server-side regular expressions: which topics they match.
//!
//! Kafka speaks RE2; the `regex` crate descends from it, with the same promise of linear time. Where
//! they differ, the expression is translated: `\Q…\E` takes what is between literally, a brace that
//! begins no count is a brace, and inside brackets `[`, `&&` and `~~` mean only themselves. An
//! expression has to match a whole name.

use std::collections::BTreeSet;
use std::sync::Arc;

use metadata::MetadataImage;
use regex::bytes::{Regex, RegexBuilder};

/// Largest compiled expression.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;
/// Most groups inside one another.
const NESTING_MAX: u32 = 128;

/// Compiles an expression; the error says in words what is wrong with it.
pub(crate) fn compile(expression: &str) -> Result<Regex, String> {
    let translated = translated(expression);
    // Checked by itself first: `a)(b` is not an expression, though it is one inside the parentheses.
    build(&translated)?;
    build(&format!("^(?:{translated})$"))
}

/// Classes such as `\w` mean ASCII, as in RE2, which also keeps them small. What cannot be said without
/// Unicode is said with it.
fn build(expression: &str) -> Result<Regex, String> {
    let build = |has_unicode| {
        RegexBuilder::new(expression)
            .unicode(has_unicode)
            .size_limit(COMPILED_BYTES_MAX)
            .nest_limit(NESTING_MAX)
            .build()
    };
    let built = build(false).or_else(|_| build(true));
    built.map_err(|error| error.to_string())
}

/// The expression in the crate's syntax.
fn translated(expression: &str) -> String {
    let mut plain = String::with_capacity(expression.len());
    let mut rest = expression;
    let mut is_in_class = false;
    while let Some(next) = rest.chars().next() {
        let taken = if let Some(quoted) = rest.strip_prefix(r"\Q") {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            plain.push_str(&regex::escape(literal));
            rest = after;
            continue;
        } else if next == '\\' {
            // A backslash and what it escapes, which may be a backslash.
            rest.char_indices().nth(2).map_or(rest.len(), |(i, _)| i)
        } else if is_in_class {
            let named = named_class(rest);
            is_in_class = next != ']';
            if named == 0 && matches!(next, '[' | '&' | '~') {
                plain.push('\\');
            }
            named.max(next.len_utf8())
        } else if next == '[' {
            is_in_class = true;
            class_start(rest)
        } else {
            if next == '{' && !is_count(rest) {
                plain.push('\\');
            }
            next.len_utf8()
        };
        plain.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    plain
}

/// The length of `[`, and of what stands behind it that does not mean what it does elsewhere: a caret,
/// and a bracket that is a member of the class.
fn class_start(rest: &str) -> usize {
    let caret = usize::from(rest[1..].starts_with('^'));
    1 + caret + usize::from(rest[1 + caret..].starts_with(']'))
}

/// The length of `[:name:]`, 0 if the text does not begin so.
fn named_class(rest: &str) -> usize {
    let name = rest
        .strip_prefix("[:")
        .and_then(|rest| rest.split_once(":]"));
    match name {
        Some((name, _)) if name.chars().all(|c| c == '^' || c.is_ascii_alphabetic()) => {
            name.len() + 4
        }
        _ => 0,
    }
}

/// Whether the brace begins a count: `{2}`, `{2,}` or `{2,3}`.
fn is_count(rest: &str) -> bool {
    let inside = rest[1..].split_once('}').map(|(inside, _)| inside);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    inside.is_some_and(|inside| match inside.split_once(',') {
        Some((min, max)) => is_number(min) && (max.is_empty() || is_number(max)),
        None => is_number(inside),
    })
}

/// The names of all topics that match. One that does not compile matches nothing: it was refused when
/// a member brought it, so it can only come from a log that somebody else wrote.
pub(crate) fn resolve(expression: &str, image: &MetadataImage) -> BTreeSet<Arc<str>> {
    let Ok(regex) = compile(expression) else {
        return BTreeSet::new();
    };
    image
        .topics()
        .filter(|topic| regex.is_match(topic.name().as_bytes()))
        .map(|topic| Arc::clone(topic.name()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &str, name: &str) -> bool {
        compile(expression).unwrap().is_match(name.as_bytes())
    }

    #[test]
    fn an_expression_matches_whole_names() {
        assert!(matches("foo.*", "foobar"));
        assert!(!matches("foo", "foobar"));
        assert!(matches("a|bc", "bc"));
        assert!(!matches("a|bc", "ac"));
        assert!(matches("(?i)FOO", "foo"));
        assert!(matches(r"\w+ñ?[ñ-]\d", "a_b-1"));
    }

    #[test]
    fn quoted_parts_are_taken_literally() {
        assert!(matches(r"\Qa.b\E.*", "a.bc"));
        assert!(!matches(r"\Qa.b\E.*", "axbc"));
        assert!(matches(r"\Qa.b", "a.b"));
        assert!(matches(r"a\.b\\?", "a.b"));
    }

    #[test]
    fn what_only_the_crate_gives_a_meaning_means_itself() {
        assert!(matches("foo{", "foo{"));
        assert!(matches("fo{2}{x}", "foo{x}"));
        assert!(matches("[a&&b]", "&"));
        assert!(matches("[[a]", "["));
        assert!(matches("[]a]+", "]a"));
        assert!(matches("[^]]x{1,2}", "axx"));
        assert!(matches("[[:alpha:]~]+", "a~"));
        assert!(matches(r"[\]a]+{", "]a{"));
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
