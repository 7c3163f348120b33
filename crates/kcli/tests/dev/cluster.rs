//! A cluster for one test, wiped when the test is over, and kcli run against it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Controllers' listeners lie a hundred above the brokers' ports.
const CONTROLLERS_ABOVE: u16 = 100;
/// Where brokers' ports are looked for.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// The server's binary, if there is one.
pub(crate) fn binary() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("RAUDAL_BIN") {
        return Some(path.into());
    }
    let beside = Path::new(env!("CARGO_BIN_EXE_kcli")).with_file_name("raudal");
    beside.is_file().then_some(beside)
}

/// A place for a cluster, and kcli that knows it.
pub(crate) struct Cluster {
    dir: TempDir,
    base_port: u16,
    count: u16,
}

/// What a call of kcli came to.
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cluster {
    /// Nothing is started yet.
    pub(crate) fn new(count: u16) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            base_port: free_ports(count),
            count,
        }
    }

    /// A running cluster.
    pub(crate) fn start(binary: &Path, count: u16) -> Self {
        let cluster = Self::new(count);
        cluster.kcli(&cluster.start_line(binary)).ok();
        cluster
    }

    /// The words that start it.
    pub(crate) fn start_line(&self, binary: &Path) -> String {
        format!(
            "dev start --brokers {} --base-port {} --raudal {} --timeout 120s",
            self.count,
            self.base_port,
            binary.display()
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn base_port(&self) -> u16 {
        self.base_port
    }

    /// Runs kcli with words that have no blanks in them.
    pub(crate) fn kcli(&self, line: &str) -> Outcome {
        self.kcli_with(line, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn kcli_with(&self, line: &str, variables: &[(&str, &str)]) -> Outcome {
        let ports = (self.base_port..).take(self.count.into());
        let bootstrap: Vec<_> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kcli"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KCLI_") {
                command.env_remove(name);
            }
        }
        let output = command
            .current_dir(self.dir.path())
            .env("KCLI_DEV_DIR", self.path("dev"))
            .env("KCLI_BOOTSTRAP_SERVER", bootstrap.join(","))
            .envs(variables.iter().copied())
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .output()
            .expect("kcli runs");
        Outcome {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The test may have wiped it already.
        self.kcli("dev wipe --yes");
    }
}

impl Outcome {
    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Expects success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    /// Its JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// So many free ports in a row, with as many free ones a hundred above. Below those that a system
/// gives to whoever dials, for the nodes dial before all of them listen.
fn free_ports(count: u16) -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..100 {
        let base = rand::random_range(PORTS);
        let controllers = base + CONTROLLERS_ABOVE..base + CONTROLLERS_ABOVE + count;
        if (base..base + count).chain(controllers).all(is_free) {
            return base;
        }
    }
    panic!("no free ports");
}
