//! Numbers of groups, for Raudal and Apache Kafka side by side.
//!
//! | variable | default | |
//! |---|---|---|
//! | `TARGET` | `raudal` | or `kafka`, from the jars in `KAFKA_LIBS` |
//! | `PART` | both | `idle` or `failover` |
//! | `ROUNDS` | 5 | deaths of each kind (`failover`) |
//! | `CLIENT` | `java` | or `librdkafka` (`failover`) |
//! | `GROUP_COUNT` | 1000 | of three members each (`idle`) |
//! | `WARM_UP`, `WINDOW` | 30, 60 | seconds (`idle`) |

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cluster_tests::bench::{failover, idle};
use cluster_tests::load::group::{Program, Protocol};
use cluster_tests::target::{Kind, Target};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let ran = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run()));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let kind = match variable("TARGET").as_deref() {
        Some("kafka") => Kind::ApacheKafka,
        _ => Kind::Raudal,
    };
    let target = Target::find(kind).map_err(anyhow::Error::msg)?;
    let part = variable("PART");
    let wants = |name| part.as_deref().is_none_or(|part| part == name);
    if wants("failover") {
        let program = match variable("CLIENT").as_deref() {
            Some("librdkafka") => Program::Librdkafka,
            _ => Program::Java,
        };
        let rounds = number("ROUNDS", 5)?;
        for protocol in [Protocol::Classic, Protocol::Cooperative, Protocol::Consumer] {
            let rounds = u32::try_from(rounds)?;
            let times = failover::measure(&target, program, protocol, rounds).await?;
            say(&format!("{} {program:?} {times}", kind.name()));
        }
    }
    if wants("idle") {
        for protocol in [Protocol::Classic, Protocol::Consumer] {
            let idle = idle::Idle {
                protocol,
                group_count: i64::try_from(number("GROUP_COUNT", 1000)?)?,
                member_count: 3,
                warm_up: Duration::from_secs(number("WARM_UP", 30)?),
                window: Duration::from_secs(number("WINDOW", 60)?),
            };
            let cost = idle::measure(&target, idle).await?;
            say(&format!("{} {protocol:?}: {cost}", kind.name()));
        }
    }
    Ok(())
}

fn number(name: &str, default: u64) -> Result<u64> {
    match variable(name) {
        Some(text) => text.parse().with_context(|| format!("{name}={text}")),
        None => Ok(default),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

#[expect(clippy::print_stdout, reason = "numbers for whoever looks")]
fn say(line: &str) {
    println!("{line}");
}
