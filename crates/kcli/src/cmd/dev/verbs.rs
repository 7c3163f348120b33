//! What may be done to nodes that run.

use std::time::Duration;

use clap::Args;
use rustix::process::Signal;
use storage::disk::{Disk as _, RealDisk};

use super::process::Life;
use super::state::{Cluster, Node};
use super::{Place, health, node, show};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// How long a node that was asked to stop may take, unless --timeout says otherwise.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// How long the system may take to do to a process what it was told to.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(10);

/// One node.
#[derive(Debug, Args)]
pub(crate) struct OneNode {
    /// Its id
    #[arg(value_name = "NODE")]
    node: i32,
    #[command(flatten)]
    place: Place,
}

/// End a node without warning.
#[derive(Debug, Args)]
pub(crate) struct Kill {
    #[command(flatten)]
    node: OneNode,
    /// With another signal: KILL, TERM, INT, QUIT, HUP, STOP or CONT
    #[arg(long, value_name = "SIGNAL", default_value = "KILL", value_parser = signal)]
    signal: Signal,
}

/// Ask a node, or all of them, to stop.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Its id; all, if none is given
    #[arg(value_name = "NODE")]
    node: Option<i32>,
    #[command(flatten)]
    place: Place,
}

/// Start a node again.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    #[command(flatten)]
    node: OneNode,
    /// Do not wait until the cluster is well again
    #[arg(long)]
    no_wait: bool,
}

/// How a node is struck down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// SIGKILL: it ends in the middle of whatever it does.
    Kill,
    /// SIGTERM: it hands its leaders over and stops.
    Stop,
    /// SIGSTOP: it hangs.
    Pause,
}

impl Cluster {
    /// Strikes a node. Returns when the signal has been delivered; a killed process has gone by then.
    pub(crate) async fn strike(&self, id: i32, blow: Blow) -> Result {
        let node = self.node(id)?;
        match blow {
            Blow::Kill => self.send(node, Signal::KILL).await,
            Blow::Stop => self.send(node, Signal::TERM).await,
            Blow::Pause => self.send(node, Signal::STOP).await,
        }
    }

    /// Waits until a node that was asked to stop has ended.
    pub(crate) async fn wait_down(&self, id: i32, patience: Duration) -> Result {
        let node = self.node(id)?;
        let Some(process) = &node.process else {
            return Ok(());
        };
        match process.wait_for(Life::Gone, &node.config, patience).await {
            true => Ok(()),
            false => Err(Failure::failed(format!("node {id} does not stop"))),
        }
    }

    /// Brings a node back: lets it go on if it hangs, starts it if it has ended.
    pub(crate) async fn restore(&mut self, id: i32) -> Result {
        let node = self.node(id)?;
        match node.life() {
            Life::Paused => self.send(node, Signal::CONT).await,
            Life::Up => Ok(()),
            Life::Gone => self.start_one(id),
        }
    }

    fn start_one(&mut self, id: i32) -> Result {
        let taken = {
            let node = self.node(id)?;
            node::taken_ports(node.port, node.controller_port)
        };
        if let Some(port) = taken.first() {
            let message = format!("node {id} cannot come back: port {port} is in use");
            return Err(Failure::failed(message));
        }
        let (process, _child) = node::spawn(self, self.node(id)?)?;
        if let Some(node) = self.nodes.iter_mut().find(|node| node.id == id) {
            node.process = Some(process);
        }
        self.save()
    }

    async fn send(&self, node: &Node, signal: Signal) -> Result {
        let Some(process) = &node.process else {
            return Err(is_down(node));
        };
        if process.life(&node.config) == Life::Gone {
            return Err(is_down(node));
        }
        process.signal(&node.config, signal)?;
        let awaited = match signal {
            Signal::KILL => Life::Gone,
            Signal::STOP => Life::Paused,
            Signal::CONT => Life::Up,
            _ => return Ok(()),
        };
        match process
            .wait_for(awaited, &node.config, SIGNAL_PATIENCE)
            .await
        {
            true => Ok(()),
            false => Err(Failure::failed(format!(
                "node {}: process {} does not obey the signal",
                node.id, process.pid
            ))),
        }
    }

    /// Asks nodes to stop, all at once, and waits for all of them.
    async fn stop(&self, nodes: &[&Node], patience: Duration) -> Result {
        for node in nodes {
            if node.life() == Life::Paused {
                self.send(node, Signal::CONT).await?;
            }
            self.send(node, Signal::TERM).await?;
        }
        for node in nodes {
            let Some(process) = &node.process else {
                continue;
            };
            if !process.wait_for(Life::Gone, &node.config, patience).await {
                let message = format!(
                    "node {} has not stopped within {} s",
                    node.id,
                    patience.as_secs()
                );
                return Err(Failure::new(Exit::Unreachable, message).hint(format!(
                    "wait longer with --timeout, or end it: `kcli dev kill {}`",
                    node.id
                )));
            }
        }
        Ok(())
    }
}

