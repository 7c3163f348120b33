//! From the command line to the exit code.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use clap_complete::CompleteEnv;
use tokio::signal;

use crate::cli::{Cli, Command, with_brokers_as_bootstrap};
use crate::cmd::{broker, partition};
use crate::context::{Context, output_before_context};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::note;

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    // A shell that wants completions asks through the environment and is answered here.
    CompleteEnv::with_factory(Cli::command).complete();
    let arguments = with_brokers_as_bootstrap(std::env::args_os().collect());
    let exit = match Cli::try_parse_from(&arguments) {
        Ok(cli) => run(cli),
        Err(error) => usage(&error, &arguments),
    };
    ExitCode::from(exit.code())
}

/// Help and version are data; anything else is a usage error, in JSON too if JSON was wanted.
fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    // Nobody is left to tell if the terminal is gone.
    drop(error.print());
    if !error.use_stderr() {
        return Exit::Ok;
    }
    if wants_json(arguments) {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.trim_start_matches("error: ");
        let json = serde_json::json!({ "error": Failure::usage(message).to_json() });
        drop(crate::output::write_stdout(
            format!("{json:#}\n").as_bytes(),
        ));
    }
    Exit::Usage
}

fn wants_json(arguments: &[OsString]) -> bool {
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let attached = [
        "-ojson",
        "-ojsonl",
        "--output=json",
        "--output=jsonl",
        "-o=json",
    ];
    words
        .windows(2)
        .any(|pair| matches!(&*pair[0], "-o" | "--output") && matches!(&*pair[1], "json" | "jsonl"))
        || words.iter().any(|word| attached.contains(&&**word))
}

fn run(cli: Cli) -> Exit {
    start_log(cli.global.verbose);
    let early_output = output_before_context(&cli.global);
    let outcome = early_hints(&cli).and_then(|()| {
        let context = Context::new(&cli.global)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let outcome = runtime.block_on(until_interrupted(cli.command, &context));
        // A thread that waits for standard input must not keep the program.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => Exit::Ok,
        Err(failure) => {
            early_output.print_failure(&failure);
            failure.exit
        }
    }
}

/// Flags of other tools and other times.
fn early_hints(cli: &Cli) -> Result {
    let global = &cli.global;
    if let Some(servers) = &global.broker_list {
        return Err(
            Failure::usage("--broker-list is gone from Kafka's tools since 4.0").hint(format!(
                "write --bootstrap-server {servers}, or -b {servers}"
            )),
        );
    }
    if global.zookeeper.is_some() {
        return Err(
            Failure::usage("--zookeeper: there is no ZooKeeper any more")
                .hint("write --bootstrap-server with the address of a broker, usually port 9092"),
        );
    }
    Ok(())
}

/// The first Ctrl-C ends a command; those that want to say goodbye get until the second one.
async fn until_interrupted(command: Command, context: &Context) -> Result {
    let says_goodbye = matches!(
        command,
        Command::Produce(_)
            | Command::Consume(_)
            | Command::Perf(_)
            | Command::Drill(_)
            | Command::Partition(partition::Command::Move(_) | partition::Command::Rebalance(_))
            | Command::Broker(broker::Command::Drain(_) | broker::Command::Decommission(_))
    );
    let interrupt = context.interrupt.clone();
    let interrupted = async {
        // Without a signal handler there is nothing to wait for.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        interrupt.cancel();
        if says_goodbye && signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        outcome = crate::cmd::run(command, context) => outcome,
        () = interrupted => Err(Failure::reported(Exit::Interrupted)),
    }
}

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::ERROR,
        1 => tracing::Level::WARN,
        _ => tracing::Level::DEBUG,
    };
    let started = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    if started.is_err() {
        note("warning: the log could not be started");
    }
}
