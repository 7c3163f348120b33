//! One owner per third-party seam, and no effects in pure crates.

use anyhow::Result;

use super::Repo;

/// Third-party crate and the only folders whose manifests or sources may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("openraft", &["crates/controller"]),
    ("sled", &["crates/controller"]),
    ("tonic", &["crates/rpc", "crates/controller"]),
    ("tonic-prost", &["crates/rpc"]),
    // The quorum keeps its log and snapshots as prost messages.
    (
        "prost",
        &["crates/rpc", "crates/metadata", "crates/controller"],
    ),
    ("rustls", &["crates/net"]),
    ("clap", &["crates/raudal", "crates/kcli"]),
    (
        "anyhow",
        &[
            "crates/raudal",
            "crates/kcli",
            "tests/bench",
            "tests/cluster",
            "xtask",
        ],
    ),
];

/// Text that only the named folder's sources may contain: the seam inside the crate.
const WORDS: &[(&str, &[&str])] = &[
    (
        "openraft::",
        &["crates/controller/src/quorum", "crates/controller/tests"],
    ),
    (
        "sled::",
        &["crates/controller/src/quorum", "crates/controller/tests"],
    ),
];

const PURE: &[&str] = &["types", "protocol", "metadata", "config", "replication"];
const EFFECTS: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "ToSocketAddrs",
    "std::thread",
    "std::process",
    "tokio::",
    "rand::",
    "SystemTime::now",
    "Instant::now",
];
/// The one place in the pure ring that reads the machine's clock.
const CLOCK: &str = "crates/types/src/clock.rs";

pub(super) fn check(repo: &Repo) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for package in &repo.packages {
        for dependency in &package.dependencies {
            let owner = OWNERS.iter().find(|(name, _)| name == dependency);
            if owner.is_some_and(|(_, dirs)| !dirs.contains(&package.dir.as_str())) {
                complaints.push(format!(
                    "{}: {dependency} belongs behind another crate's seam",
                    package.dir
                ));
            }
        }
    }
    for file in repo.rust_files().filter(|f| !f.starts_with("xtask/")) {
        let Some(text) = repo.text(file)? else {
            continue;
        };
        for (word, dirs) in WORDS {
            if text.contains(word) && !dirs.iter().any(|dir| file.starts_with(dir)) {
                complaints.push(format!("{file}: names {word} outside {}", dirs.join(", ")));
            }
        }
        if is_pure(file) && file != CLOCK {
            complaints.extend(
                effects(&text).map(|word| format!("{file}: a pure crate may not name {word}")),
            );
        }
    }
    Ok(complaints)
}

fn is_pure(file: &str) -> bool {
    PURE.iter().any(|name| {
        file.strip_prefix("crates/")
            .is_some_and(|rest| rest.starts_with(&format!("{name}/src/")))
    })
}

/// Effects named by code; comments and everything from the tests at the foot on are passed over.
fn effects(text: &str) -> impl Iterator<Item = &'static str> {
    let code: String = text
        .split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    EFFECTS
        .iter()
        .copied()
        .filter(move |word| code.contains(word))
}
