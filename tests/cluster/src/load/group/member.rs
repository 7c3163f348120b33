//! One member: a process, and what it says, a line of JSON an event. What the events are is told in
//! `tests/interop/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use client::Address;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::{LoadSpec, from_bytes};
use super::{GroupSpec, SESSION};
use crate::history::{Phase, Recorder, Seen, Tp, What};
use crate::process::tail;

/// A member that shall leave has left within this time.
const LEFT_WITHIN: Duration = Duration::from_secs(40);
const TAIL_LINES: usize = 5;

/// A member in a process of its own. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Member {
    child: Child,
    pid: Option<Pid>,
    /// Its end is what the member waits for.
    stdin: Option<ChildStdin>,
    listening: Option<JoinHandle<()>>,
    /// Held for a look.
    owned: Arc<Mutex<BTreeSet<i32>>>,
    id: u32,
    log: PathBuf,
}

/// What a member says; each line has one of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    owns: Option<Vec<i32>>,
    generation: Option<i32>,
    read: Vec<(i32, i64, String)>,
    committed: BTreeMap<i32, i64>,
    uncommitted: Option<String>,
    error: Option<String>,
}

impl Member {
    pub(super) async fn start(
        mut command: Command,
        log: &Path,
        spec: &GroupSpec,
        load: &LoadSpec,
        bootstrap: &[Address],
        recorder: &Recorder,
    ) -> Result<Self> {
        let addresses: Vec<String> = bootstrap.iter().map(ToString::to_string).collect();
        let mut child = command
            .arg(addresses.join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log)?)
            .kill_on_drop(true)
            .spawn()?;
        let request = json!({
            "group": spec.name, "topic": load.topic, "protocol": spec.protocol.name(),
            "assignor": spec.protocol.assignor(), "session_ms": u64::try_from(SESSION.as_millis())?,
        });
        let mut stdin = child.stdin.take().context("it is piped")?;
        stdin.write_all(format!("{request}\n").as_bytes()).await?;
        let stdout = child.stdout.take().context("it is piped")?;
        let id = recorder.new_client();
        let group: Tp = spec.name.as_str().into();
        recorder.record(
            id,
            What::Member {
                group: Tp::clone(&group),
            },
        );
        let owned = Arc::new(Mutex::new(BTreeSet::new()));
        let listener = Listener {
            recorder: recorder.clone(),
            load: load.clone(),
            group,
            id,
            owned: Arc::clone(&owned),
            begun: BTreeSet::new(),
            open: BTreeMap::new(),
        };
        let lines = BufReader::new(stdout).lines();
        Ok(Self {
            pid: child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())),
            child,
            stdin: Some(stdin),
            listening: Some(tokio::spawn(listener.run(lines))),
            owned,
            id,
            log: log.to_owned(),
        })
    }

    /// What it owns, as it was told last. Nothing once it is gone.
    pub(super) fn owned(&self) -> BTreeSet<i32> {
        self.owned.lock().clone()
    }

    /// Whether it is gone though nobody wanted it to be.
    pub(super) fn ended_by_itself(&mut self) -> bool {
        self.stdin.is_some() && !matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        if let Some(pid) = self.pid.filter(|_| self.stdin.is_some()) {
            // It may end at this very moment.
            let _gone = kill_process(pid, signal);
        }
    }

    /// Lets it leave, if it is still there.
    pub(super) async fn leave(&mut self) -> Result<()> {
        if self.stdin.take().is_none() {
            return Ok(());
        }
        let Ok(status) = timeout(LEFT_WITHIN, self.child.wait()).await else {
            bail!("{self} does not leave");
        };
        self.listened().await?;
        ensure!(status?.success(), "{self} did not leave well");
        Ok(())
    }

    pub(super) async fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL);
        self.stdin = None;
        self.child.wait().await?;
        self.listened().await
    }

    /// Waits until its last words are heard.
    async fn listened(&mut self) -> Result<()> {
        if let Some(listening) = self.listening.take() {
            listening.await?;
        }
        self.owned.lock().clear();
        Ok(())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = tail(&self.log, TAIL_LINES);
        write!(f, "member {} with {:?} {log}", self.id, self.owned.lock())
    }
}

struct Listener {
    recorder: Recorder,
    load: LoadSpec,
    group: Tp,
    id: u32,
    owned: Arc<Mutex<BTreeSet<i32>>>,
    /// Partitions of which something was read since it was last told what it owns.
    begun: BTreeSet<i32>,
    /// Commits without an answer.
    open: BTreeMap<i32, i64>,
}

impl Listener {
    async fn run(mut self, mut lines: Lines<BufReader<ChildStdout>>) {
        while let Ok(Some(line)) = lines.next_line().await {
            match serde_json::from_str(&line) {
                Ok(line) => self.on_line(line),
                Err(error) => self.on_error(&format!("says {line:.80}: {error}")),
            }
        }
    }

    fn on_line(&mut self, line: Line) {
        if let Some(owned) = line.owns {
            self.on_owns(owned, line.generation);
        }
        if !line.read.is_empty() {
            self.on_read(line.read);
        }
        for (index, offset) in line.committed {
            self.open.remove(&index);
            self.commit(Phase::Ok, index, offset);
        }
        if line.uncommitted.is_some() {
            for (index, offset) in std::mem::take(&mut self.open) {
                self.commit(Phase::Info, index, offset);
            }
        }
        if let Some(error) = line.error {
            self.on_error(&error);
        }
    }

    fn on_owns(&mut self, owned: Vec<i32>, generation: Option<i32>) {
        self.begun.clear();
        let tps = owned.iter().map(|index| self.load.tp(*index)).collect();
        let group = Tp::clone(&self.group);
        let what = What::Owns {
            group,
            generation,
            tps,
        };
        self.recorder.record(self.id, what);
        *self.owned.lock() = owned.into_iter().collect();
    }

    /// What is read is committed next, so this is where commits begin.
    fn on_read(&mut self, records: Vec<(i32, i64, String)>) {
        let mut by_partition: BTreeMap<i32, Vec<Seen>> = BTreeMap::new();
        for (index, offset, value) in records {
            let value = from_bytes(Some(value.as_bytes()));
            // Members do not say which leader appended a record.
            let epoch = -1;
            by_partition.entry(index).or_default().push(Seen {
                offset,
                epoch,
                value,
            });
        }
        for (index, records) in by_partition {
            let tp = self.load.tp(index);
            let (Some(first), Some(last)) = (records.first(), records.last()) else {
                continue;
            };
            let (first, next) = (first.offset, last.offset + 1);
            if self.begun.insert(index) {
                let tp = Tp::clone(&tp);
                self.recorder
                    .record(self.id, What::Assign { tp, offset: first });
            }
            self.recorder.record(self.id, What::Poll { tp, records });
            self.open.insert(index, next);
            self.commit(Phase::Invoke, index, next);
        }
    }

    fn commit(&self, phase: Phase, index: i32, offset: i64) {
        let what = What::Commit {
            phase,
            group: Tp::clone(&self.group),
            tp: self.load.tp(index),
            offset,
        };
        self.recorder.record(self.id, what);
    }

    fn on_error(&self, text: &str) {
        let text = format!("a member of {}: {text}", self.group).into();
        self.recorder.record(self.id, What::Error { text });
    }
}
