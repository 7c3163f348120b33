//! `kcli dev start`.

use std::path::{Path, PathBuf};
use std::process::Child;

use clap::Args;
use rand::RngExt as _;
use storage::disk::{Disk as _, DiskLock, RealDisk};
use types::Uuid;

use super::layout::{plan, voters};
use super::process::Life;
use super::state::{Cluster, dir_of};
use super::{Place, binary, health, node, show};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::topics::key_value;

/// Held while nodes are made and started.
pub(super) const LOCK: &str = "start.lock";
const BROKERS_DEFAULT: u8 = 3;

/// Start a cluster on this machine, or what of it is down.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// How many brokers [default: 3]
    #[arg(long, value_name = "N")]
    brokers: Option<u8>,
    /// How many controllers apart from the brokers; without it the brokers are controllers, too
    #[arg(long, value_name = "N")]
    controllers: Option<u8>,
    /// The first broker's port; the others follow, controllers' listeners a hundred above
    #[arg(long, value_name = "PORT", default_value_t = client::DEFAULT_PORT)]
    base_port: u16,
    /// A key of server.properties for all nodes, as often as needed
    #[arg(short = 'c', long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
    configs: Vec<(String, String)>,
    /// The server's binary, if it is neither beside kcli nor on the PATH
    #[arg(long, value_name = "FILE")]
    raudal: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// Starts what is not up, waits until the cluster is well, and says how to break it.
pub(crate) async fn run(start: Start, context: &Context) -> Result {
    let lock = match context.is_dry_run {
        true => None,
        false => Some(lock(&dir_of(&start.place)?)?),
    };
    let mut cluster = match Cluster::load(&start.place)? {
        Some(cluster) => {
            start.check_same(&cluster)?;
            cluster
        }
        None => start.make(context)?,
    };
    let down = |life| life == Life::Gone;
    let was_up = !cluster.nodes.iter().any(|node| down(node.life()));
    if context.is_dry_run {
        return show::print(&cluster, context);
    }
    let children = raise(&mut cluster)?;
    drop(lock);
    for paused in cluster.nodes.iter().filter(|n| n.life() == Life::Paused) {
        context.remark(&format!(
            "node {0} is paused: `kcli dev resume {0}`",
            paused.id
        ));
    }
    health::wait(&cluster, context).await?;
    // The processes go on; nobody here waits for their end.
    drop(children);
    if was_up {
        context.remark(match cluster.nodes.len() {
            1 => "the node was up already",
            _ => "all nodes were up already",
        });
    }
    show::print(&cluster, context)?;
    show::how_to_break(&cluster, start.place.dir.as_deref(), context);
    Ok(())
}

/// Keeps others from starting the same cluster at the same time: both would make nodes, and the one
/// that saved last would forget the other's processes.
fn lock(dir: &Path) -> Result<Box<dyn DiskLock>> {
    let path = dir.join(LOCK);
    let failure = |error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(dir).map_err(failure)?;
    RealDisk.lock(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => {
            let message = format!("another kcli dev start is at work in {}", dir.display());
            Failure::failed(message).hint("wait for it, then see `kcli dev status`")
        }
        _ => failure(error),
    })
}

/// Starts all nodes that are down and remembers their processes.
pub(super) fn raise(cluster: &mut Cluster) -> Result<Vec<Child>> {
    let down: Vec<usize> = (0..cluster.nodes.len())
        .filter(|i| cluster.nodes[*i].life() == Life::Gone)
        .collect();
    let ports = down.iter().flat_map(|i| {
        let node = &cluster.nodes[*i];
        node::taken_ports(node.port, node.controller_port)
    });
    refuse_taken(&ports.collect::<Vec<_>>())?;
    let mut children = Vec::new();
    for i in down {
        let (process, child) = node::spawn(cluster, &cluster.nodes[i])?;
        cluster.nodes[i].process = Some(process);
        // At once: a process that is not in the file is one that nobody can stop.
        cluster.save()?;
        children.push(child);
    }
    Ok(children)
}

