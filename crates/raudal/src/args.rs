//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::failure::EXIT_CODES;

/// A Kafka-compatible broker.
///
/// Without a file it is a single node on localhost:9092 that keeps its data under ./data. Keys may
/// also come from `KAFKA_*` environment variables, named as in Kafka's container image; overrides go
/// before both.
#[derive(Debug, Parser)]
#[command(name = "raudal", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: Run,
}

/// Starts the node and stays in the foreground.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The configuration, in Kafka's own words
    #[arg(value_name = "server.properties")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    /// How log lines look; the variable `RUST_LOG` chooses which
    #[arg(long, value_enum, default_value_t, env = "RAUDAL_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// Keys given on the command line.
#[derive(Debug, Args)]
pub(crate) struct Overrides {
    /// Set a key, whatever the file and the environment say; may be repeated
    #[arg(long = "override", value_name = "key=value")]
    pub(crate) overrides: Vec<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prepare the data directories of a node
    Format(Format),
    /// Say what is wrong with a configuration, without starting anything
    CheckConfig(CheckConfig),
}

/// Prepares the data directories of a node.
#[derive(Debug, Args)]
pub(crate) struct Format {
    /// The node's configuration
    #[arg(short, long, value_name = "server.properties")]
    pub(crate) config: PathBuf,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    /// The cluster the node will belong to, the same on every node; chosen at random if not given
    #[arg(short = 't', long, value_name = "id")]
    pub(crate) cluster_id: Option<String>,
    /// Leave directories alone that are formatted already
    #[arg(short = 'g', long)]
    pub(crate) ignore_formatted: bool,
    #[command(flatten)]
    pub(crate) founding: Founding,
}

/// Who the first voters are, where the configuration has only
/// `controller.quorum.bootstrap.servers`.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Founding {
    /// This controller begins a cluster as its only voter; others may be added later
    #[arg(short = 's', long)]
    pub(crate) standalone: bool,
    /// This controller is one of the first voters, all of which are listed here
    #[arg(short = 'I', long, value_name = "id@host:port:directory-id,...")]
    pub(crate) initial_controllers: Option<String>,
    /// This node joins a cluster that exists
    #[arg(short = 'N', long)]
    pub(crate) no_initial_controllers: bool,
}

/// Says what is wrong with a configuration.
#[derive(Debug, Args)]
pub(crate) struct CheckConfig {
    /// The configuration to look at
    #[arg(value_name = "server.properties")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_file_and_overrides_come_in_any_order() {
        let cli = Cli::parse_from([
            "raudal",
            "--override",
            "a=1",
            "x.properties",
            "--override",
            "b=2",
        ]);
        assert_eq!(cli.run.file, Some(PathBuf::from("x.properties")));
        assert_eq!(cli.run.overrides.overrides, ["a=1", "b=2"]);
        assert!(cli.command.is_none());
    }
}
