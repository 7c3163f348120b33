//! A cluster of processes on the loopback interface, and what may be done to its nodes.
//!
//! Each node has ports and folders of its own. Only processes that were started here are ever
//! signalled. Dropping the cluster kills what is left; its folders go too, unless they are kept.

mod node;
mod ready;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use client::Address;
use rustix::process::Signal;
use tempfile::TempDir;

pub use ready::{Expected, admin, connect};

use crate::disk::SmallDisk;
use crate::layout::{Layout, Ports};
use crate::ports::Port;
use crate::proxy::{Plane, Proxy};
use crate::target::Target;
use node::Node;

/// The same for all: whoever meets another cluster by accident is not refused for its id alone.
const CLUSTER_ID: &str = "J7s9e8PPTKOO47PxzI39VA";
/// A node that was asked to stop must have stopped.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
const TAIL_LINES: usize = 40;

/// See the module.
#[derive(Debug)]
pub struct Cluster {
    target: Target,
    layout: Layout,
    nodes: BTreeMap<i32, Node>,
    proxy: Proxy,
    // Unmounted after the nodes are gone, before the folder is.
    disks: BTreeMap<i32, SmallDisk>,
    dir: TempDir,
}

impl Cluster {
    /// Starts all nodes and waits until every broker is in the cluster.
    ///
    /// # Errors
    /// A node ends, or is not ready in a minute and a half; with the tails of all logs.
    pub async fn start(target: &Target, layout: Layout) -> Result<Self> {
        let mut cluster = Self::prepare(target, layout).await?;
        for id in cluster.layout.node_ids() {
            cluster.start_node(id)?;
        }
        cluster.wait_until_ready().await?;
        Ok(cluster)
    }

