//! The broker's own files.

use crate::kcli::{create, kcli, produce};
use crate::target::Cluster;

pub(crate) fn dump_log_reads_the_brokers_segments(cluster: &Cluster) {
    create(cluster, "dump", 1);
    produce(cluster, "dump -K : -z zstd", "a:1\nb:2\n");
    produce(cluster, "dump", "three\n");
    let segment = cluster
        .data_dir
        .join("dump-0")
        .join("00000000000000000000.log");
    let segment = segment.display().to_string();
    let dump = |extra: &[&str]| {
        let words = ["debug", "dump-log", &segment, "--verify"];
        kcli(cluster, words.into_iter().chain(extra.iter().copied()))
    };
    let batches = dump(&["--records", "-o", "json"]).json();
    assert_eq!(batches[0]["compression"], "zstd");
    assert_eq!(
        (&batches[0]["baseOffset"], &batches[0]["lastOffset"]),
        (&0.into(), &1.into())
    );
    assert_eq!(batches[0]["isCrcValid"], true);
    assert!(batches[0]["producerId"].as_i64() >= Some(0), "{batches}");
    assert_eq!(batches[0]["records"][1]["key"], "b");
    assert_eq!(batches[1]["records"][0]["value"], "three");
    let table = dump(&["--records"]).ok();
    assert!(table.contains("three"), "{table}");

    // A copy with a flipped bit is found out.
    let mut bytes = std::fs::read(&segment).expect("reads");
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    let dir = tempfile::tempdir().expect("a directory");
    let damaged = dir.path().join("00000000000000000000.log");
    std::fs::write(&damaged, bytes).expect("writes");
    let damaged = damaged.display().to_string();
    let stderr = kcli(cluster, ["debug", "dump-log", &damaged, "--verify"]).fails(1);
    assert!(stderr.contains("batch at offset 2: crc"), "{stderr}");
}
