//! Recovery of a partition whose log files hold anything.

use storage::{Error, Shutdown};

use super::storage_bench::{self, Bench};

/// The first byte says how the process ended, whether there is a sealed segment, and where the
/// recovery point is; the rest is the file. What is served are batches of that file, from its start,
/// byte by byte; or the log is refused.
pub fn run(data: &[u8]) {
    let Some((how, file)) = data.split_first() else {
        return;
    };
    let shutdown = match how & 3 {
        0 => Shutdown::Clean,
        1 => Shutdown::PowerLoss,
        _ => Shutdown::Unclean,
    };
    let bench = Bench::new();
    bench.put("00000000000000000000.log", file);
    if how & 4 != 0 {
        bench.put("00000000000000000004.log", b"");
    }
    let recovery_point = i64::from(how >> 4);
    let mut log = match bench.open(recovery_point, shutdown) {
        Ok((log, _)) => log,
        Err(Error::Corrupt { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    assert!(log.log_end_offset() >= recovery_point);
    // Headers that were trusted may still prove to be wrong when they are read.
    let Ok(served) = storage_bench::read_all(&log) else {
        return;
    };
    assert!(
        file.starts_with(&served.concat()),
        "served what was not written"
    );
    if log.close().is_err() {
        return;
    }
    let (mut log, report) = bench
        .open(log.recovery_point(), Shutdown::Clean)
        .expect("closed cleanly");
    assert_eq!(report.cut_bytes, 0);
    assert_eq!(storage_bench::read_all(&log).ok(), Some(served));
    let end = log.log_end_offset();
    let epoch = log.latest_epoch();
    if let Ok(info) = log.append_as_leader(&[storage_bench::batch(0)], epoch) {
        assert!(info.duplicate || info.base_offset == end);
    }
}