    async fn prepare(target: &Target, layout: Layout) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("raudal-cluster-")
            .tempdir()?;
        let mut cluster = Self {
            target: target.clone(),
            nodes: BTreeMap::new(),
            proxy: Proxy::default(),
            disks: BTreeMap::new(),
            layout,
            dir,
        };
        let ids: Vec<i32> = cluster.layout.node_ids().collect();
        for id in &ids {
            let node = cluster.new_node(*id)?;
            cluster.nodes.insert(*id, node);
        }
        let voters = cluster.voters();
        for id in ids {
            let node = &cluster.nodes[&id];
            node.configure(&cluster.layout, &voters)?;
            node.format(target, CLUSTER_ID).await?;
        }
        Ok(cluster)
    }

    fn new_node(&mut self, id: i32) -> Result<Node> {
        let reserved = [Port::reserve()?, Port::reserve()?, Port::reserve()?];
        let [client, internal, controller] = [0, 1, 2].map(|at: usize| reserved[at].number());
        let mut advertise = |plane, port| match self.layout.is_proxied {
            true => self.proxy.add_gate(id, plane, port),
            false => Ok(port),
        };
        let ports = Ports {
            client,
            internal,
            internal_advertised: advertise(Plane::Brokers, internal)?,
            controller,
            controller_advertised: advertise(Plane::Controllers, controller)?,
        };
        let dir = self.dir.path().join(format!("node-{id}"));
        let data = dir.join("disk").join("data");
        if let Some((_, bytes)) = self.layout.small_disk.filter(|(on, _)| *on == id) {
            self.disks
                .insert(id, SmallDisk::mount(&dir.join("disk"), bytes)?);
        }
        std::fs::create_dir_all(&data)?;
        Ok(Node::new(id, ports, reserved, dir, data))
    }

    fn voters(&self) -> String {
        let controllers = self
            .nodes
            .values()
            .filter(|node| self.layout.roles(node.id).is_controller);
        let voters = controllers
            .map(|node| format!("{}@127.0.0.1:{}", node.id, node.ports.controller_advertised));
        voters.collect::<Vec<_>>().join(",")
    }

    /// Whose nodes they are.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What it looks like.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Where clients find it: all brokers.
    #[must_use]
    pub fn bootstrap(&self) -> Vec<Address> {
        self.brokers().map(|id| self.address(id)).collect()
    }

    /// Where clients find one broker.
    #[must_use]
    pub fn address(&self, id: i32) -> Address {
        Address::new("127.0.0.1", self.nodes[&id].ports.client)
    }

    /// Ids of the brokers.
    pub fn brokers(&self) -> impl Iterator<Item = i32> + use<> {
        1..=self.layout.broker_count
    }

    /// Ids of the nodes that run.
    pub fn running(&mut self) -> Vec<i32> {
        let nodes = self.nodes.values_mut();
        nodes
            .filter_map(|node| node.is_running().then_some(node.id))
            .collect()
    }

    /// The process id of a node that was started.
    #[must_use]
    pub fn pid(&self, id: i32) -> Option<u32> {
        self.nodes.get(&id)?.pid()
    }

    /// The folder of a node's partitions.
    #[must_use]
    pub fn data_dir(&self, id: i32) -> &Path {
        &self.nodes[&id].data
    }

    /// The folder of everything.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The links between nodes, if the layout says so.
    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The small disk of a node, if it has one.
    #[must_use]
    pub fn disk(&self, id: i32) -> Option<&SmallDisk> {
        self.disks.get(&id)
    }

    /// Starts a node that does not run, on the data it has.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start_node(&mut self, id: i32) -> Result<()> {
        let node = self.nodes.get_mut(&id).context("no such node")?;
        let pid = node.start(&self.target)?;
        self.proxy.on_start(id, pid);
        Ok(())
    }

    /// `kill -9`; returns when the process is gone.
    ///
    /// # Errors
    /// It does not go.
    pub async fn kill(&mut self, id: i32) -> Result<()> {
        let node = self.nodes.get_mut(&id).context("no such node")?;
        let killed = node.kill().await;
        self.proxy.on_stop(id);
        killed
    }

    /// `kill -9` of all nodes at one moment.
    ///
    /// # Errors
    /// One does not go.
    pub async fn kill_all(&mut self) -> Result<()> {
        for node in self.nodes.values_mut() {
            node.signal(Signal::KILL);
        }
        let ids: Vec<i32> = self.nodes.keys().copied().collect();
        for id in ids {
            self.kill(id).await?;
        }
        Ok(())
    }

    /// Asks a node to stop (`SIGTERM`) and waits until it has.
    ///
    /// # Errors
    /// It does not stop within a minute.
    pub async fn stop(&mut self, id: i32) -> Result<()> {
        let node = self.nodes.get_mut(&id).context("no such node")?;
        let stopped = node.stop(STOPPED_WITHIN).await;
        self.proxy.on_stop(id);
        stopped
    }

    /// Stops a node's time (`SIGSTOP`).
    pub fn pause(&mut self, id: i32) {
        self.signal(id, Signal::STOP);
    }

    /// Lets a node's time go on (`SIGCONT`).
    pub fn resume(&mut self, id: i32) {
        self.signal(id, Signal::CONT);
    }

    fn signal(&mut self, id: i32, signal: Signal) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.signal(signal);
        }
    }

    /// Takes away everything that a stopped broker has kept, as a new disk would, and prepares it
    /// anew.
    ///
    /// # Errors
    /// The folder cannot be removed or prepared.
    pub async fn wipe(&mut self, id: i32) -> Result<()> {
        let node = &self.nodes[&id];
        std::fs::remove_dir_all(&node.data)?;
        std::fs::create_dir_all(&node.data)?;
        node.format(&self.target, CLUSTER_ID).await
    }

    /// Changes one line of a node's configuration, for its next start.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn reconfigure(&mut self, key: &str, value: &str) -> Result<()> {
        self.layout = self.layout.clone().with(key, value);
        let voters = self.voters();
        let mut nodes = self.nodes.values();
        nodes.try_for_each(|node| node.configure(&self.layout, &voters))
    }

    /// The last lines that each node has said.
    #[must_use]
    pub fn tails(&self) -> String {
        let mut all = String::new();
        for node in self.nodes.values() {
            let (id, tail) = (node.id, node.log_tail(TAIL_LINES));
            let _infallible = write!(all, "--- node {id} ---\n{tail}\n");
        }
        all
    }

    /// Keeps the folders when the cluster goes, and says where they are.
    pub fn keep(&mut self) -> PathBuf {
        self.dir.disable_cleanup(true);
        self.dir.path().to_owned()
    }
}
