//! Starts the real binary in a folder of its own and speaks Kafka to it.

mod client;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

pub(crate) use client::Client;

/// Far beyond what anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, in that folder, with nothing of the environment that configures it.
pub(crate) fn raudal(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raudal"));
    for (name, _) in std::env::vars() {
        if name.starts_with("KAFKA_") || name.starts_with("RAUDAL_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.current_dir(dir).args(args);
    command
}

/// Runs the binary to its end.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    raudal(dir, args).output().expect("the binary runs")
}

/// Writes a configuration and returns its name.
pub(crate) fn write(dir: &Path, text: &str) -> &'static str {
    std::fs::write(dir.join("server.properties"), text).expect("the file is written");
    "server.properties"
}

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    /// What it said before it was ready, for failed assertions.
    pub(crate) log: Vec<String>,
    /// Its start line.
    pub(crate) started: serde_json::Value,
}

impl Server {
    /// Starts it and waits until it says that it has started.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = raudal(dir, args);
        command
            .args(["--log-format", "json"])
            .stderr(Stdio::piped());
        Self::spawn(command)
    }

    /// Starts the command and waits until it says that it has started.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let (sender, lines) = sync_channel(10_000);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut server = Self {
            child,
            lines,
            log: Vec::new(),
            started: serde_json::Value::Null,
        };
        server.started = server.wait_for("started");
        server
    }

    /// Reads log lines until one with that message.
    pub(crate) fn wait_for(&mut self, message: &str) -> serde_json::Value {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let value: serde_json::Value =
                        serde_json::from_str(&line).unwrap_or(serde_json::Value::Null);
                    self.log.push(line);
                    if value["message"] == message {
                        return value;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("never said {message:?}:\n{}", self.log.join("\n"));
                }
            }
        }
    }

    /// Where a listener is bound.
    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        let listeners = self.started["listeners"].as_str().unwrap_or_default();
        let prefix = format!("{listener}://");
        let found = listeners.split(',').find_map(|it| it.strip_prefix(&prefix));
        let address = found.unwrap_or_else(|| panic!("no {listener} in {listeners}"));
        address.parse().expect("an address")
    }

    /// The port clients connect to.
    pub(crate) fn port(&self) -> u16 {
        self.address("PLAINTEXT").port()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Ends it the hard way.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop and waits; its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        self.signal("TERM");
        let status = self.child.wait().expect("it ends");
        status.code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
