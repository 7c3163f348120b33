//! One record through the segments.

use std::fmt::Write as _;

use super::{Encoding, Fields, Number, NumberForm, Segment, Template, Text, TimeForm};
use crate::bytes_text;
use crate::when;

impl Template {
    /// Appends one record to `out`.
    pub(crate) fn render(&self, fields: &Fields<'_>, out: &mut Vec<u8>) {
        for segment in &self.segments {
            match segment {
                Segment::Literal(bytes) => out.extend_from_slice(bytes),
                Segment::Text(field, encoding) => text(fields.text(*field), *encoding, out),
                Segment::Number(field, form) => number(fields.number(*field), *form, out),
                Segment::Time(form) => out.extend(time(fields.timestamp_ms, form).into_bytes()),
                Segment::Headers(inner) => headers(inner, fields, out),
            }
        }
    }
}

impl<'a> Fields<'a> {
    fn text(&self, field: Text) -> Option<&'a [u8]> {
        match field {
            Text::Topic => Some(self.topic.as_bytes()),
            Text::Key => self.key,
            Text::Value => self.value,
        }
    }

    fn number(&self, field: Number) -> i64 {
        match field {
            Number::Partition => self.partition.into(),
            Number::Offset => self.offset,
            Number::LeaderEpoch => self.leader_epoch.into(),
            Number::KeyLength => length(self.key).unwrap_or(0),
            Number::ValueLength => length(self.value).unwrap_or(0),
            Number::ValueLengthOrNull => length(self.value).unwrap_or(-1),
            Number::TopicLength => length(Some(self.topic.as_bytes())).unwrap_or(0),
            Number::HeaderCount => i64::try_from(self.headers.len()).unwrap_or(i64::MAX),
            Number::TimestampMs => self.timestamp_ms,
            Number::Iteration => i64::try_from(self.iteration).unwrap_or(i64::MAX),
            Number::ProducerId => self.producer_id,
            Number::ProducerEpoch => self.producer_epoch.into(),
        }
    }
}

fn length(bytes: Option<&[u8]>) -> Option<i64> {
    bytes.map(|b| i64::try_from(b.len()).unwrap_or(i64::MAX))
}

fn headers(inner: &Template, fields: &Fields<'_>, out: &mut Vec<u8>) {
    for (name, value) in &fields.headers {
        let header = Fields {
            key: Some(name.as_bytes()),
            value: *value,
            ..Fields::default()
        };
        inner.render(&header, out);
    }
}

fn text(bytes: Option<&[u8]>, encoding: Encoding, out: &mut Vec<u8>) {
    match (bytes, encoding) {
        (None, Encoding::Json) => out.extend_from_slice(b"null"),
        (None, _) => {}
        (Some(bytes), Encoding::Raw) => out.extend_from_slice(bytes),
        (Some(bytes), Encoding::Hex) => out.extend(bytes_text::hex(bytes).into_bytes()),
        (Some(bytes), Encoding::Base64) => out.extend(bytes_text::base64(bytes).into_bytes()),
        (Some(bytes), Encoding::Json) => {
            let quoted = serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string();
            out.extend(quoted.into_bytes());
        }
    }
}

fn number(value: i64, form: NumberForm, out: &mut Vec<u8>) {
    let big = value.to_be_bytes();
    match form {
        NumberForm::Decimal => out.extend(value.to_string().into_bytes()),
        NumberForm::Hex(width) => {
            let mut digits = String::new();
            for byte in &big[8 - width..] {
                let written = write!(digits, "{byte:02x}");
                debug_assert!(written.is_ok(), "a String takes everything");
            }
            out.extend(digits.into_bytes());
        }
        NumberForm::Big(width) => out.extend_from_slice(&big[8 - width..]),
        NumberForm::Little(width) => out.extend_from_slice(&value.to_le_bytes()[..width]),
    }
}

fn time(timestamp_ms: i64, form: &TimeForm) -> String {
    match form {
        TimeForm::Millis => timestamp_ms.to_string(),
        TimeForm::Seconds => timestamp_ms.div_euclid(1000).to_string(),
        TimeForm::Rfc3339 => when::display(timestamp_ms),
        TimeForm::Strftime(format) => when::strftime(timestamp_ms, format),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields() -> Fields<'static> {
        Fields {
            topic: "cities",
            partition: 3,
            offset: 258,
            leader_epoch: 7,
            timestamp_ms: 1_700_000_000_123,
            key: Some(b"k1"),
            value: Some(b"Madrid \"M\""),
            headers: vec![("a".into(), Some(b"1")), ("b".into(), None)],
            producer_id: 9,
            producer_epoch: 2,
            iteration: 1,
        }
    }

    fn shown(template: &str) -> String {
        let template = Template::parse(template).expect(template);
        let mut out = Vec::new();
        template.render(&fields(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn fields_show_under_rpks_letters() {
        assert_eq!(shown(r"%t/%p/%o %k=%v\n"), "cities/3/258 k1=Madrid \"M\"\n");
        assert_eq!(shown("%K %V %H %e %i %x %y"), "2 10 2 7 1 9 2");
        assert_eq!(shown("%t{len} 100%%"), "6 100%");
    }

    #[test]
    fn fields_show_under_kcats_letters() {
        assert_eq!(shown("%s|%S|%T"), "Madrid \"M\"|10|1700000000123");
    }

    #[test]
    fn headers_repeat_what_is_in_their_braces() {
        assert_eq!(shown("[%h{%k=%v;}]"), "[a=1;b=;]");
        assert_eq!(shown("%h{%{%k%}}"), "{a}{b}");
        assert_eq!(shown("%h{%k:%v{hex} }"), "a:31 b: ");
        assert_eq!(shown("%h"), "a=1,b=,");
    }

    #[test]
    fn times_show_in_strftime_and_by_name() {
        assert_eq!(shown("%d"), "1700000000123");
        assert_eq!(shown("%d{s}"), "1700000000");
        assert_eq!(shown("%d{rfc3339}"), "2023-11-14T22:13:20.123Z");
        assert_eq!(shown("%d{%F %T}"), "2023-11-14 22:13:20");
        assert_eq!(shown("%d{strftime[%Y]}"), "2023");
    }

    #[test]
    fn modifiers_encode() {
        assert_eq!(
            shown("%k{hex} %k{base64} %v{json}"),
            "6b31 azE= \"Madrid \\\"M\\\"\""
        );
        assert_eq!(shown("%o{hex16} %o{hex}"), "0102 0000000000000102");
        assert_eq!(shown("%o{big16}%p{little8}"), "\u{1}\u{2}\u{3}");
    }

    #[test]
    fn escapes_are_as_in_c() {
        assert_eq!(shown(r"\t\x41\\"), "\tA\\");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (template, part) in [
            ("%q", "%q"),
            ("%", "%%"),
            ("%v{rot13}", "rot13"),
            ("%h{%o}", "%o"),
            ("%h{%k", "closing brace"),
            ("%d{today}", "strftime"),
            (r"\q", r"\q"),
            (r"\xZZ", "hexadecimal"),
        ] {
            let error = Template::parse(template).expect_err(template);
            assert!(error.contains(part), "{template}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_text_parses_or_is_refused_and_never_panics(text in ".{0,40}") {
            if let Ok(template) = Template::parse(&text) {
                template.render(&fields(), &mut Vec::new());
            }
        }

        #[test]
        fn literal_text_shows_as_it_stands(text in "[^%\\\\]{0,40}") {
            prop_assert_eq!(shown(&text), text);
        }
    }
}
