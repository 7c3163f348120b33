//! The command tree and the flags that every command takes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::cmd;
use crate::output::{ColorChoice, Format};
use crate::when;

/// Commands for any Kafka cluster: topics, events, groups, configs, brokers, quorum, benchmarks.
#[derive(Debug, Parser)]
#[command(
    name = "kcli",
    version,
    about,
    long_about = "Commands for any Kafka cluster. `kcli cheat` shows the daily ones; `kcli help \
                  exit-codes`, `format` and `offsets` are pages of their own.",
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    propagate_version = false,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that may stand anywhere on the line.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where to find the cluster: host:port, several with commas
    #[arg(
        short = 'b',
        long = "bootstrap-server",
        visible_alias = "bootstrap-servers",
        value_name = "HOST:PORT",
        global = true
    )]
    pub(crate) bootstrap_server: Option<String>,

    /// Kafka's old name of --bootstrap-server
    #[arg(long, value_name = "HOST:PORT", global = true, hide = true)]
    pub(crate) broker_list: Option<String>,

    /// Gone with Kafka 4: answers with a hint
    #[arg(long, value_name = "HOST:PORT", global = true, hide = true)]
    pub(crate) zookeeper: Option<String>,

    /// A Java client's properties file
    #[arg(
        long,
        visible_aliases = ["consumer.config", "producer.config"],
        value_name = "FILE",
        global = true
    )]
    pub(crate) command_config: Option<PathBuf>,

    /// A client setting under Kafka's name, as often as needed
    #[arg(
        short = 'X',
        long = "command-property",
        aliases = ["producer-property", "consumer-property"],
        value_name = "KEY=VALUE",
        global = true
    )]
    pub(crate) settings: Vec<String>,

    /// Form of the output: table, wide, json, jsonl, yaml, csv or name
    #[arg(
        short = 'o',
        long,
        value_name = "FORM",
        value_parser = parse_format,
        allow_hyphen_values = true,
        global = true
    )]
    pub(crate) output: Option<Format>,

    /// Only these columns, by name with commas between
    #[arg(long, value_name = "NAMES", value_delimiter = ',', global = true)]
    pub(crate) columns: Option<Vec<String>>,

    /// Leave the header line out
    #[arg(long, global = true)]
    pub(crate) no_header: bool,

    /// When to use colours
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        global = true
    )]
    pub(crate) color: ColorChoice,

    /// Say yes to every question
    #[arg(short = 'y', long, global = true)]
    pub(crate) yes: bool,

    /// Check and show what would be done, and do nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,

    /// How long the command may take before it gives up: 500ms, 5s, 2m [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = when::duration, global = true)]
    pub(crate) timeout: Option<Duration>,

    /// Fewer words on standard error
    #[arg(short = 'q', long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// More words on standard error; twice for the client's own log
    #[arg(short = 'v', long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// The nouns, and the two daily verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, list, describe, delete, grow and trim topics
    #[command(subcommand)]
    Topic(cmd::topic::Command),
    /// Write events: one line, one event
    Produce(Box<cmd::produce::Produce>),
    /// Read events
    Consume(Box<cmd::consume::Consume>),
    /// Groups: how far they have read, who is in them, where they read on
    #[command(subcommand)]
    Group(cmd::group::Command),
    /// Read and change settings of topics, brokers and groups
    #[command(subcommand)]
    Config(cmd::config::Command),
    /// The cluster: its id, its brokers, its features
    #[command(subcommand)]
    Cluster(cmd::cluster::Command),
    /// Brokers, their disks and settings
    #[command(subcommand)]
    Broker(cmd::broker::Command),
    /// Partitions: list, move, hand over, spread
    #[command(subcommand)]
    Partition(cmd::partition::Command),
    /// The metadata quorum
    #[command(subcommand)]
    Quorum(cmd::quorum::Command),
    /// How fast is it? Measure producing and consuming
    #[command(subcommand)]
    Perf(cmd::perf::Command),
    /// A cluster on this machine, to try things on and to break
    #[command(subcommand)]
    Dev(cmd::dev::Command),
    /// Break something under load, and prove what came of it
    #[command(subcommand)]
    Drill(cmd::drill::Command),
    /// Are all replicas of a topic the same, byte for byte?
    Audit(cmd::audit::Audit),
    /// Look under the hood
    #[command(subcommand)]
    Debug(cmd::debug::Command),
    /// Write shell completions and man pages
    #[command(subcommand)]
    Generate(cmd::generate::Command),
    /// The daily commands on one page
    Cheat,
    /// Which kcli this is
    Version,
    /// Help on a command, or a page: exit-codes, format, offsets
    Help(cmd::help::Help),
}

/// The command line with rpk's `--brokers` as `--bootstrap-server`, except after `dev`, where it is a
/// number of brokers.
pub(crate) fn with_brokers_as_bootstrap(arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.iter().any(|word| word == "dev") {
        return arguments;
    }
    let renamed = arguments.into_iter().map(|word| match word.to_str() {
        Some("--brokers") => "--bootstrap-server".into(),
        Some(text) => match text.strip_prefix("--brokers=") {
            Some(servers) => format!("--bootstrap-server={servers}").into(),
            None => word,
        },
        None => word,
    });
    renamed.collect()
}

/// Reads `-o`. What looks like an offset gets the hint that people who come from kcat or rpk need.
pub(crate) fn parse_format(text: &str) -> Result<Format, String> {
    Ok(match text {
        "table" => Format::Table,
        "wide" => Format::Wide,
        "json" => Format::Json,
        "jsonl" | "ndjson" => Format::Jsonl,
        "yaml" => Format::Yaml,
        "csv" => Format::Csv,
        "name" => Format::Name,
        other if looks_like_offset(other) => {
            return Err(format!(
                "-o is --output here. Did you mean --offset {other}?"
            ));
        }
        _ => return Err("know table, wide, json, jsonl, yaml, csv and name".to_owned()),
    })
}

fn looks_like_offset(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b':');
    is_number
        || text.starts_with('@')
        || matches!(
            text,
            "start" | "end" | "beginning" | "stored" | "earliest" | "latest"
        )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_offset_given_to_o_is_answered_with_a_hint() {
        for offset in ["-10", "start", "@-1h", "5:10"] {
            let refused = parse_format(offset).expect_err(offset);
            assert_eq!(
                refused,
                format!("-o is --output here. Did you mean --offset {offset}?")
            );
        }
        assert_eq!(parse_format("json"), Ok(Format::Json));
        assert!(parse_format("xml").is_err());
    }

    #[test]
    fn brokers_are_addresses_except_in_dev_where_they_are_counted() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (line, expected) in [
            (
                "kcli topic list --brokers a:1",
                "kcli topic list --bootstrap-server a:1",
            ),
            (
                "kcli topic list --brokers=a:1",
                "kcli topic list --bootstrap-server=a:1",
            ),
            ("kcli dev start --brokers 3", "kcli dev start --brokers 3"),
        ] {
            assert_eq!(with_brokers_as_bootstrap(words(line)), words(expected));
        }
    }

    #[test]
    fn global_flags_may_stand_behind_the_command() {
        let cli = Cli::try_parse_from(["kcli", "topic", "list", "-b", "a:1", "-o", "json", "-y"]);
        let cli = cli.expect("parses");
        assert_eq!(cli.global.bootstrap_server.as_deref(), Some("a:1"));
        assert_eq!(cli.global.output, Some(Format::Json));
        assert!(cli.global.yes);
    }
}
