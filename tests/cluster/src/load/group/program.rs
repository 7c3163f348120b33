//! Whose clients the members are: the programs of `tests/interop/clients`, and one of our own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::target::{beside_us, java_libs};

/// How members speak with their coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Members give up everything at each rebalance.
    Classic,
    /// They give up only what others get.
    Cooperative,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

impl Protocol {
    /// As `group.protocol` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Classic | Self::Cooperative => "classic",
            Self::Consumer => "consumer",
        }
    }

    pub(super) fn assignor(self) -> &'static str {
        match self {
            Self::Classic => "range",
            Self::Cooperative | Self::Consumer => "cooperative",
        }
    }
}

/// Whose client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Apache Kafka's. Needs `KAFKA_LIBS` and a JDK.
    Java,
    /// Raudal's own client: the program `member` of this package.
    Own,
    /// librdkafka with its Python package, as the interop suite installs it.
    Librdkafka,
}

impl Program {
    /// The command that is a member, but for the bootstrap addresses. `dir` is for what it needs.
    ///
    /// # Errors
    /// Something that it needs is missing.
    pub(super) async fn command(self, dir: &Path) -> Result<Command> {
        let mut command = match self {
            Self::Java => java(dir).await?,
            Self::Own => Command::new(beside_us("member").context("needs the program `member`")?),
            Self::Librdkafka => {
                let python = librdkafka().context("needs librdkafka's interop client")?;
                let mut command = Command::new(python);
                command.arg(clients().join("librdkafka").join("client.py"));
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
        };
        command.arg("member");
        Ok(command)
    }
}

async fn java(dir: &Path) -> Result<Command> {
    let libs = java_libs().context("needs KAFKA_LIBS")?.join("*");
    let classes = dir.join("classes");
    if !classes.try_exists()? {
        let mut compiler = Command::new("javac");
        compiler.arg("-cp").arg(&libs).arg("-d").arg(&classes);
        let sources = std::fs::read_dir(clients().join("java"))?.flatten();
        compiler.args(sources.map(|source| source.path()));
        let output = compiler
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "javac: {said}");
    }
    let mut command = Command::new("java");
    command.args(["-Xmx128M", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
    let log4j = clients().join("../harness/log4j.properties");
    command.arg(format!("-Dlog4j.configuration=file:{}", log4j.display()));
    let path = std::env::join_paths([classes, libs])?;
    command.arg("-cp").arg(path).arg("Client");
    Ok(command)
}

/// The Python that has librdkafka, if the interop suite has brought it.
#[must_use]
pub fn librdkafka() -> Option<PathBuf> {
    let cache = std::env::var_os("INTEROP_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| root().join(".work/interop"));
    let python = cache.join("librdkafka/bin/python");
    std::path::absolute(python)
        .ok()
        .filter(|path| path.is_file())
}

fn clients() -> PathBuf {
    root().join("tests/interop/clients")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
