//! Record templates, `consume -f`: the percent language of rpk and kcl, and kcat's letters.
//!
//! A template is parsed once into segments, then each record runs through them.

mod parse;
mod render;

use std::borrow::Cow;

pub(crate) use parse::literal;

/// One parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(Vec<u8>),
    Text(Text, Encoding),
    Number(Number, NumberForm),
    Time(TimeForm),
    Headers(Template),
}

/// A field of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Topic,
    Key,
    Value,
}

/// How bytes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Raw,
    Hex,
    Base64,
    Json,
}

/// A field that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Partition,
    Offset,
    LeaderEpoch,
    KeyLength,
    ValueLength,
    /// The value's length, -1 for null, as kcat's %S.
    ValueLengthOrNull,
    TopicLength,
    HeaderCount,
    TimestampMs,
    Iteration,
    ProducerId,
    ProducerEpoch,
}

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberForm {
    Decimal,
    /// Hexadecimal of so many bytes.
    Hex(usize),
    /// Raw bytes, most significant first.
    Big(usize),
    /// Raw bytes, least significant first.
    Little(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TimeForm {
    Millis,
    Seconds,
    Rfc3339,
    Strftime(String),
}

/// What a template shows: one record, borrowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Vec<(Cow<'a, str>, Option<&'a [u8]>)>,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    /// How many records have been shown, this one included.
    pub(crate) iteration: u64,
}

/// The page `kcli help format`.
pub(crate) const PAGE: &str = r"RECORD TEMPLATES                                     kcli consume TOPIC -f TEMPLATE

  %t topic          %k key             %h{%k=%v } headers, the part in braces once for each
  %p partition      %v %s value        %H number of headers
  %o offset         %K key length      %d timestamp (ms); %T the same
  %e leader epoch   %V value length    %d{%F %T} timestamp in strftime, UTC
  %i running number %S value length, -1 for null
  %x producer id    %y producer epoch  %t{len} topic length
  %% a percent sign     \n \t \r \\ \xHH as in C     %{ %} braces inside %h{...}

In braces after a field:
  %k %v %t   hex  base64  json
  numbers    hex64 hex32 hex16 hex8   big64 big32 big16 big8   little64 ... little8
  %d         ms  s  rfc3339, or any strftime format

  kcli consume cities -f '%p/%o %d{rfc3339} %k=%v\n'

COMING FROM     value  value length   timestamp   key length
  kcat          %s     %S             %T          %K
  rpk, kcl      %v     %V             %d          %K       (rpk's %T is %t{len} here)
A null key or value shows as nothing; %S, and -o jsonl, tell null from empty.
";
