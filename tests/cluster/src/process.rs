//! One process of ours: signals go to its id and to no other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A killed process is gone within this time.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Of a longer line only the beginning is shown.
const LINE_CHARS_MAX: usize = 240;

/// A running process with its output in a file. Dropping it kills the process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: u32,
    log: PathBuf,
}

impl Process {
    /// Starts it. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(name: String, mut command: Command, log: &Path) -> Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a process's output, no log segment"
        )]
        let output = fs::OpenOptions::new().create(true).append(true).open(log)?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let pid = child.id().context("it has just been started")?;
        Ok(Self {
            name,
            child,
            pid,
            log: log.to_owned(),
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// `kill -9`; returns when it is gone.
    ///
    /// # Errors
    /// It does not go, which no process can refuse.
    pub async fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL);
        self.wait(GONE_WITHIN).await.map(drop)
    }

    /// Sends a signal, unless the process has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may end at this very moment.
            let _gone = kill_process(pid, signal);
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn wait(&mut self, at_most: Duration) -> Result<ExitStatus> {
        match timeout(at_most, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_elapsed) => bail!("{} still runs after {at_most:?}", self.name),
        }
    }

    /// The last lines of its output.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log, lines)
    }
}

/// The last lines of a file, long ones cut.
#[must_use]
pub fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<String> = text.lines().map(short).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn short(line: &str) -> String {
    line.chars().take(LINE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "echo hello; exec sleep 60"]);
        Process::start("sleeper".into(), command, &dir.join("log")).expect("starts")
    }

    #[tokio::test]
    async fn a_killed_process_is_gone_when_kill_returns() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut process = sleeper(dir.path());
        assert!(process.ended().is_none());
        process.kill().await.expect("killed");
        assert!(process.ended().is_some());
    }

    #[tokio::test]
    async fn a_stopped_process_goes_on_where_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut process = sleeper(dir.path());
        let moment = Duration::from_millis(200);
        process.signal(Signal::STOP);
        // Of signals that are pending together the lower number counts first.
        drop(process.wait(moment).await);
        process.signal(Signal::TERM);
        let waited = process.wait(moment).await;
        assert!(
            waited.is_err(),
            "a stopped process does not act on a signal"
        );
        process.signal(Signal::CONT);
        process.wait(GONE_WITHIN).await.expect("ends");
    }

    #[test]
    fn the_tail_of_a_missing_file_is_empty() {
        assert_eq!(tail(Path::new("/nowhere/at/all"), 3), "");
    }
}
