//! A cluster to test against: started when first needed, stopped by its process id.

use std::fs::{self, OpenOptions};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

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
        Cluster::start(self.kind, program)
    }

    /// The running cluster; the first caller starts it.
    pub(crate) fn cluster(&self) -> Result<&Cluster, String> {
        self.cluster
            .get_or_init(|| self.own_cluster())
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// A running node.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Whose it is.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) bootstrap: String,
    /// Where its logs are.
    pub(crate) data_dir: PathBuf,
    program: PathBuf,
    child: Child,
    dir: TempDir,
}

impl Cluster {
    /// Kills it without warning and starts it again on the same data.
    pub(crate) fn kill_and_restart(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        self.child = start_node(self.kind, &self.program, self.dir.path()).expect("starts");
    }

    fn start(kind: Kind, program: &Path) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (port, controller_port) = free_ports().map_err(|error| error.to_string())?;
        let data_dir = dir.path().join("data");
        let config = dir.path().join("server.properties");
        let text = properties(port, controller_port, &data_dir);
        fs::write(&config, text).map_err(|error| error.to_string())?;
        if kind == Kind::ApacheKafka {
            format_kafka(program, &config).map_err(|error| error.to_string())?;
        }
        let child = start_node(kind, program, dir.path());
        let mut cluster = Self {
            kind,
            bootstrap: format!("127.0.0.1:{port}"),
            data_dir,
            program: program.to_owned(),
            child: child.map_err(|error| format!("{}: {error}", program.display()))?,
            dir,
        };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        for _ in 0..READY_LOOKS {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!(
                    "{} ended: {status}\n{}",
                    self.kind.name(),
                    self.log()
                ));
            }
            let is_open = TcpStream::connect(&self.bootstrap).is_ok();
            let ready = || {
                let health =
                    crate::kcli::Kcli::new(self).args(["cluster", "health", "--timeout", "5s"]);
                health.run().status == 0
            };
            if is_open && ready() {
                return Ok(());
            }
            pause();
        }
        Err(format!(
            "{} is not ready in time\n{}",
            self.kind.name(),
            self.log()
        ))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    /// Asks it to stop, by its process id, and makes sure that it does.
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        for _ in 0..STOPPED_LOOKS {
            if asked.is_err() {
                break;
            }
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            pause();
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
pub(crate) fn pause() {
    std::thread::sleep(LOOK_EVERY);
}

/// Two ports that were free a moment ago.
fn free_ports() -> std::io::Result<(u16, u16)> {
    let (a, b) = (
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    );
    Ok((a.local_addr()?.port(), b.local_addr()?.port()))
}

fn properties(port: u16, controller_port: u16, data_dir: &Path) -> String {
    let data_dir = data_dir.display();
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data_dir}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"
    )
}

fn format_kafka(libs: &Path, config: &Path) -> std::io::Result<()> {
    let class_path = format!("{}/*", libs.display());
    let mut format = Command::new("java");
    format.args([
        "-cp",
        &class_path,
        "kafka.tools.StorageTool",
        "format",
        "-t",
        CLUSTER_ID,
        "-c",
    ]);
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
            java.args(["-Xmx512M", "-cp", &class_path, "kafka.Kafka"]);
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
