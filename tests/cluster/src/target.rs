//! Whose nodes are started, and with which commands.

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Whose cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From the jars in the folder that `KAFKA_LIBS` names.
    ApacheKafka,
    /// From the binary that `RAUDAL_BIN` names, or the one beside this program.
    Raudal,
}

impl Kind {
    /// Its name in the names of tests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ApacheKafka => "apache_kafka",
            Self::Raudal => "raudal",
        }
    }
}

/// What nodes are started from.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whose.
    pub kind: Kind,
    program: PathBuf,
}

/// Three of them shall fit beside a compiler. `KAFKA_JAVA_OPTIONS` names others.
const JAVA_OPTIONS: [&str; 4] = [
    "-Xmx400M",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    // So that /proc/net/tcp has all of its connections.
    "-Djava.net.preferIPv4Stack=true",
];

impl Target {
    /// Looks for what is needed; starts nothing.
    ///
    /// # Errors
    /// What is missing.
    pub fn find(kind: Kind) -> Result<Self, &'static str> {
        let from_environment = |name| std::env::var_os(name).map(PathBuf::from);
        let (program, missing) = match kind {
            Kind::ApacheKafka => (from_environment("KAFKA_LIBS"), "needs KAFKA_LIBS"),
            Kind::Raudal => (
                from_environment("RAUDAL_BIN").or_else(|| beside_us("raudal")),
                "needs cargo build -p raudal",
            ),
        };
        let program = program.ok_or(missing)?;
        // Nodes run in folders of their own.
        let program = std::path::absolute(program).map_err(|_no_folder| missing)?;
        Ok(Self { kind, program })
    }

    /// The command that prepares a node's directories.
    #[must_use]
    pub fn format(&self, config: &Path, cluster_id: &str) -> Command {
        let mut command = match self.kind {
            Kind::ApacheKafka => self.java("kafka.tools.StorageTool"),
            Kind::Raudal => Command::new(&self.program),
        };
        command.args(["format", "-g", "-t", cluster_id, "-c"]);
        command.arg(config);
        command
    }

    /// The command that is a node.
    #[must_use]
    pub fn start(&self, config: &Path) -> Command {
        let mut command = match self.kind {
            Kind::ApacheKafka => self.java("kafka.Kafka"),
            Kind::Raudal => Command::new(&self.program),
        };
        command.arg(config);
        command
    }

    fn java(&self, class: &str) -> Command {
        let mut command = Command::new("java");
        match std::env::var("KAFKA_JAVA_OPTIONS") {
            Ok(others) => command.args(others.split_whitespace()),
            Err(_) => command.args(JAVA_OPTIONS),
        };
        command.arg("-cp").arg(self.program.join("*")).arg(class);
        command
    }
}

/// Where Apache Kafka's jars are, if anybody said so: for its clients.
#[must_use]
pub fn java_libs() -> Option<PathBuf> {
    let libs = std::env::var_os("KAFKA_LIBS")?;
    std::path::absolute(libs).ok()
}

/// A program of this workspace. Cargo puts programs into one folder, and tests into `deps` in it.
pub(crate) fn beside_us(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let folders = own.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|path| path.is_file())
}
