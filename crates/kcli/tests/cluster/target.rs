//! A cluster to test against: started when first needed, stopped by its process id.

use std::fs::{self, OpenOptions};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tempfile::TempDir;

/// Looks until a node must be ready: a minute and a half.
const READY_LOOKS: u32 = 900;
/// Looks until a node that was asked must have stopped: half a minute.
const STOPPED_LOOKS: u32 = 300;
const LOOK_EVERY: Duration = Duration::from_millis(100);
const CLUSTER_ID: &str = "J7s9e8PPTKOO47PxzI39VA";

/// Whose cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// From the jars of `KAFKA_LIBS`.
    ApacheKafka,
    /// From the binary of `RAUDAL_BIN`, or the one beside kcli.
    Raudal,
}

impl Kind {
    /// Its name in the names of tests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ApacheKafka => "apache_kafka",
            Self::Raudal => "raudal",
        }
    }
}

/// A cluster that may be started.
#[derive(Debug)]
pub(crate) struct Target {
    kind: Kind,
    program: Option<PathBuf>,
    cluster: OnceLock<Result<Cluster, String>>,
    /// Three nodes, for one test at a time.
    three: Mutex<Option<Result<Cluster, String>>>,
}

impl Target {
    /// Looks for what it needs; starts nothing.
    pub(crate) fn new(kind: Kind) -> Self {
        let from_environment = |name| std::env::var_os(name).map(PathBuf::from);
        let beside_kcli = || {
            let path = Path::new(env!("CARGO_BIN_EXE_kcli")).with_file_name("raudal");
            path.is_file().then_some(path)
        };
        Self {
            kind,
            program: match kind {
                Kind::ApacheKafka => from_environment("KAFKA_LIBS"),
                Kind::Raudal => from_environment("RAUDAL_BIN").or_else(beside_kcli),
            },
            cluster: OnceLock::new(),
            three: Mutex::new(None),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Why it cannot be tested, if so.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        match (&self.program, self.kind) {
            (Some(_), _) => None,
            (None, Kind::ApacheKafka) => Some("needs KAFKA_LIBS"),
            (None, Kind::Raudal) => Some("needs cargo build -p raudal"),
        }
    }

    /// A cluster for one test alone, which may ill-treat it.
    pub(crate) fn own_cluster(&self) -> Result<Cluster, String> {
        let program = self.program.as_ref().ok_or("nothing to start")?;
        Cluster::start(self.kind, program, 1)
    }

    /// The running cluster; the first caller starts it.
    pub(crate) fn cluster(&self) -> Result<&Cluster, String> {
        self.cluster
            .get_or_init(|| self.own_cluster())
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Runs a test with three nodes, alone among those that want three. It may ill-treat them, and
    /// leaves them all running and well.
    pub(crate) fn with_three(&self, test: impl FnOnce(&mut Cluster)) -> Result<(), String> {
        // A test that failed has told what was wrong; the next one begins with what is left.
        let mut three = self.three.lock();
        let program = self.program.as_ref().ok_or("nothing to start")?;
        let cluster = three.get_or_insert_with(|| Cluster::start(self.kind, program, 3));
        let cluster = cluster.as_mut().map_err(|error| error.clone())?;
        cluster.make_well()?;
        test(cluster);
        Ok(())
    }
}

/// A running cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Whose it is.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) bootstrap: String,
    /// Where the logs of its first node are.
    pub(crate) data_dir: PathBuf,
    program: PathBuf,
    nodes: Vec<Node>,
    /// Deleted last.
    _dir: TempDir,
}

/// One of its nodes.
#[derive(Debug)]
struct Node {
    id: usize,
    port: u16,
    controller_port: u16,
    dir: PathBuf,
    child: Option<Child>,
}

impl Cluster {
    /// Kills its first node without warning and starts it again on the same data.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill(1);
        self.restart(1);
    }

    /// Kills a node without warning.
    pub(crate) fn kill(&mut self, id: usize) {
        let mut child = self.node(id).child.take().expect("it runs");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }

