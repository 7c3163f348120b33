//! What the process asks of the operating system for itself.

use std::num::NonZero;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
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

/// Up to so many processors one thread does better than one for each.
const FEW_PROCESSORS: usize = 2;

/// What carries connections and requests.
///
/// One thread per processor that this process may use. Where there are but two, the main thread alone:
/// clients, other processes and this node's own threads for its controller and its disks want a share of
/// them, and a second thread would be woken for every other request only to find that the first has done
/// it.
pub(crate) fn runtime() -> Builder {
    if has_few_processors() {
        return Builder::new_current_thread();
    }
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(processor_count());
    builder
}

/// Whether threads of one kind would mostly wake each other.
pub(crate) fn has_few_processors() -> bool {
    processor_count() <= FEW_PROCESSORS
}

/// Those that this process may use.
fn processor_count() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
