//! The flags of `kcli produce`, Kafka's own spellings among them.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use clap::Args;
use clap_complete::ArgValueCompleter;
use client::producer::{Compression, Record, RecordHeader};
use client::{Acks, ProducerConfig};

use super::input::Input;
use super::line::{LineFormat, Parsed};
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::topics::key_value;

/// Write events: one line, one event.
#[derive(Debug, Args)]
pub(crate) struct Produce {
    /// Where to
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    pub(super) topic: String,
    /// Files to read; standard input if none is given, or for -
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What stands before this is the key
    #[arg(short = 'K', long, value_name = "SEPARATOR")]
    key_separator: Option<String>,
    /// One key for all events
    #[arg(
        short = 'k',
        long,
        value_name = "KEY",
        conflicts_with = "key_separator"
    )]
    key: Option<String>,
    /// A header for all events, as often as needed
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = key_value)]
    headers: Vec<(String, String)>,
    /// The partition, instead of letting the key decide
    #[arg(short = 'p', long, value_name = "N")]
    partition: Option<i32>,
    /// An empty key or value is null
    #[arg(short = 'Z', long)]
    empty_is_null: bool,
    /// A key or value like this is null
    #[arg(long, value_name = "TEXT")]
    null_marker: Option<String>,
    /// What ends an event, instead of a line break: \0, \t, \xHH or any text
    #[arg(short = 'D', long, value_name = "DELIMITER")]
    delimiter: Option<String>,
    /// none, gzip, snappy, lz4 or zstd
    #[arg(short = 'z', long, visible_alias = "compression-codec", value_name = "CODEC", value_parser = codec)]
    compression: Option<Compression>,
    /// Who must have an event: all in-sync replicas, the leader (1), or nobody (0)
    #[arg(long, visible_alias = "request-required-acks", value_name = "all|1|0", value_parser = acks)]
    acks: Option<Acks>,
    /// Without sequence numbers: a retry may write an event twice
    #[arg(long)]
    no_idempotence: bool,
    /// With sequence numbers (this is the default)
    #[arg(long, hide = true)]
    idempotent: bool,
    /// Each line is an object with key, value, headers, partition, timestamp
    #[arg(long, conflicts_with_all = ["key_separator", "null_marker"])]
    json_lines: bool,
    /// Time of all events, in milliseconds since 1970
    #[arg(long, value_name = "MS")]
    timestamp: Option<i64>,
    /// At most so many events a second
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(super) rate: Option<f64>,
    /// Print where each event went: partition and offset
    #[arg(long)]
    pub(super) print_offsets: bool,
    /// Kafka's console producer properties: parse.key, key.separator, null.marker
    #[arg(long = "reader-property", alias = "property", value_name = "KEY=VALUE", value_parser = key_value)]
    properties: Vec<(String, String)>,
}

impl Produce {
    pub(super) fn reads_stdin(&self) -> bool {
        self.files.is_empty() || self.files.iter().any(|path| path.as_os_str() == "-")
    }

    /// Opens the input before anything is sent.
    pub(super) fn open_input(&self) -> Result<Vec<Input>> {
        if self.files.is_empty() {
            return Ok(vec![Input::Stdin]);
        }
        let open = |path: &PathBuf| match path.as_os_str() == "-" {
            true => Ok(Input::Stdin),
            false => Input::open(path),
        };
        self.files.iter().map(open).collect()
    }

    pub(super) fn line_format(&self) -> Result<LineFormat> {
        if self.json_lines {
            return Ok(LineFormat::Json);
        }
        let mut key_separator = self.key_separator.clone();
        let mut null_marker = self.null_marker.clone();
        let (mut parses_key, mut property_separator) = (false, None);
        for (key, value) in &self.properties {
            match key.as_str() {
                "parse.key" => parses_key = value == "true",
                "key.separator" => property_separator = Some(value.clone()),
                "null.marker" => null_marker = Some(value.clone()),
                "ignore.error" => {}
                _ => {
                    return Err(
                        Failure::usage(format!("--reader-property {key}: not supported"))
                            .hint("know parse.key, key.separator and null.marker"),
                    );
                }
            }
        }
        if parses_key {
            key_separator = Some(property_separator.unwrap_or_else(|| "\t".to_owned()));
        }
        if key_separator.as_deref() == Some("") {
            return Err(Failure::usage("-K: the separator is empty"));
        }
        Ok(LineFormat::Text {
            key_separator: key_separator.map(|text| unescaped(&text)).transpose()?,
            null_marker: null_marker.map(String::into_bytes),
            empty_is_null: self.empty_is_null,
        })
    }

    pub(super) fn delimiter_bytes(&self) -> Result<Vec<u8>> {
        match &self.delimiter {
            None => Ok(b"\n".to_vec()),
            Some(text) if text.is_empty() => Err(Failure::usage("-D: the delimiter is empty")),
            Some(text) => unescaped(text),
        }
    }

    pub(super) fn producer_config(&self, context: &Context) -> Result<ProducerConfig> {
        let mut config = context.settings.producer.clone();
        config.compression = self.compression.unwrap_or(config.compression);
        config.acks = self.acks.unwrap_or(config.acks);
        config.is_idempotent &= !self.no_idempotence;
        if let Some(timeout) = context.timeout_given {
            config.delivery_timeout = timeout;
            config.block_max = timeout;
        }
        Ok(config)
    }

    /// A parsed line with what the flags add.
    pub(super) fn complete(&self, parsed: Parsed, topic: &Arc<str>) -> Record {
        let flags = self.headers.iter().map(|(name, value)| {
            RecordHeader::new(name.as_str(), Some(Bytes::from(value.clone())))
        });
        let fixed_key = || self.key.clone().map(Bytes::from);
        Record {
            topic: Arc::clone(topic),
            partition: self.partition.or(parsed.partition),
            key: parsed.key.or_else(fixed_key),
            value: parsed.value,
            headers: parsed.headers.into_iter().chain(flags).collect(),
            timestamp_ms: self.timestamp.or(parsed.timestamp_ms),
        }
    }
}

pub(crate) fn codec(text: &str) -> Result<Compression, String> {
    Compression::from_name(text).ok_or("know none, gzip, snappy, lz4 and zstd".to_owned())
}

pub(crate) fn acks(text: &str) -> Result<Acks, String> {
    match text {
        "all" | "-1" => Ok(Acks::All),
        "1" => Ok(Acks::Leader),
        "0" => Ok(Acks::None),
        _ => Err("know all, 1 and 0".to_owned()),
    }
}

/// `100` or `100/s`.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    match number.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("write events a second, for example 500 or 500/s".to_owned()),
    }
}

/// Escapes as in C, by the rules of templates.
fn unescaped(text: &str) -> Result<Vec<u8>> {
    crate::template::literal(text).map_err(Failure::usage)
}
