//! One node's folder and process.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::layout::{HOST, Planned, properties};
use super::process::Process;
use super::state::{Cluster, Node};
use crate::failure::{Failure, Result};

/// How many of its last lines a failed node's log is quoted with.
const LOG_LINES: usize = 5;

/// Writes the node's properties and gives its data folder the cluster's identity.
pub(super) fn make(
    dir: &Path,
    planned: &Planned,
    voters: &str,
    extra: &[(String, String)],
    binary: &Path,
    cluster_id: &str,
) -> Result<Node> {
    let home = folder(dir, planned.id);
    std::fs::create_dir_all(&home)
        .map_err(|error| Failure::failed(format!("{}: {error}", home.display())))?;
    let config = home.join("server.properties");
    let text = properties(planned, voters, &home.join("data"), extra);
    std::fs::write(&config, text)
        .map_err(|error| Failure::failed(format!("{}: {error}", config.display())))?;
    let mut format = command(binary);
    format.args(["format", "--ignore-formatted", "--cluster-id", cluster_id]);
    format.arg("--config").arg(&config);
    let output = format
        .output()
        .map_err(|error| cannot_run(binary, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let message = format!("node {} cannot be prepared: {}", planned.id, said.trim());
        return Err(Failure::failed(message));
    }
    Ok(Node {
        id: planned.id,
        role: planned.role,
        port: planned.port,
        controller_port: planned.controller_port,
        config,
        log: home.join("server.log"),
        process: None,
    })
}

/// The folder of a node.
pub(super) fn folder(dir: &Path, id: i32) -> PathBuf {
    dir.join(format!("node-{id}"))
}

/// Starts the node's process, in a process group of its own so that Ctrl-C here does not reach it.
/// The child may be dropped: the process goes on.
pub(super) fn spawn(cluster: &Cluster, node: &Node) -> Result<(Process, Child)> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a process's output, no log segment"
    )]
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&node.log)
        .map_err(|error| Failure::failed(format!("{}: {error}", node.log.display())))?;
    let mut command = command(&cluster.binary);
    command
        .arg(&node.config)
        .current_dir(folder(&cluster.dir, node.id))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    let child = command
        .spawn()
        .map_err(|error| cannot_run(&cluster.binary, &error))?;
    let process = Process::identify(child.id());
    let process = process.ok_or_else(|| ended(node))?;
    Ok((process, child))
}

/// Which of the node's ports somebody else has.
pub(super) fn taken_ports(port: Option<u16>, controller_port: Option<u16>) -> Vec<u16> {
    let all = port.into_iter().chain(controller_port);
    all.filter(|port| std::net::TcpListener::bind((HOST, *port)).is_err())
        .collect()
}

/// The node has ended though nobody asked it to.
pub(super) fn ended(node: &Node) -> Failure {
    let text = std::fs::read(&node.log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().skip(lines.len().saturating_sub(LOG_LINES));
    let failure = Failure::failed(format!("node {} has ended", node.id));
    let failure = last.fold(failure, |failure, line| failure.hint(*line));
    failure.hint(format!("its log: {}", node.log.display()))
}

/// The binary, without variables that would configure all nodes alike.
fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KAFKA_") {
            command.env_remove(name);
        }
    }
    command
}

fn cannot_run(binary: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{} cannot be run: {error}", binary.display()))
}
