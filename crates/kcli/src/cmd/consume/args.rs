//! The flags of `kcli consume`, Kafka's own spellings among them.

use std::time::Duration;

use clap::{ArgAction, Args};
use clap_complete::ArgValueCompleter;
use client::{IsolationLevel, Reset, Settings};
use regex::Regex;

use super::grep::Grep;
use super::layout::Layout;
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::group_records::Decode;
use crate::offset_spec::{self, Point, Range};
use crate::output::Format;
use crate::template::Template;
use crate::topics::key_value;

/// How long the group's coordinator may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Read events. Without a start they are those that arrive from now on.
///
/// `--timeout` is how long to wait for another event before stopping.
#[derive(Debug, Args)]
pub(crate) struct Consume {
    /// From where
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    pub(super) topics: Vec<String>,
    /// Also from topics that match
    #[arg(long, visible_alias = "include", value_name = "RE")]
    pub(super) regex: Option<Regex>,
    /// From the oldest event that is kept
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,
    /// Where to begin: start, end, 42, -10, +10, @TIME, 10:20, :end (see: kcli help offsets)
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    offset: Option<String>,
    /// Only these partitions, with commas between
    #[arg(
        short = 'p',
        long = "partition",
        value_name = "N",
        value_delimiter = ','
    )]
    pub(super) partitions: Option<Vec<i32>>,
    /// Stop after so many events
    #[arg(short = 'n', long, value_name = "N")]
    pub(super) max_messages: Option<u64>,
    /// Stop where the log ends now
    #[arg(short = 'e', long)]
    pub(super) exit_at_end: bool,
    /// As --timeout, in milliseconds
    #[arg(long, value_name = "MS")]
    timeout_ms: Option<u64>,
    /// Layout of an event: %k %v %t %p %o %h{..} %d{..} (see: kcli help format)
    #[arg(short = 'f', long, value_name = "TEMPLATE", value_parser = Template::parse)]
    format: Option<Template>,
    /// Only events that match: RE in the value, k:RE in the key, h:NAME=RE in a header
    #[arg(long, value_name = "RE", value_parser = Grep::parse)]
    pub(super) grep: Vec<Grep>,
    /// Print keys, too
    #[arg(long)]
    print_key: bool,
    /// Print headers, too
    #[arg(long)]
    print_headers: bool,
    /// Print times, too
    #[arg(long)]
    print_timestamp: bool,
    /// Print partitions, too
    #[arg(long)]
    print_partition: bool,
    /// Print offsets, too
    #[arg(long)]
    print_offset: bool,
    /// What the records mean: offsets, for those of `__consumer_offsets`
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "format")]
    decode: Option<Decode>,
    /// `read_uncommitted` or `read_committed`
    #[arg(long, value_name = "LEVEL", value_parser = isolation_level)]
    isolation_level: Option<IsolationLevel>,
    /// Kafka's console consumer properties: print.key, key.separator, line.separator, null.literal
    #[arg(long = "formatter-property", alias = "property", value_name = "KEY=VALUE", value_parser = key_value)]
    properties: Vec<(String, String)>,
    /// Share the topics with the others of this group, go on where it has come to, and commit
    #[arg(short = 'g', long, value_name = "GROUP")]
    group: Option<String>,
    /// With --group: whether to commit what was printed
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    commit: bool,
    /// With --group: classic, or consumer, where the broker assigns (KIP-848)
    #[arg(long, value_name = "NAME")]
    group_protocol: Option<String>,
    /// With --group: an id that stays, so that a restart costs no rebalance
    #[arg(long, value_name = "ID")]
    group_instance_id: Option<String>,
}

/// How events are printed.
#[derive(Debug, Clone)]
pub(super) enum Style {
    /// Field by field, as Kafka's console consumer does.
    Layout(Layout),
    /// By a template.
    Template(Template),
    /// One object a line.
    JsonLines,
    /// One array of objects.
    Json,
    /// Comma-separated.
    Csv,
}

impl Consume {
    /// Refuses what cannot be done, before anything is asked.
    pub(super) fn check(&self) -> Result {
        if self.topics.is_empty() && self.regex.is_none() {
            return Err(Failure::usage("which topic?").hint("see `kcli topic list`"));
        }
        Ok(())
    }

