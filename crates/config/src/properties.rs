//! Texts by key name: a `server.properties` with its overrides.
//!
//! The file follows Java's rules, so that a file Kafka reads is read alike: `#` and `!` open a
//! comment, a key ends at `=`, `:` or white space, a backslash at the end joins lines and elsewhere
//! escapes (`\t`, `\u00e9`, or the next character itself), and the last of several values counts.

use std::collections::BTreeMap;

/// Values by key name, as given by the operator, before they are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    values: BTreeMap<String, String>,
}

impl Properties {
    /// No values at all.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            values: BTreeMap::new(),
        }
    }

    /// Reads the text of a properties file.
    ///
    /// # Errors
    /// A `\u` is not followed by four hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut properties = Self::new();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            let mut logical = line.trim_start_matches(is_space).to_owned();
            if logical.is_empty() || logical.starts_with(['#', '!']) {
                continue;
            }
            while ends_in_continuation(&logical) {
                logical.pop();
                let Some((next, _)) = lines.next() else { break };
                logical.push_str(next.trim_start_matches(is_space));
            }
            let (key, value) = split(&logical);
            let unescape = |text| unescape(text).ok_or(ParseError { line: number });
            properties.set(unescape(key)?, unescape(value)?);
        }
        Ok(properties)
    }

    /// Sets a key from `key=value`, as on the command line.
    ///
    /// # Errors
    /// The text has no `=`, or nothing before it; it comes back.
    pub fn set_override<'t>(&mut self, text: &'t str) -> Result<(), &'t str> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                self.set(key.trim(), value.trim());
                Ok(())
            }
            _ => Err(text),
        }
    }

    /// Sets keys from environment variables, the way the official image names them: `KAFKA_`, then
    /// the key in upper case, with `_` for a dot, `__` for an underscore and `___` for a dash.
    pub fn set_environment<'v>(&mut self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) {
        for (variable, value) in variables {
            if let Some(key) = environment_key(variable) {
                self.set(key, value);
            }
        }
    }

    /// The text of a key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Sets a key, replacing what was there.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name.into(), value.into());
    }

    /// All keys with their texts, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The text is not a properties file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: \\u is not followed by four hexadecimal digits (a lone backslash is written \\\\)"
)]
pub struct ParseError {
    /// Where, counted from 1.
    pub line: usize,
}

/// Variables of the official image and of JVM start scripts that configure no broker key.
const NOT_KEYS: &[&str] = &[
    "KAFKA_CLUSTER_ID",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_HOME",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JMX_PORT",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_OPTS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_VERSION",
];

fn environment_key(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("KAFKA_")?;
    if name.is_empty() || NOT_KEYS.contains(&variable) {
        return None;
    }
    let key = name
        .to_lowercase()
        .replace("___", "-")
        .replace("__", "\u{0}")
        .replace('_', ".")
        .replace('\u{0}', "_");
    Some(key)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Whether the line ends in an odd number of backslashes.
fn ends_in_continuation(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Splits a line into key and value, both still escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (is_space(c) || matches!(c, '=' | ':'));
        escaped = c == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_space);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(is_space))
}

fn unescape(text: &str) -> Option<String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next() {
        let plain = match c {
            '\\' => match chars.next()? {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                'f' => '\u{c}',
                'u' => {
                    units.push(unicode_unit(&mut chars)?);
                    continue;
                }
                other => other,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    // Java strings may hold half of a surrogate pair; ours cannot.
    Some(String::from_utf16_lossy(&units))
}

fn unicode_unit(chars: &mut std::str::Chars<'_>) -> Option<u16> {
    let digits = chars.as_str().get(..4)?;
    chars.nth(3)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<(String, String)> {
        let properties = Properties::parse(text).expect("a properties file");
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        properties.iter().map(owned).collect()
    }

    fn one(text: &str, key: &str, value: &str) {
        assert_eq!(
            parse(text),
            [(key.to_owned(), value.to_owned())],
            "{text:?}"
        );
    }

    #[test]
    fn keys_end_at_the_first_separator_that_is_not_escaped() {
        for text in [
            "a.b=c",
            "a.b = c",
            "a.b:c",
            "a.b c",
            "  a.b\t:  c",
            "a.b \t c",
        ] {
            one(text, "a.b", "c");
        }
        one("a.b", "a.b", "");
        one("a\\=b\\:c\\ d=e", "a=b:c d", "e");
        one("url=jdbc:x=y:z", "url", "jdbc:x=y:z");
        one("a==b", "a", "=b");
    }

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        assert_eq!(parse("# a=b\n\n   ! c=d\n \t\n"), []);
        one("a=b # not a comment", "a", "b # not a comment");
    }

    #[test]
    fn a_backslash_at_the_end_joins_lines() {
        one("a=b,\\\n    c,\\\n  d", "a", "b,c,d");
        one("a=b\\\\\n", "a", "b\\");
        one("a=b\\", "a", "b");
        one("a=b\\\n# part of the value", "a", "b# part of the value");
    }

    #[test]
    fn escapes_become_characters() {
        one("a=x\\ty\\u00e9\\n\\q", "a", "x\tyé\nq");
        one("a=\\ud83d\\ude00", "a", "😀");
        one("a=C\\:\\\\data", "a", "C:\\data");
        for text in ["a=\\u12", "a=\\uxyzw", "b=1\na=\\u00é"] {
            assert!(Properties::parse(text).is_err(), "{text}");
        }
        assert_eq!(Properties::parse("\n\na=\\u"), Err(ParseError { line: 3 }));
    }

    #[test]
    fn trailing_spaces_stay_and_the_last_value_counts() {
        one("a=b  ", "a", "b  ");
        one("a=1\r\na=2\r\n", "a", "2");
    }

    #[test]
    fn variables_of_the_official_image_become_keys() {
        let mut properties = Properties::new();
        properties.set_environment([
            ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://h:1"),
            ("KAFKA_SASL_MECHANISM_INTER_BROKER_PROTOCOL", "PLAIN"),
            ("KAFKA_A__B___C", "x"),
            ("KAFKA_HEAP_OPTS", "-Xmx1g"),
            ("PATH", "/bin"),
            ("KAFKA_", ""),
        ]);
        let keys: Vec<&str> = properties.iter().map(|(key, _)| key).collect();
        let expected = [
            "a_b-c",
            "advertised.listeners",
            "sasl.mechanism.inter.broker.protocol",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn overrides_need_a_key() {
        let mut properties = Properties::new();
        assert_eq!(properties.set_override("a=b=c"), Ok(()));
        assert_eq!(properties.get("a"), Some("b=c"));
        assert_eq!(properties.set_override("a"), Err("a"));
        assert_eq!(properties.set_override("=b"), Err("=b"));
    }
}
