//! Template text to segments.

use super::{Encoding, Number, NumberForm, Segment, Template, Text, TimeForm};
use crate::when;

/// Templates nest once: a header inside `%h{}` has no headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Record,
    Header,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// A sentence that names the part not understood.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse(text, Scope::Record)
    }
}

/// Text with escapes as in C, and no fields.
///
/// # Errors
/// A sentence that names the escape not understood.
pub(crate) fn literal(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => rest = escape(rest, &mut bytes)?,
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(bytes)
}

fn parse(text: &str, scope: Scope) -> Result<Template, String> {
    let mut segments = Vec::new();
    let mut literal = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => rest = escape(rest, &mut literal)?,
            '%' => {
                let (field, after) = percent(rest, scope)?;
                rest = after;
                match field {
                    Segment::Literal(bytes) => literal.extend(bytes),
                    field => {
                        flush(&mut literal, &mut segments);
                        segments.push(field);
                    }
                }
            }
            c => literal.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    flush(&mut literal, &mut segments);
    Ok(Template { segments })
}

fn flush(literal: &mut Vec<u8>, segments: &mut Vec<Segment>) {
    if !literal.is_empty() {
        segments.push(Segment::Literal(std::mem::take(literal)));
    }
}

fn escape<'a>(rest: &'a str, literal: &mut Vec<u8>) -> Result<&'a str, String> {
    let Some(c) = rest.chars().next() else {
        return Err("the template ends in a single \\; write \\\\ for a backslash".to_owned());
    };
    let after = &rest[c.len_utf8()..];
    let byte = match c {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        '0' => 0,
        '\\' => b'\\',
        'x' => {
            let digits = after.get(..2).ok_or("\\x needs two hexadecimal digits")?;
            let byte = u8::from_str_radix(digits, 16)
                .map_err(|_e| format!("\\x{digits}: not two hexadecimal digits"))?;
            literal.push(byte);
            return Ok(&after[2..]);
        }
        other => return Err(format!("unknown escape \\{other}; see `kcli help format`")),
    };
    literal.push(byte);
    Ok(after)
}

fn percent(rest: &str, scope: Scope) -> Result<(Segment, &str), String> {
    let Some(letter) = rest.chars().next() else {
        return Err("the template ends in a single %; write %% for a percent sign".to_owned());
    };
    let after = &rest[letter.len_utf8()..];
    if let '%' | '{' | '}' = letter {
        return Ok((Segment::Literal(vec![letter as u8]), after));
    }
    let (option, after) = braces(after)?;
    let text = |field| encoding(option, letter).map(|e| Segment::Text(field, e));
    let number = |field| number_form(option, letter).map(|f| Segment::Number(field, f));
    let segment = match (scope, letter) {
        (_, 'k') => text(Text::Key),
        (_, 'v' | 's') => text(Text::Value),
        (_, 'K') => number(Number::KeyLength),
        (_, 'V') => number(Number::ValueLength),
        (_, 'S') => number(Number::ValueLengthOrNull),
        (Scope::Header, other) => Err(format!(
            "%{other} inside %h{{}}: a header has %k, %v, %K and %V only"
        )),
        (_, 't') if option == Some("len") => {
            Ok(Segment::Number(Number::TopicLength, NumberForm::Decimal))
        }
        (_, 't') => text(Text::Topic),
        (_, 'p') => number(Number::Partition),
        (_, 'o') => number(Number::Offset),
        (_, 'e') => number(Number::LeaderEpoch),
        (_, 'H') => number(Number::HeaderCount),
        (_, 'T') => number(Number::TimestampMs),
        (_, 'i') => number(Number::Iteration),
        (_, 'x') => number(Number::ProducerId),
        (_, 'y') => number(Number::ProducerEpoch),
        (_, 'd') => time_form(option).map(Segment::Time),
        (_, 'h') => headers(option),
        (_, other) => Err(format!("unknown field %{other}; see `kcli help format`")),
    };
    Ok((segment?, after))
}

/// The text between braces that follow a field, if they do. Braces inside count; `%{` and `%}`
/// do not.
fn braces(text: &str) -> Result<(Option<&str>, &str), String> {
    let Some(inner) = text.strip_prefix('{') else {
        return Ok((None, text));
    };
    let bytes = inner.as_bytes();
    let (mut at, mut depth) = (0, 1);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'%' if matches!(bytes.get(at + 1), Some(b'%' | b'{' | b'}')) => at += 1,
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((Some(&inner[..at]), &inner[at + 1..]));
        }
        at += 1;
    }
    Err(format!("{{{inner}: the closing brace is missing"))
}

fn encoding(option: Option<&str>, letter: char) -> Result<Encoding, String> {
    match option {
        None => Ok(Encoding::Raw),
        Some("hex") => Ok(Encoding::Hex),
        Some("base64") => Ok(Encoding::Base64),
        Some("json") => Ok(Encoding::Json),
        Some(other) => Err(format!("%{letter}{{{other}}}: know hex, base64 and json")),
    }
}

fn number_form(option: Option<&str>, letter: char) -> Result<NumberForm, String> {
    let Some(option) = option else {
        return Ok(NumberForm::Decimal);
    };
    let error = || format!("%{letter}{{{option}}}: know hex, big or little with 8, 16, 32 or 64");
    let width_at = option
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(option.len());
    let (kind, width) = option.split_at(width_at);
    let width = match width {
        "" | "64" => 8,
        "32" => 4,
        "16" => 2,
        "8" => 1,
        _ => return Err(error()),
    };
    match kind {
        "hex" => Ok(NumberForm::Hex(width)),
        "big" => Ok(NumberForm::Big(width)),
        "little" => Ok(NumberForm::Little(width)),
        _ => Err(error()),
    }
}

fn time_form(option: Option<&str>) -> Result<TimeForm, String> {
    match option {
        None | Some("ms" | "millis") => Ok(TimeForm::Millis),
        Some("s" | "unix") => Ok(TimeForm::Seconds),
        Some("rfc3339") => Ok(TimeForm::Rfc3339),
        Some(format) => {
            let inner = format
                .strip_prefix("strftime[")
                .and_then(|f| f.strip_suffix(']'))
                .unwrap_or(format);
            if !inner.contains('%') {
                return Err(format!(
                    "%d{{{format}}}: know ms, s, rfc3339 or a strftime format"
                ));
            }
            when::check_strftime(inner).map_err(|error| format!("%d{{{format}}}: {error}"))?;
            Ok(TimeForm::Strftime(inner.to_owned()))
        }
    }
}

fn headers(option: Option<&str>) -> Result<Segment, String> {
    parse(option.unwrap_or("%k=%v,"), Scope::Header).map(Segment::Headers)
}
