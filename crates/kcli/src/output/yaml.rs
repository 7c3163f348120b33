//! JSON values as block-style YAML. Strings that YAML could take for something else are written in
//! double quotes, where YAML and JSON agree.

use serde_json::Value;

/// The document.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Array(items) if !items.is_empty() => sequence(items, 0, &mut text),
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                entry(key, value, 0, &mut text);
            }
        }
        other => {
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
    text
}

fn sequence(items: &[Value], depth: usize, text: &mut String) {
    for item in items {
        text.push_str(&"  ".repeat(depth));
        text.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => {
                for (i, (key, value)) in fields.iter().enumerate() {
                    // The first field stands on the dash's own line.
                    let line_start = text.len();
                    entry(key, value, depth + 1, text);
                    if i == 0 {
                        text.replace_range(line_start..line_start + 2 * (depth + 1), "");
                    }
                }
            }
            Value::Array(inner) if !inner.is_empty() => {
                text.push('\n');
                sequence(inner, depth + 1, text);
            }
            other => {
                text.push_str(&scalar(other));
                text.push('\n');
            }
        }
    }
}

fn entry(key: &str, value: &Value, depth: usize, text: &mut String) {
    text.push_str(&"  ".repeat(depth));
    text.push_str(&scalar(&Value::from(key)));
    text.push(':');
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            for (key, value) in fields {
                entry(key, value, depth + 1, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            sequence(items, depth, text);
        }
        other => {
            text.push(' ');
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(plain) if is_plain(plain) => plain.clone(),
        other => other.to_string(),
    }
}

/// Words that no YAML reader takes for anything but a string.
fn is_plain(text: &str) -> bool {
    const RESERVED: [&str; 10] = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan",
    ];
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    starts_well && text.chars().all(safe) && !RESERVED.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_values_indent() {
        let value = json!({"a": [{"b": 1, "c": [2, 3]}, "x y"], "d": {}, "e": {"f": null}});
        let expected = "a:\n- b: 1\n  c:\n  - 2\n  - 3\n- \"x y\"\nd: {}\ne:\n  f: null\n";
        assert_eq!(text(&value), expected);
    }

    #[test]
    fn what_looks_like_something_else_is_quoted() {
        for tricky in ["true", "No", "1.5", "", "-", "a: b", "#x", "é"] {
            assert!(scalar(&Value::from(tricky)).starts_with('"'), "{tricky}");
        }
        assert_eq!(scalar(&Value::from("retention.ms")), "retention.ms");
    }
}
