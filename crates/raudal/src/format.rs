//! `raudal format`: gives the data directories of a node their identity.

use std::sync::Arc;

use config::server::{Quorum, ServerConfig};
use storage::disk::RealDisk;
use storage::{LogDeps, LogDirs, MetaProperties};
use types::{DirectoryId, SystemClock, Uuid};

use crate::args::Format;
use crate::data::{directories, mark_new};
use crate::failure::Failure;
use crate::founders;
use crate::settings;

/// Formats every directory of the node, or none.
pub(crate) fn run(args: &Format) -> Result<(), Failure> {
    let config = settings::load(Some(&args.config), &args.overrides.overrides)?;
    let deps = deps(Arc::new(SystemClock::new()));
    let paths = directories(&config);
    let failure = |error: storage::Error| Failure::Data(error.to_string());
    let found = LogDirs::identities(&paths, &deps).map_err(failure)?;
    let cluster_id = choose_cluster_id(args, &found)?;
    let voters = founders::of(&args.founding, &config, DirectoryId(random_uuid()))?;
    check_founding(args, &config)?;
    let mut todo = Vec::new();
    for (path, identity) in paths.iter().zip(found) {
        match identity {
            None => todo.push(path),
            Some(_) if args.ignore_formatted => {
                say(&format!("{} is formatted already", path.display()));
            }
            Some(identity) => {
                let message = format!(
                    "{} is formatted already, for node {} of cluster {}; use --ignore-formatted to \
                     leave it alone, or empty it to start over",
                    path.display(),
                    identity.node_id,
                    identity.cluster_id
                );
                return Err(Failure::Data(message));
            }
        }
    }
    for path in todo {
        let is_metadata = *path == config.metadata_log_dir;
        let own = voters.iter().find(|voter| voter.node_id == config.node_id);
        let named = own.filter(|_| is_metadata).map(|own| own.directory_id);
        let identity = MetaProperties {
            cluster_id: cluster_id.clone(),
            node_id: config.node_id,
            directory_id: named.unwrap_or_else(|| DirectoryId(random_uuid())),
        };
        if config.roles.controller && is_metadata {
            mark_new(path, &voters, &deps)?;
        }
        storage::dirs::format(path, &identity, &deps).map_err(failure)?;
        let place = path.display();
        say(&format!(
            "{place}: node {} of cluster {cluster_id}",
            config.node_id
        ));
    }
    Ok(())
}

/// A controller among others has to be told whether it is one of the first voters.
fn check_founding(args: &Format, config: &ServerConfig) -> Result<(), Failure> {
    let founding = &args.founding;
    let is_told = founding.standalone
        || founding.initial_controllers.is_some()
        || founding.no_initial_controllers;
    let must_be_told = config.roles.controller
        && matches!(config.quorum, Quorum::Bootstrap(_))
        && !config.is_sole_voter();
    match must_be_told && !is_told {
        true => Err(Failure::Config(
            "controller.quorum.bootstrap.servers does not say who votes first; add --standalone (this \
             controller alone), --initial-controllers (these) or --no-initial-controllers (the cluster \
             exists)"
                .to_owned(),
        )),
        false => Ok(()),
    }
}

/// The id given, else that of a directory formatted before, else a new one.
fn choose_cluster_id(args: &Format, found: &[Option<MetaProperties>]) -> Result<String, Failure> {
    let known = found.iter().flatten().next().map(|it| &it.cluster_id);
    let Some(given) = &args.cluster_id else {
        return Ok(known.cloned().unwrap_or_else(|| random_uuid().to_string()));
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if given.is_empty() || !given.chars().all(is_word) {
        let message = format!("--cluster-id {given}: use letters, digits, - and _");
        return Err(Failure::Config(message));
    }
    match known {
        Some(known) if known != given => Err(Failure::Data(format!(
            "--cluster-id {given}: a directory of this node belongs to cluster {known}"
        ))),
        _ => Ok(given.clone()),
    }
}

/// The machine's disk and clock.
pub(crate) fn deps(clock: Arc<SystemClock>) -> LogDeps {
    LogDeps {
        disk: Arc::new(RealDisk),
        clock,
    }
}

/// A new id that no one else has.
pub(crate) fn random_uuid() -> Uuid {
    loop {
        // One draw in 64 would print with a leading dash and is drawn again.
        if let Some(id) = Uuid::from_random(rand::random()) {
            return id;
        }
    }
}

#[expect(clippy::print_stdout, reason = "the command's result")]
fn say(line: &str) {
    println!("{line}");
}
