//! Running kcli against a cluster, and looking at what it said.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::target::Cluster;

/// A call of kcli being put together.
#[derive(Debug)]
pub(crate) struct Kcli {
    command: Command,
    input: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Kcli {
    /// A call that will reach this cluster.
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kcli"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KCLI_") {
                command.env_remove(name);
            }
        }
        command.env("KCLI_BOOTSTRAP_SERVER", &cluster.bootstrap);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self {
            command,
            input: Vec::new(),
        }
    }

    /// Adds words.
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(args);
        self
    }

    /// Gives it standard input.
    pub(crate) fn input(mut self, input: impl AsRef<[u8]>) -> Self {
        self.input = input.as_ref().to_vec();
        self
    }

    /// The command, to be run otherwise.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Outcome {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .spawn()
            .expect("kcli starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = self.input;
        let writer = std::thread::spawn(move || {
            // It may end before it has read everything.
            drop(stdin.write_all(&input));
        });
        let output = child.wait_with_output().expect("kcli ends");
        writer.join().expect("the writer ends");
        Outcome {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Outcome {
    /// Expects success, and gives standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Expects success and JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Expects this exit code, and gives standard error.
    #[track_caller]
    pub(crate) fn fails(self, status: i32) -> String {
        assert_eq!(self.status, status, "{}{}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Runs kcli with these words.
pub(crate) fn kcli<'a>(cluster: &Cluster, args: impl IntoIterator<Item = &'a str>) -> Outcome {
    Kcli::new(cluster).args(args).run()
}

/// Runs kcli with one string of words without blanks in them.
pub(crate) fn run(cluster: &Cluster, line: &str) -> Outcome {
    kcli(cluster, line.split_whitespace())
}

/// How long something takes.
#[expect(
    clippy::disallowed_methods,
    reason = "the time of people and processes"
)]
pub(crate) fn timed<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let outcome = what();
    (start.elapsed(), outcome)
}

/// Writes lines to a topic.
#[track_caller]
pub(crate) fn produce(cluster: &Cluster, line: &str, input: &str) {
    let words = ["produce"].into_iter().chain(line.split_whitespace());
    Kcli::new(cluster).args(words).input(input).run().ok();
}

/// Reads a topic from its beginning to its end.
#[track_caller]
pub(crate) fn consume(cluster: &Cluster, line: &str) -> String {
    run(
        cluster,
        &format!("consume {line} --from-beginning --exit-at-end"),
    )
    .ok()
}

/// Makes a topic.
#[track_caller]
pub(crate) fn create(cluster: &Cluster, topic: &str, partitions: u32) {
    run(
        cluster,
        &format!("topic create {topic} -p {partitions} -r 1"),
    )
    .ok();
}
