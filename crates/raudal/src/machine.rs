//! What the process asks of the operating system for itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// A broker with many partitions and clients holds this many files and sockets easily.
const FEW_FILES: u64 = 65_536;

/// Raises the number of open files to what this process may have.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        warn!(
            current = limit.current,
            maximum = limit.maximum,
            "cannot raise the open file limit"
        );
    }
    if let Some(files) = getrlimit(Resource::Nofile)
        .current
        .filter(|files| *files < FEW_FILES)
    {
        warn!(
            files,
            "few open files allowed; raise LimitNOFILE or ulimit -Hn for production"
        );
    }
}

/// Threads that carry connections and requests: one per processor this process may use, and never
/// just one, so that a slow request does not hold up the rest.
pub(crate) fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().max(2))
}
