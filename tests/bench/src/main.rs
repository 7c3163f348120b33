//! The load generator: one kind of load per subcommand, against any broker that speaks Kafka's protocol.
//!
//! It is lean, so that on a machine it shares with the brokers they get the cores: batches are built before
//! the clock starts, requests go out as bytes that exist already, responses are looked at just enough to
//! count and to notice an error. It knows nothing of what a broker is written in.
//!
//! ```text
//!  load KIND --bootstrap HOST:PORT,… --topic T --secs S …
//!    stdout   MARK start      the measured window opens: whoever started us reads the brokers' CPU time
//!             MARK end
//!             { … }           what was measured, one line of JSON
//! ```

mod args;
mod batches;
mod calibrate;
mod connections;
mod consume;
mod gap;
mod latency;
mod link;
mod picture;
mod probes;
mod produce;
mod report;
mod topics;
mod window;

use std::process::ExitCode;

use anyhow::{Result, bail};

use args::Args;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let kind = words.next().unwrap_or_default();
    let args = Args::parse(words)?;
    match kind.as_str() {
        "create" => topics::create(&args),
        "delete" => topics::delete(&args),
        "ready" => topics::ready(&args),
        "each" => probes::each(&args),
        "first" => probes::first(&args),
        "who" => probes::who(&args),
        "produce" => produce::run(&args),
        "latency" => latency::run(&args),
        "consume" => consume::run(&args),
        "connections" => connections::run(&args),
        "gap" => gap::run(&args),
        "calibrate" => calibrate::run(&args),
        other => bail!("there is no load called {other:?}"),
    }
}