fn is_down(node: &Node) -> Failure {
    Failure::failed(format!("node {} is down already", node.id))
        .hint(format!("start it with `kcli dev restart {}`", node.id))
}

/// `kcli dev kill`.
pub(super) async fn kill(kill: &Kill, context: &Context) -> Result {
    let cluster = Cluster::find(&kill.node.place)?;
    let node = cluster.node(kill.node.node)?;
    if !context.is_dry_run {
        cluster.send(node, kill.signal).await?;
    }
    show::print(&cluster, context)
}

/// `kcli dev pause`.
pub(super) async fn pause(one: &OneNode, context: &Context) -> Result {
    let cluster = Cluster::find(&one.place)?;
    if !context.is_dry_run {
        cluster.strike(one.node, Blow::Pause).await?;
    }
    show::print(&cluster, context)
}

/// `kcli dev resume`.
pub(super) async fn resume(one: &OneNode, context: &Context) -> Result {
    let cluster = Cluster::find(&one.place)?;
    if !context.is_dry_run {
        cluster.send(cluster.node(one.node)?, Signal::CONT).await?;
    }
    show::print(&cluster, context)
}

/// `kcli dev stop`: brokers before the controllers they say goodbye to.
pub(super) async fn stop(stop: &Stop, context: &Context) -> Result {
    let cluster = Cluster::find(&stop.place)?;
    let patience = context.timeout_given.unwrap_or(STOP_PATIENCE);
    let chosen: Vec<&Node> = match stop.node {
        Some(id) => match cluster.node(id)? {
            node if node.life() == Life::Gone => return Err(is_down(node)),
            node => vec![node],
        },
        None => {
            let all = cluster.nodes.iter();
            all.filter(|node| node.life() != Life::Gone).collect()
        }
    };
    if !context.is_dry_run {
        let (voters, others): (Vec<&Node>, Vec<&Node>) =
            chosen.into_iter().partition(|node| node.role.is_voter());
        cluster.stop(&others, patience).await?;
        cluster.stop(&voters, patience).await?;
    }
    show::print(&cluster, context)
}

/// `kcli dev restart`.
pub(super) async fn restart(restart: &Restart, context: &Context) -> Result {
    let mut cluster = Cluster::find(&restart.node.place)?;
    let node = cluster.node(restart.node.node)?;
    if context.is_dry_run {
        return show::print(&cluster, context);
    }
    if node.life() != Life::Gone {
        let patience = context.timeout_given.unwrap_or(STOP_PATIENCE);
        cluster.stop(&[node], patience).await?;
    }
    cluster.start_one(restart.node.node)?;
    let is_whole = cluster.nodes.iter().all(|node| node.life() != Life::Gone);
    if !restart.no_wait && is_whole {
        health::wait(&cluster, context).await?;
    }
    show::print(&cluster, context)
}

/// `kcli dev wipe`.
pub(super) async fn wipe(place: &Place, context: &Context) -> Result {
    let cluster = Cluster::find(place)?;
    let dir = cluster.dir.display().to_string();
    context.remark(&match cluster.nodes.len() {
        1 => format!("its one node will be killed and {dir} deleted"),
        count => format!("all {count} nodes will be killed and {dir} deleted"),
    });
    if context.is_dry_run {
        return Ok(());
    }
    context.confirm(&format!("delete {dir}"))?;
    for node in &cluster.nodes {
        if node.life() != Life::Gone {
            cluster.send(node, Signal::KILL).await?;
        }
    }
    // Only what was made here: the folder may have been there before.
    for node in &cluster.nodes {
        let folder = node::folder(&cluster.dir, node.id);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::failed(format!("{}: {error}", folder.display())));
            }
            _ => {}
        }
    }
    cluster.forget()?;
    context.remark("wiped");
    Ok(())
}

impl Cluster {
    fn forget(&self) -> Result {
        let file = self.file();
        RealDisk
            .remove(&file)
            .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
        drop(RealDisk.remove(&self.dir.join(super::start::LOCK)));
        // Stays if there is anything else in it.
        drop(std::fs::remove_dir(&self.dir));
        Ok(())
    }
}

fn signal(text: &str) -> Result<Signal, String> {
    let name = text.to_ascii_uppercase();
    Ok(match name.trim_start_matches("SIG") {
        "KILL" | "9" => Signal::KILL,
        "TERM" | "15" => Signal::TERM,
        "INT" | "2" => Signal::INT,
        "QUIT" | "3" => Signal::QUIT,
        "HUP" | "1" => Signal::HUP,
        "STOP" => Signal::STOP,
        "CONT" => Signal::CONT,
        _ => return Err("know KILL, TERM, INT, QUIT, HUP, STOP and CONT".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_as_people_name_them() {
        for (text, expected) in [
            ("KILL", Signal::KILL),
            ("sigterm", Signal::TERM),
            ("9", Signal::KILL),
            ("Stop", Signal::STOP),
        ] {
            assert_eq!(signal(text), Ok(expected), "{text}");
        }
        assert!(signal("SEGV").is_err());
    }
}