    /// The settings that hold, all flags having had their say.
    pub(super) fn settings(&self, context: &Context) -> Result<Settings> {
        let mut settings = context.settings.clone();
        let flags = [
            ("group.id", &self.group),
            ("group.protocol", &self.group_protocol),
            ("group.instance.id", &self.group_instance_id),
        ];
        for (key, value) in flags {
            if let Some(value) = value {
                settings.set(key, value)?;
            }
        }
        let consumer = &mut settings.consumer;
        consumer.isolation_level = self.isolation_level.unwrap_or(consumer.isolation_level);
        settings.group.is_auto_commit &= self.commit;
        if !settings.group.group_id.is_empty() {
            self.check_group()?;
            // --timeout is about events here, not about the coordinator's answers.
            let shared = &mut settings.client;
            shared.api_timeout = shared.api_timeout.max(ANSWER_WITHIN);
            shared.request_timeout = shared.request_timeout.max(ANSWER_WITHIN);
            if self.from_beginning {
                settings.consumer.reset = Some(Reset::Earliest);
            }
        }
        Ok(settings)
    }

    /// Refuses what a group decides itself.
    fn check_group(&self) -> Result {
        if self.partitions.is_some() {
            return Err(
                Failure::usage("-p: the members of a group share out the partitions")
                    .hint("leave out --group to read a partition of your choice"),
            );
        }
        if self.offset.is_some() {
            return Err(
                Failure::usage("--offset: a group goes on where it has come to")
                    .hint("`kcli group reset GROUP --to WORD` sends it elsewhere")
                    .hint("--from-beginning holds where it has committed nothing yet"),
            );
        }
        if self.regex.is_some() && !self.topics.is_empty() {
            return Err(
                Failure::usage("--regex: a group reads topics by name or by pattern")
                    .hint("write one pattern for all of them"),
            );
        }
        Ok(())
    }

    /// Where to begin and where to end, and whether the user said so.
    pub(super) fn range(&self, context: &Context) -> Result<(Range, bool)> {
        let plain = |from| Range { from, to: None };
        let mut range = match (&self.offset, self.from_beginning) {
            (Some(text), _) => {
                offset_spec::parse(text, context.now_ms()).map_err(Failure::usage)?
            }
            (None, true) => plain(Point::Start),
            (None, false) => plain(Point::End),
        };
        if self.exit_at_end && range.to.is_none() {
            range.to = Some(Point::End);
        }
        Ok((range, self.offset.is_some() || self.from_beginning))
    }

    /// Whether records are shown in words.
    pub(super) fn is_decoded(&self) -> bool {
        self.decode.is_some()
    }

    /// How long to wait for another event.
    pub(super) fn idle_max(&self, context: &Context) -> Option<Duration> {
        self.timeout_ms
            .map(Duration::from_millis)
            .or(context.timeout_given)
    }

    pub(super) fn style(&self, format: Format) -> Result<Style> {
        match (format, &self.format) {
            (Format::Jsonl, None) => Ok(Style::JsonLines),
            (Format::Json, None) => Ok(Style::Json),
            (Format::Csv, None) => Ok(Style::Csv),
            (Format::Table, Some(template)) => Ok(Style::Template(template.clone())),
            (Format::Table, None) => Ok(Style::Layout(self.layout()?)),
            (Format::Wide, None) => Ok(Style::Layout(Layout::everything())),
            (Format::Yaml | Format::Name, _) => Err(Failure::usage(
                "events have no such form: use -o json, jsonl, csv or wide",
            )),
            (_, Some(_)) => Err(Failure::usage(
                "-f and -o: one of them says how events look",
            )),
        }
    }

    fn layout(&self) -> Result<Layout> {
        let mut layout = Layout::default();
        layout.has_key = self.print_key || self.decode.is_some();
        layout.has_headers = self.print_headers;
        layout.has_timestamp = self.print_timestamp;
        layout.has_partition = self.print_partition;
        layout.has_offset = self.print_offset;
        for (key, value) in &self.properties {
            layout.set(key, value).map_err(Failure::usage)?;
        }
        Ok(layout)
    }
}

fn isolation_level(text: &str) -> Result<IsolationLevel, String> {
    match text {
        "read_uncommitted" => Ok(IsolationLevel::ReadUncommitted),
        "read_committed" => Ok(IsolationLevel::ReadCommitted),
        _ => Err("know read_uncommitted and read_committed".to_owned()),
    }
}
