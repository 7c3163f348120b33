//! Processes that this program once started, recognised beyond their numbers: a number may have
//! gone to somebody else since.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::failure::{Failure, Result};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A process, by more than its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: i32,
    /// When it was started, as the system counts; with the boot it counts from.
    pub(crate) started: String,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It runs.
    Up,
    /// It has been stopped by a signal and may be continued.
    Paused,
    /// It has ended, or its number belongs to another process now.
    Gone,
}

impl Life {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Paused => "paused",
            Self::Gone => "down",
        }
    }
}

impl Process {
    /// The running process with this number.
    pub(crate) fn identify(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let facts = facts(pid)?;
        Some(Self {
            pid,
            started: facts.started,
        })
    }

    /// Whether it still runs, and is the one that was started with this file.
    pub(crate) fn life(&self, config: &Path) -> Life {
        match facts(self.pid) {
            Some(facts) if facts.started == self.started && facts.mentions(config) => facts.life,
            _ => Life::Gone,
        }
    }

    /// Sends it a signal, if it is still the one that was started with this file.
    ///
    /// # Errors
    /// It has gone, or the system does not let us.
    pub(crate) fn signal(&self, config: &Path, signal: Signal) -> Result {
        if self.life(config) == Life::Gone {
            return Err(Failure::failed(format!("process {} is down", self.pid)));
        }
        let pid = Pid::from_raw(self.pid).filter(|_| self.pid > 1);
        let pid = pid.ok_or_else(|| Failure::failed(format!("{} is no process", self.pid)))?;
        let failure = |error| Failure::failed(format!("signal to process {}: {error}", self.pid));
        kill_process(pid, signal).map_err(failure)
    }

    /// Waits until it is so. `false` if it is not in time.
    pub(crate) async fn wait_for(&self, life: Life, config: &Path, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.life(config) != life {
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        true
    }
}

#[derive(Debug)]
struct Facts {
    started: String,
    life: Life,
    command: String,
}

impl Facts {
    /// A process that is just being started has no command yet: the system tells whoever started it
    /// that the program has been found before it has laid out the program's arguments. On a busy
    /// machine that takes a while, and the start time knows the process already.
    fn mentions(&self, config: &Path) -> bool {
        self.command.is_empty() || self.command.contains(&*config.to_string_lossy())
    }
}

#[cfg(target_os = "linux")]
fn facts(pid: i32) -> Option<Facts> {
    let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).ok();
    let stat = String::from_utf8_lossy(&read("stat")?).into_owned();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let (life, ticks) = of_stat(&stat)?;
    Some(Facts {
        started: format!("{ticks}@{}", boot.trim()),
        life,
        command: String::from_utf8_lossy(&read("cmdline")?).replace('\0', " "),
    })
}

/// State and start time out of /proc/PID/stat. The name in the second field may hold anything.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux has /proc")
)]
fn of_stat(stat: &str) -> Option<(Life, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let life = match fields.next()? {
        "Z" | "X" | "x" => Life::Gone,
        "T" | "t" => Life::Paused,
        _ => Life::Up,
    };
    // The state is the third field, the start time the twenty-second.
    Some((life, fields.nth(18)?.parse().ok()?))
}

#[cfg(not(target_os = "linux"))]
fn facts(pid: i32) -> Option<Facts> {
    let ask = |what: &str| {
        let pid = pid.to_string();
        let output = std::process::Command::new("ps")
            .args(["-o", what, "-p", &pid])
            .output();
        let text = String::from_utf8(output.ok()?.stdout).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let life = match ask("stat=")?.chars().next()? {
        'Z' => Life::Gone,
        'T' => Life::Paused,
        _ => Life::Up,
    };
    Some(Facts {
        started: ask("lstart=")?,
        life,
        command: ask("command=")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_start_time_are_found_behind_any_name() {
        let stat = "42 (a) b (c) T 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 1 1";
        assert_eq!(of_stat(stat), Some((Life::Paused, 98_765)));
        assert_eq!(of_stat("42 (x"), None);
        assert_eq!(of_stat("42 (x) S 1"), None);
    }

    #[test]
    fn a_process_that_is_just_being_started_is_not_taken_for_dead() {
        // Often enough to meet it before its arguments are there.
        for _ in 0..100 {
            let mut child = std::process::Command::new("sleep")
                .arg("60")
                .spawn()
                .expect("it is on every machine");
            let process = Process::identify(child.id());
            let life = process.map(|process| process.life(Path::new("60")));
            child.kill().expect("it runs");
            child.wait().expect("it ends");
            assert_eq!(life, Some(Life::Up));
        }
    }

    #[test]
    fn a_process_with_another_start_time_is_not_ours() {
        let own = Process::identify(std::process::id()).expect("it runs");
        let binary = std::env::current_exe().expect("known");
        let name = Path::new(binary.file_name().expect("a file"));
        assert_eq!(own.life(name), Life::Up);
        assert_eq!(
            own.life(Path::new("/another/server.properties")),
            Life::Gone
        );
        let other = Process {
            started: "1@then".to_owned(),
            ..own
        };
        assert_eq!(other.life(name), Life::Gone);
        assert!(other.signal(name, Signal::TERM).is_err());
    }
}
