//! Writes a message with values of some style, straight from the schema.

use std::cmp::Ordering;

use super::Random;
use super::schema::{Field, Message};

/// Which values to write.
pub(crate) enum Style {
    /// Anything the schema allows, in small arrays.
    Random(Random),
    /// As `Random`, with tagged fields nobody knows in every struct.
    RandomWithUnknownTags(Random),
    /// Names of three letters, and `count` elements in arrays that are inside `depth` others, which
    /// have one.
    Many { count: usize, depth: usize },
    /// The defaults.
    Default,
}

/// The body of `message` in `version`.
pub(crate) fn encode(message: &Message, version: i16, style: &mut Style) -> Vec<u8> {
    let mut encoder = Encoder {
        version,
        flexible: message.flexible.contains(version),
        style,
        depth: 0,
    };
    let mut out = Vec::new();
    encoder.fields(&message.fields, &mut out);
    out
}

struct Encoder<'a> {
    version: i16,
    flexible: bool,
    style: &'a mut Style,
    /// How many arrays are around the current value.
    depth: usize,
}

impl Encoder<'_> {
    fn fields(&mut self, fields: &[Field], out: &mut Vec<u8>) {
        let version = self.version;
        let here = fields
            .iter()
            .filter(|field| field.versions.contains(version));
        let (mut tagged, plain): (Vec<&Field>, Vec<&Field>) =
            here.partition(|field| field.tag.is_some());
        for field in plain {
            self.field(field, out);
        }
        if !self.flexible {
            return;
        }
        tagged.sort_by_key(|field| field.tag);
        let mut values: Vec<(u32, Vec<u8>)> = Vec::new();
        for field in tagged {
            let mut value = Vec::new();
            self.field(field, &mut value);
            if value != self.default_of(field) {
                values.push((field.tag.expect("it has a tag"), value));
            }
        }
        if matches!(self.style, Style::RandomWithUnknownTags(_)) {
            values.push((100, vec![0xff; 3]));
            values.push((u32::MAX, Vec::new()));
        }
        uvarint(values.len(), out);
        for (tag, value) in values {
            uvarint(tag as usize, out);
            uvarint(value.len(), out);
            out.extend(value);
        }
    }

    fn default_of(&self, field: &Field) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder {
            style: &mut Style::Default,
            ..*self
        };
        encoder.field(field, &mut out);
        out
    }

    fn field(&mut self, field: &Field, out: &mut Vec<u8>) {
        let is_nullable = field.nullable.contains(self.version);
        let is_struct = !field.fields.is_empty() && !field.is_array;
        let is_null = is_nullable && self.is_null(field);
        match (is_struct, is_null) {
            (true, true) if field.tag.is_some() => return out.push(0),
            (true, true) => return out.push(0xff),
            (true, false) if is_nullable => out.push(1),
            (false, true) => {
                return self.length(None, field.kind == "string" && !field.is_array, out);
            }
            _ => {}
        }
        if field.is_array {
            let count = self.count();
            self.length(Some(count), false, out);
            self.depth += 1;
            (0..count).for_each(|_| self.value(field, out));
            self.depth -= 1;
        } else {
            self.value(field, out);
        }
    }

    fn is_null(&mut self, field: &Field) -> bool {
        match self.style {
            Style::Default => field.default == "null" || field.kind == "records",
            Style::Many { .. } => false,
            Style::Random(random) | Style::RandomWithUnknownTags(random) => random.below(4) == 0,
        }
    }

    fn count(&mut self) -> usize {
        match self.style {
            Style::Default => 0,
            Style::Many { count, depth } => match self.depth.cmp(depth) {
                Ordering::Less => 1,
                Ordering::Equal => *count,
                Ordering::Greater => 0,
            },
            Style::Random(random) | Style::RandomWithUnknownTags(random) => random.below(4),
        }
    }

    fn value(&mut self, field: &Field, out: &mut Vec<u8>) {
        match field.kind {
            "bool" => {
                let byte = match self.style {
                    Style::Default => u8::from(field.default.eq_ignore_ascii_case("true")),
                    Style::Many { .. } => 0,
                    Style::Random(random) | Style::RandomWithUnknownTags(random) => {
                        random.byte() & 1
                    }
                };
                out.push(byte);
            }
            "int8" => self.number(1, field, out),
            "int16" | "uint16" => self.number(2, field, out),
            "int32" => self.number(4, field, out),
            "int64" | "float64" => self.number(8, field, out),
            "uuid" => self.number(16, field, out),
            "string" => self.bytes(true, out),
            "bytes" | "records" => self.bytes(false, out),
            _ => self.fields(&field.fields, out),
        }
    }

    fn number(&mut self, width: usize, field: &Field, out: &mut Vec<u8>) {
        let default = || match field.default.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(hex, 16).expect("hex"),
            None if matches!(field.default, "" | "null") => 0,
            None => field.default.parse().expect("a number"),
        };
        let bytes = match self.style {
            Style::Default | Style::Many { .. } => default().to_be_bytes(),
            Style::Random(random) | Style::RandomWithUnknownTags(random) => {
                let small = random.below(2) == 0;
                let high = if small { 0 } else { random.next() };
                ((i128::from(high) << 64) | i128::from(random.next())).to_be_bytes()
            }
        };
        out.extend(&bytes[16 - width..]);
    }

    fn bytes(&mut self, is_text: bool, out: &mut Vec<u8>) {
        let bytes: Vec<u8> = match self.style {
            Style::Default => Vec::new(),
            Style::Many { .. } => b"abc".to_vec(),
            Style::Random(random) | Style::RandomWithUnknownTags(random) => {
                let longest = [1, 8, 20, 400][random.below(4)];
                let length = random.below(longest);
                (0..length).map(|_| random.byte()).collect()
            }
        };
        let bytes = if is_text {
            bytes
                .iter()
                .map(|b| b"abcdefghijklmnopqrstuvwxyz.-_ABC0"[usize::from(b % 33)])
                .collect()
        } else {
            bytes
        };
        self.length(Some(bytes.len()), is_text, out);
        out.extend(bytes);
    }

    fn length(&self, length: Option<usize>, is_text: bool, out: &mut Vec<u8>) {
        if self.flexible {
            return uvarint(length.map_or(0, |length| length + 1), out);
        }
        let length = length.map_or(-1, |length| i32::try_from(length).expect("short"));
        let bytes = length.to_be_bytes();
        out.extend(if is_text { &bytes[2..] } else { &bytes });
    }
}

pub(super) fn uvarint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}