fn refuse_taken(ports: &[u16]) -> Result {
    let (Some(first), count) = (ports.first(), ports.len()) else {
        return Ok(());
    };
    let all: Vec<_> = ports.iter().map(ToString::to_string).collect();
    let message = match count {
        1 => format!("port {first} is in use"),
        _ => format!("ports {} are in use", all.join(", ")),
    };
    Err(Failure::failed(message)
        .hint("stop whoever uses that, or choose others with --base-port, for example 19092"))
}

impl Start {
    /// A cluster that is there already is the one that was asked for, or it is left alone.
    fn check_same(&self, cluster: &Cluster) -> Result {
        let count = |is_wanted: fn(&super::Node) -> bool| {
            u8::try_from(cluster.nodes.iter().filter(|n| is_wanted(n)).count()).unwrap_or(u8::MAX)
        };
        let brokers = count(|node| node.role.is_broker());
        let apart = count(|node| !node.role.is_broker());
        let first_port = cluster.nodes.iter().filter_map(|node| node.port).min();
        let is_other = self.brokers.is_some_and(|wanted| wanted != brokers)
            || self.controllers.is_some_and(|wanted| wanted != apart)
            || (self.base_port != client::DEFAULT_PORT && Some(self.base_port) != first_port)
            || !self.configs.is_empty();
        if !is_other {
            return Ok(());
        }
        let message = format!(
            "{} holds another cluster already: brokers: {brokers}, controllers apart: {apart}, first \
             port: {}",
            cluster.dir.display(),
            first_port.unwrap_or(0)
        );
        Err(Failure::failed(message).hint(
            "`kcli dev start` alone starts it again, `kcli dev wipe` deletes it, --dir names another",
        ))
    }

    fn make(&self, context: &Context) -> Result<Cluster> {
        let brokers = self.brokers.unwrap_or(BROKERS_DEFAULT);
        let planned = plan(brokers, self.controllers, self.base_port)?;
        let binary = binary::find(self.raudal.as_deref())?;
        let dir = dir_of(&self.place)?;
        let taken = planned
            .iter()
            .flat_map(|it| node::taken_ports(it.port, it.controller_port));
        refuse_taken(&taken.collect::<Vec<_>>())?;
        if context.is_dry_run {
            let nodes = planned.iter().map(|it| super::Node {
                id: it.id,
                role: it.role,
                port: it.port,
                controller_port: it.controller_port,
                config: node::folder(&dir, it.id).join("server.properties"),
                log: node::folder(&dir, it.id).join("server.log"),
                process: None,
            });
            let nodes = nodes.collect();
            return Ok(Cluster::new(dir, String::new(), binary, nodes));
        }
        let voters = voters(&planned);
        let cluster_id = random_cluster_id();
        let nodes = planned
            .iter()
            .map(|it| node::make(&dir, it, &voters, &self.configs, &binary, &cluster_id))
            .collect::<Result<Vec<_>>>()?;
        let cluster = Cluster::new(dir, cluster_id, binary, nodes);
        cluster.save()?;
        Ok(cluster)
    }
}

fn random_cluster_id() -> String {
    loop {
        // One draw in 64 would begin with a dash, which looks like a flag, and is drawn again.
        if let Some(id) = Uuid::from_random(rand::rng().random()) {
            return id.to_string();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_do_not_start_the_same_cluster_at_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path().join("dev");
        let first = lock(&dir).expect("nobody else is at work");
        let refused = lock(&dir).expect_err("refused");
        assert!(
            refused
                .message
                .starts_with("another kcli dev start is at work in")
        );
        drop(first);
        // A process that another test is just starting has our descriptors until its program runs.
        let mut again = std::iter::repeat_with(|| lock(&dir)).inspect(|_| std::thread::yield_now());
        assert!(again.by_ref().take(100_000).any(|locked| locked.is_ok()));
    }
}