    /// Sends a node's process a signal, as `-STOP`.
    pub(crate) fn signal(&mut self, id: usize, signal: &str) {
        let child = self.node(id).child.as_ref().expect("it runs");
        let pid = child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal}");
    }

    /// Starts a node again.
    pub(crate) fn restart(&mut self, id: usize) {
        let (kind, program) = (self.kind, self.program.clone());
        let node = self.node(id);
        node.child = Some(start_node(kind, &program, &node.dir).expect("starts"));
    }

    /// Where one node listens.
    pub(crate) fn address(&self, id: usize) -> String {
        format!("127.0.0.1:{}", self.nodes[id - 1].port)
    }

    /// Where one node listens as a controller.
    pub(crate) fn controller_address(&self, id: usize) -> String {
        format!("127.0.0.1:{}", self.nodes[id - 1].controller_port)
    }

    fn node(&mut self, id: usize) -> &mut Node {
        &mut self.nodes[id - 1]
    }

    fn start(kind: Kind, program: &Path, count: usize) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let dir = tempfile::tempdir().map_err(text)?;
        let ports = free_ports(2 * count).map_err(text)?;
        let (ports, controller_ports) = ports.split_at(count);
        let mut nodes = Vec::new();
        for (id, port) in (1..).zip(ports) {
            let home = dir.path().join(format!("node-{id}"));
            fs::create_dir(&home).map_err(text)?;
            let config = home.join("server.properties");
            fs::write(&config, properties(id, *port, controller_ports, &home)).map_err(text)?;
            format_node(kind, program, &config).map_err(text)?;
            nodes.push(Node {
                id,
                port: *port,
                controller_port: controller_ports[id - 1],
                dir: home,
                child: None,
            });
        }
        let bootstrap = ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let mut cluster = Self {
            kind,
            bootstrap: bootstrap.collect::<Vec<_>>().join(","),
            data_dir: nodes[0].dir.join("data"),
            program: program.to_owned(),
            nodes,
            _dir: dir,
        };
        cluster.make_well()?;
        Ok(cluster)
    }

    /// Starts nodes that do not run and waits until all is well.
    fn make_well(&mut self) -> Result<(), String> {
        for node in self.nodes.iter_mut().filter(|node| node.child.is_none()) {
            let child = start_node(self.kind, &self.program, &node.dir);
            node.child = Some(child.map_err(|e| format!("{}: {e}", self.program.display()))?);
        }
        let count = self.nodes.len();
        for _ in 0..READY_LOOKS {
            for node in &mut self.nodes {
                let ended = node.child.as_mut().map(Child::try_wait);
                if let Some(Ok(Some(status))) = ended {
                    let log = node.log();
                    let name = self.kind.name();
                    return Err(format!("{name} {} ended: {status}\n{log}", node.id));
                }
            }
            let is_open = |node: &Node| TcpStream::connect(("127.0.0.1", node.port)).is_ok();
            let is_well = || {
                let words = ["cluster", "health", "--timeout", "5s", "-o", "json"];
                let health = crate::kcli::Kcli::new(self).args(words).run();
                let json: Value = serde_json::from_str(&health.stdout).unwrap_or_default();
                let up = json["brokersUp"].as_array().map(Vec::len);
                health.status == 0 && up == Some(count)
            };
            if self.nodes.iter().all(is_open) && is_well() {
                return Ok(());
            }
            pause();
        }
        let logs = self.nodes.iter().map(Node::log).collect::<Vec<_>>();
        let (name, logs) = (self.kind.name(), logs.join("\n"));
        Err(format!("{name} is not ready in time\n{logs}"))
    }
}

impl Node {
    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    /// Asks its nodes to stop, by their process ids, and makes sure that they do.
    fn drop(&mut self) {
        let mut children: Vec<Child> = self
            .nodes
            .iter_mut()
            .filter_map(|n| n.child.take())
            .collect();
        for child in &children {
            let pid = child.id().to_string();
            // Whoever does not hear it is killed below.
            drop(Command::new("kill").args(["-TERM", &pid]).status());
        }
        for _ in 0..STOPPED_LOOKS {
            children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            if children.is_empty() {
                return;
            }
            // The last of several voters has nobody to hand over to.
            if children.len() == 1 && self.nodes.len() > 1 {
                break;
            }
            pause();
        }
        for child in &mut children {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
pub(crate) fn pause() {
    std::thread::sleep(LOOK_EVERY);
}

/// Ports that were free a moment ago.
fn free_ports(count: usize) -> std::io::Result<Vec<u16>> {
    let bound: std::io::Result<Vec<_>> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect();
    bound?
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect()
}

fn properties(id: usize, port: u16, controller_ports: &[u16], home: &Path) -> String {
    let data_dir = home.join("data");
    let data_dir = data_dir.display();
    let controller_port = controller_ports[id - 1];
    let voters = (1..).zip(controller_ports);
    let voters = voters.map(|(id, port): (usize, _)| format!("{id}@127.0.0.1:{port}"));
    let voters = voters.collect::<Vec<_>>().join(",");
    // Failure detection is quicker than by default, so that tests are.
    format!(
        "process.roles=broker,controller
node.id={id}
broker.rack=rack-{id}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data_dir}
auto.create.topics.enable=false
auto.leader.rebalance.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=100
group.consumer.min.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=500
"
    )
}

/// Several nodes must agree on a cluster id before they start.
fn format_node(kind: Kind, program: &Path, config: &Path) -> std::io::Result<()> {
    let mut format = match kind {
        Kind::ApacheKafka => {
            let class_path = format!("{}/*", program.display());
            let mut java = Command::new("java");
            java.args(["-Xmx128M", "-XX:TieredStopAtLevel=1", "-cp", &class_path]);
            java.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]);
            java
        }
        Kind::Raudal => {
            let mut raudal = Command::new(program);
            raudal.args(["format", "--cluster-id", CLUSTER_ID, "--config"]);
            raudal
        }
    };
    format
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(drop)
}

fn start_node(kind: Kind, program: &Path, dir: &Path) -> std::io::Result<Child> {
    let config = dir.join("server.properties");
    let mut command = match kind {
        Kind::ApacheKafka => {
            let class_path = format!("{}/*", program.display());
            let mut java = Command::new("java");
            java.args(["-Xmx512M", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
            java.args(["-cp", &class_path, "kafka.Kafka"]);
            java
        }
        Kind::Raudal => Command::new(program),
    };
    command.arg(config);
    spawn(command, dir)
}

fn spawn(mut command: Command, dir: &Path) -> std::io::Result<Child> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a process's output, no log segment"
    )]
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("log"))?;
    command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}
