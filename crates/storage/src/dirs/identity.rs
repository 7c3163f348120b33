//! Whose directory it is.

use std::io::ErrorKind;
use std::path::Path;

use types::DirectoryId;

use super::LogDirsOptions;
use crate::files::SMALL_FILE_BYTES_MAX;
use crate::files::meta_properties::NAME;
use crate::{Error, LogDeps, MetaProperties};

/// What is no sign of somebody's data: a file system's own folder, our lock, and what the controller
/// keeps beside the logs.
const HARMLESS_NAMES: [&str; 5] = [
    "lost+found",
    ".lock",
    "quorum",
    "quorum.new",
    "quorum.voters",
];

/// Reads `meta.properties`; `None` if there is none.
pub(super) fn read(path: &Path, deps: &LogDeps) -> Result<Option<MetaProperties>, Error> {
    let file = path.join(NAME);
    let text = match deps.disk.read(&file, SMALL_FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&file, error)),
    };
    let identity = MetaProperties::parse(&text);
    identity
        .map(Some)
        .map_err(|error| refused(path, format!("{NAME}: {error}")))
}

/// Writes the identity of an empty or missing directory (`raudal format`), durably.
///
/// # Errors
/// [`Error::Refused`] if it is formatted already or not empty.
pub fn format(path: &Path, identity: &MetaProperties, deps: &LogDeps) -> Result<(), Error> {
    if read(path, deps)?.is_some() {
        return Err(refused(path, "it is formatted already".to_owned()));
    }
    check_empty(path, &[], deps)?;
    write(path, identity, deps)
}

/// The identity of each directory, given to it if it has none; or why the disk does not say. Nothing is
/// written before all of them are known to be right.
///
/// # Errors
/// [`Error::Refused`] if one of them is not this node's to use.
pub(super) fn check_all(
    options: &LogDirsOptions,
    deps: &LogDeps,
) -> Result<Vec<Result<MetaProperties, Error>>, Error> {
    let mut identities = Vec::new();
    for path in &options.paths {
        identities.push(unless_refused(find(path, options, deps))?);
    }
    let mut new_ids = options.new_directory_ids.iter().copied();
    let mut complete: Vec<Result<MetaProperties, Error>> = Vec::new();
    for (path, identity) in options.paths.iter().zip(identities) {
        let identity = match identity {
            Ok(Some(identity)) if identity.directory_id != DirectoryId::ZERO => Ok(identity),
            Ok(_) => unless_refused(give_identity(path, options, new_ids.next(), deps))?,
            Err(unreadable) => Err(unreadable),
        };
        if let Ok(identity) = &identity {
            check_unique(path, identity, &complete)?;
        }
        complete.push(identity);
    }
    Ok(complete)
}

/// Lets the others go on without a directory whose disk fails.
fn unless_refused<T>(result: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    match result {
        Err(error @ (Error::Refused { .. } | Error::Invalid(_))) => Err(error),
        result => Ok(result),
    }
}

fn find(
    path: &Path,
    options: &LogDirsOptions,
    deps: &LogDeps,
) -> Result<Option<MetaProperties>, Error> {
    let identity = read(path, deps)?;
    match &identity {
        Some(identity) => check(path, identity, options)?,
        None => check_empty(path, &options.foreign_names, deps)?,
    }
    Ok(identity)
}

fn check_unique(
    path: &Path,
    identity: &MetaProperties,
    others: &[Result<MetaProperties, Error>],
) -> Result<(), Error> {
    let is_same = |other: &MetaProperties| other.directory_id == identity.directory_id;
    if others.iter().flatten().any(is_same) {
        let reason = format!(
            "its directory.id {} is that of another log directory; it was copied, or is listed twice",
            identity.directory_id
        );
        return Err(refused(path, reason));
    }
    Ok(())
}

fn give_identity(
    path: &Path,
    options: &LogDirsOptions,
    directory_id: Option<DirectoryId>,
    deps: &LogDeps,
) -> Result<MetaProperties, Error> {
    let missing = || Error::Invalid("fewer new directory ids than directories".to_owned());
    let identity = MetaProperties {
        cluster_id: options.cluster_id.clone(),
        node_id: options.node_id,
        directory_id: directory_id.ok_or_else(missing)?,
    };
    write(path, &identity, deps)?;
    Ok(identity)
}

fn check(path: &Path, identity: &MetaProperties, options: &LogDirsOptions) -> Result<(), Error> {
    if identity.cluster_id != options.cluster_id {
        let reason = format!(
            "it belongs to cluster {}, this node to cluster {}; use the right directory or an empty one",
            identity.cluster_id, options.cluster_id
        );
        return Err(refused(path, reason));
    }
    if identity.node_id != options.node_id {
        let reason = format!(
            "it belongs to node {}, this is node {}; set node.id to {} or use an empty directory",
            identity.node_id, options.node_id, identity.node_id
        );
        return Err(refused(path, reason));
    }
    Ok(())
}

/// A directory without identity may be formatted only if nothing is in it.
fn check_empty(path: &Path, foreign_names: &[String], deps: &LogDeps) -> Result<(), Error> {
    let entries = match deps.disk.list(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(path, error)),
    };
    let is_foreign = |name: &str| foreign_names.iter().any(|foreign| foreign == name);
    let mut names = entries.iter().map(|entry| entry.name.as_str());
    match names.find(|name| !HARMLESS_NAMES.contains(name) && !is_foreign(name)) {
        None => Ok(()),
        Some(name) => Err(refused(
            path,
            format!("it has no {NAME} but is not empty ({name}); restore that file or empty it"),
        )),
    }
}

fn write(path: &Path, identity: &MetaProperties, deps: &LogDeps) -> Result<(), Error> {
    let disk = &deps.disk;
    let written = disk.create_dir(path).and_then(|()| {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            disk.sync_dir(parent)?;
        }
        disk.replace(&path.join(NAME), &identity.format(), true)
    });
    written.map_err(|e| Error::io(path, e))
}

fn refused(path: &Path, reason: String) -> Error {
    Error::Refused {
        path: path.to_owned(),
        reason,
    }
}
