//! Apache Kafka's own producer, idempotent with acks=all, as `VerifiableProducer` of its tools drives
//! it: a line of JSON for each record that was acknowledged.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use client::Address;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::LoadSpec;
use crate::history::{Phase, Recorder, Value, What};

/// The tool itself tries nothing twice; its producer shall, as it does by default.
const CONFIG: &str = "retries=2147483647\nenable.idempotence=true\nlinger.ms=2\n";
const RECORDS_A_SECOND: u32 = 500;
const DONE_WITHIN: Duration = Duration::from_secs(90);

/// A producer in a process of its own, which writes so many records and ends.
#[derive(Debug)]
pub struct JavaProducer {
    child: Child,
    spec: LoadSpec,
    recorder: Recorder,
    id: u32,
    count: u32,
}

/// What the tool prints; other lines have other names.
#[derive(Deserialize)]
struct Line {
    name: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    partition: i32,
    #[serde(default)]
    offset: i64,
}

impl JavaProducer {
    /// Starts it. `libs` is the folder of Apache Kafka's jars, `dir` one for its configuration.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(
        libs: &Path,
        dir: &Path,
        spec: LoadSpec,
        bootstrap: &[Address],
        recorder: &Recorder,
        count: u32,
    ) -> Result<Self> {
        let config = dir.join("producer.properties");
        std::fs::write(&config, CONFIG)?;
        let id = recorder.new_client();
        let bootstrap: Vec<String> = bootstrap.iter().map(ToString::to_string).collect();
        let mut command = Command::new("java");
        command.args([
            "-Xmx128M",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
        ]);
        command.arg(libs.join("*"));
        command.args(["org.apache.kafka.tools.VerifiableProducer", "--acks", "-1"]);
        command.args([
            "--topic",
            &spec.topic,
            "--bootstrap-server",
            &bootstrap.join(","),
        ]);
        command.args(["--max-messages", &count.to_string()]);
        command.args(["--throughput", &RECORDS_A_SECOND.to_string()]);
        command.args(["--value-prefix", &id.to_string(), "--command-config"]);
        command.arg(config);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            child,
            spec,
            recorder: recorder.clone(),
            id,
            count,
        })
    }

    /// Reads what it says until it has written everything.
    ///
    /// # Errors
    /// It does not end in time, or not well.
    pub async fn finish(mut self) -> Result<()> {
        let ran = timeout(DONE_WITHIN, self.listen()).await;
        match ran {
            Ok(Ok(acked)) if acked == self.count => Ok(()),
            Ok(Ok(acked)) => bail!(
                "the Java producer had {acked} of {} acknowledged",
                self.count
            ),
            Ok(Err(error)) => Err(error),
            Err(_elapsed) => bail!("the Java producer still runs after {DONE_WITHIN:?}"),
        }
    }

    async fn listen(&mut self) -> Result<u32> {
        // When it sends what it does not say: not before it says that it has started.
        let mut began_ns = self.recorder.now_ns();
        let stdout = self.child.stdout.take().context("it is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut acked = 0;
        while let Some(line) = lines.next_line().await? {
            let Ok(line) = serde_json::from_str::<Line>(&line) else {
                continue;
            };
            if line.name == "startup_complete" {
                began_ns = self.recorder.now_ns();
            }
            if line.name == "producer_send_success"
                && let Some(value) = value_of(&line.value)
            {
                acked += 1;
                self.acknowledged(began_ns, line.partition, line.offset, value);
            }
        }
        self.child.wait().await?;
        Ok(acked)
    }

    fn acknowledged(&self, began_ns: u64, partition: i32, offset: i64, value: Value) {
        let send = |phase, offset| What::Send {
            phase,
            tp: self.spec.tp(partition),
            value,
            offset,
        };
        let invoked = send(Phase::Invoke, None);
        self.recorder.record_at(began_ns, self.id, invoked);
        self.recorder.record(self.id, send(Phase::Ok, Some(offset)));
    }
}

/// A value of the tool, `PREFIX.COUNT`, as a number.
pub(super) fn value_of(text: &str) -> Option<Value> {
    let (prefix, count) = text.split_once('.')?;
    let (prefix, count): (u32, u32) = (prefix.parse().ok()?, count.parse().ok()?);
    Some(u64::from(prefix) << 32 | u64::from(count))
}
