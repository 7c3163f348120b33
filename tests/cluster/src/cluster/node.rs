//! One node: its ports, its folders, its process.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;

use crate::layout::{Layout, Ports, properties};
use crate::ports::Port;
use crate::process::{Process, tail};
use crate::target::Target;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: i32,
    pub(super) ports: Ports,
    /// The node's own ports, for as long as it is this node's turn.
    _reserved: [Port; 3],
    dir: PathBuf,
    pub(super) data: PathBuf,
    process: Option<Process>,
}

impl Node {
    pub(super) fn new(
        id: i32,
        ports: Ports,
        reserved: [Port; 3],
        dir: PathBuf,
        data: PathBuf,
    ) -> Self {
        Self {
            id,
            ports,
            _reserved: reserved,
            dir,
            data,
            process: None,
        }
    }

    pub(super) fn configure(&self, layout: &Layout, voters: &str) -> Result<()> {
        let text = properties(layout, self.id, self.ports, voters, &self.data);
        Ok(std::fs::write(self.config(), text)?)
    }

    pub(super) async fn format(&self, target: &Target, cluster_id: &str) -> Result<()> {
        let mut command = target.format(&self.config(), cluster_id);
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "formatting node {}: {said}",
            self.id
        );
        Ok(())
    }

    pub(super) fn start(&mut self, target: &Target) -> Result<u32> {
        ensure!(!self.is_running(), "node {} runs already", self.id);
        let mut command = target.start(&self.config());
        command.current_dir(&self.dir);
        let process = Process::start(format!("node {}", self.id), command, &self.log())?;
        let pid = process.pid();
        self.process = Some(process);
        Ok(pid)
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.ended().is_none() && self.process.is_some()
    }

    /// How it ended, if it was started and has.
    pub(super) fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.process.as_mut().and_then(Process::ended)
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        if let Some(process) = &mut self.process {
            process.signal(signal);
        }
    }

    pub(super) async fn kill(&mut self) -> Result<()> {
        match &mut self.process {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    pub(super) async fn stop(&mut self, at_most: Duration) -> Result<()> {
        self.signal(Signal::TERM);
        match &mut self.process {
            Some(process) => process.wait(at_most).await.map(drop),
            None => Ok(()),
        }
    }

    pub(super) fn log_tail(&self, lines: usize) -> String {
        tail(&self.log(), lines)
    }

    fn config(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }
}
