//! Events to standard output, in chunks.

use std::borrow::Cow;

use client::consumer::ConsumerRecord;

use super::args::Style;
use super::json_record;
use super::meaning::Meaning;
use crate::bytes_text;
use crate::failure::Result;
use crate::output::write_stdout;
use crate::template::Fields;

/// Bytes that are collected before they are written.
const CHUNK_BYTES: usize = 64 * 1024;

/// Prints events, one after the other.
#[derive(Debug)]
pub(super) struct Printer {
    style: Style,
    has_header: bool,
    is_decoding: bool,
    printed_count: u64,
    buffer: Vec<u8>,
}

impl Printer {
    pub(super) fn new(style: Style, has_header: bool) -> Self {
        Self {
            style,
            has_header,
            is_decoding: false,
            printed_count: 0,
            buffer: Vec::with_capacity(CHUNK_BYTES),
        }
    }

    /// Shows the records of groups in words, those of `__consumer_offsets`.
    #[must_use]
    pub(super) fn decoding(mut self, is_decoding: bool) -> Self {
        self.is_decoding = is_decoding;
        self
    }

    /// How many were printed.
    pub(super) fn printed_count(&self) -> u64 {
        self.printed_count
    }

    /// Prints an event, sooner or later.
    pub(super) fn print(&mut self, record: &ConsumerRecord) -> Result {
        let is_first = self.printed_count == 0;
        self.printed_count += 1;
        let meaning = self.is_decoding.then(|| Meaning::of(record)).flatten();
        let in_words = meaning.as_ref().map(|meaning| meaning.in_words(record));
        let record = in_words.as_ref().unwrap_or(record);
        let json = || {
            let mut json = json_record::json(record);
            if let Some(meaning) = &meaning {
                meaning.put_into(&mut json);
            }
            json.to_string().into_bytes()
        };
        let out = &mut self.buffer;
        match &self.style {
            Style::Layout(layout) => layout.render(record, out),
            Style::Template(template) => {
                template.render(&fields(record, self.printed_count), out);
            }
            Style::JsonLines => {
                out.extend(json());
                out.push(b'\n');
            }
            Style::Json => {
                out.extend_from_slice(if is_first { b"[\n" } else { b",\n" });
                out.extend(json());
            }
            Style::Csv => {
                if is_first && self.has_header {
                    out.extend_from_slice(b"topic,partition,offset,timestamp,key,value\n");
                }
                csv(record, out);
            }
        }
        match self.buffer.len() >= CHUNK_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes what was collected.
    pub(super) fn flush(&mut self) -> Result {
        if !self.buffer.is_empty() {
            write_stdout(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Writes what closes the output.
    pub(super) fn finish(&mut self) -> Result {
        if matches!(self.style, Style::Json) {
            let end: &[u8] = if self.printed_count == 0 {
                b"[]\n"
            } else {
                b"\n]\n"
            };
            self.buffer.extend_from_slice(end);
        }
        self.flush()
    }
}

fn fields(record: &ConsumerRecord, iteration: u64) -> Fields<'_> {
    let headers = record.headers.iter();
    Fields {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        leader_epoch: record.leader_epoch,
        timestamp_ms: record.timestamp_ms,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: headers
            .map(|h| (Cow::from(&*h.key), h.value.as_deref()))
            .collect(),
        producer_id: record.producer_id,
        producer_epoch: record.producer_epoch,
        iteration,
    }
}

fn csv(record: &ConsumerRecord, out: &mut Vec<u8>) {
    let text = |bytes: Option<&bytes::Bytes>| bytes.map_or(String::new(), |b| bytes_text::shown(b));
    let quoted = |text: String| match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    };
    let line = format!(
        "{},{},{},{},{},{}\n",
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        quoted(text(record.key.as_ref())),
        quoted(text(record.value.as_ref())),
    );
    out.extend(line.into_bytes());
}
