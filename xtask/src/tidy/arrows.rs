//! Dependencies between our crates only point inward: words ← pure ← effects ← programs.

use super::Repo;

/// What each crate may name. A crate that is not here may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    // words
    ("types", &[]),
    // pure
    ("protocol", &["types"]),
    ("metadata", &["types"]),
    ("config", &["types"]),
    ("replication", &["types"]),
    ("coordinator", &["types", "protocol", "metadata"]),
    // effects
    ("storage", &["types", "protocol"]),
    ("net", &["types", "protocol"]),
    ("rpc", &["types", "metadata"]),
    (
        "controller",
        &["types", "protocol", "metadata", "config", "rpc"],
    ),
    (
        "broker",
        &[
            "types",
            "protocol",
            "metadata",
            "config",
            "replication",
            "coordinator",
            "storage",
            "net",
            "rpc",
        ],
    ),
    ("client", &["types", "protocol", "net"]),
    // programs
    (
        "raudal",
        &[
            "types",
            "protocol",
            "metadata",
            "config",
            "storage",
            "net",
            "rpc",
            "controller",
            "broker",
        ],
    ),
    (
        "kcli",
        &[
            "types", "protocol", "config", "storage", "client", "net", "rpc",
        ],
    ),
    // tests across crates
    (
        "sim",
        &[
            "types",
            "protocol",
            "metadata",
            "config",
            "replication",
            "coordinator",
            "rpc",
            "controller",
        ],
    ),
    ("cluster-tests", &["types", "protocol", "client"]),
    (
        "benches",
        &[
            "types",
            "protocol",
            "metadata",
            "config",
            "replication",
            "coordinator",
            "storage",
            "rpc",
            "controller",
            "broker",
        ],
    ),
    // chores
    ("xtask", &[]),
];

pub(super) fn check(repo: &Repo) -> Vec<String> {
    let ours: Vec<&str> = repo.packages.iter().map(|p| p.name.as_str()).collect();
    let mut complaints = Vec::new();
    for package in &repo.packages {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            complaints.push(format!(
                "{}: a new crate needs its arrows in xtask/src/tidy/arrows.rs",
                package.dir
            ));
            continue;
        };
        for dependency in &package.dependencies {
            if ours.contains(&dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                complaints.push(format!("{}: may not depend on {dependency}", package.dir));
            }
        }
    }
    complaints
}
