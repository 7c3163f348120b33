//! Why the program ends other than well, and the exit code that says so.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// Why the program ends other than well. The texts are for the operator: they name what is at fault
/// and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration does not make sense.
    #[error("{0}")]
    Config(String),
    /// An address cannot be listened on.
    #[error("{0}")]
    Address(String),
    /// A data directory cannot be used.
    #[error("{0}")]
    Data(String),
    /// The node found no quorum, or was not let in.
    #[error("{0}")]
    Cluster(String),
    /// The quorum knows this controller by another disk.
    #[error("{0}")]
    ReplacedDisk(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What `--help` says about exit codes. Must agree with [`Failure::code`].
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  stopped as asked
  1  a failure while running
  2  a wrong command line
  3  a wrong configuration
  4  an address that cannot be listened on
  5  a data directory that cannot be used: in use, of another node or cluster, or damaged
  6  no quorum found, or not let into the cluster
  7  a controller whose metadata directory is not the one that votes under its node.id";

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Config(_) => 3,
            Self::Address(_) => 4,
            Self::Data(_) => 5,
            Self::Cluster(_) => 6,
            Self::ReplacedDisk(_) => 7,
        }
    }
}

/// What to do about an address that cannot be listened on.
pub(crate) fn listen_remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => "stop whoever has the port, or change the port in listeners",
        ErrorKind::PermissionDenied => {
            "use a port from 1024 on, or allow this process to use lower ones"
        }
        _ => "name an address of this machine in listeners, or none for all of them",
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.code())
    }
}
