//! Puts a node's configuration together and checks its parts against each other.

use std::path::PathBuf;

use types::NodeId;

use super::checks;
use super::listen::{self, CONTROLLER_NAMES};
use super::listeners::{Listeners, SecurityProtocol};
use super::problem::{Problem, Problems, Warning};
use super::quorum::{BOOTSTRAP, Quorum, VOTERS};
use super::read::Reader;
use super::settings::{
    Elections, Fetching, Groups, Logs, MetadataLog, Offsets, Producers, Replication, Sessions,
    Sockets, Topics,
};
use super::{Roles, ServerConfig, Surroundings};
use crate::properties::Properties;

const ROLES: &str = "process.roles";
const NODE_ID: &str = "node.id";
const BROKER_ID: &str = "broker.id";

/// The id of a node that was given none, which only a node on its own may do without.
const LONE_NODE_ID: &str = "1";

pub(super) fn build(
    mut properties: Properties,
    surroundings: &Surroundings,
) -> Result<ServerConfig, Problems> {
    let findings = checks::check(&properties);
    if !findings.problems.is_empty() {
        return Err(Problems(findings.problems));
    }
    choose_defaults(&mut properties, surroundings);
    let reader = Reader::new(&properties);
    let roles = read_roles(&reader)?;
    let node_id = read_node_id(&reader)?;
    let quorum = Quorum::read(&reader)?;
    let listeners = listen::read(&reader, roles, &surroundings.host_name)?;
    check_quorum(&reader, roles, node_id, &quorum, &listeners)?;
    let log_dirs = read_log_dirs(&reader)?;
    let metadata_log_dir = reader
        .read::<Option<String>>("metadata.log.dir")
        .map_or_else(|| log_dirs[0].clone(), PathBuf::from);
    let mut warnings = findings.warnings;
    warn_about_listeners(&listeners, &mut warnings);
    warn_about_advertised(&listeners, &mut warnings);
    warn_about_voters(&quorum, &mut warnings);
    warn_about_dirs(&log_dirs, &mut warnings);
    Ok(ServerConfig {
        roles,
        node_id,
        rack: reader.read("broker.rack"),
        listeners,
        quorum,
        log_dirs,
        metadata_log_dir,
        topics: Topics::read(&properties),
        sockets: Sockets::read(&properties),
        sessions: Sessions::read(&properties),
        elections: Elections::read(&properties),
        fetching: Fetching::read(&properties),
        logs: Logs::read(&properties),
        producers: Producers::read(&properties),
        groups: Groups::read(&properties),
        offsets: Offsets::read(&properties),
        replication: Replication::read(&properties),
        metadata_log: MetadataLog::read(&properties),
        properties,
        warnings,
    })
}

/// Fills in what a node on its own does not have to say.
fn choose_defaults(properties: &mut Properties, surroundings: &Surroundings) {
    let is_set = |properties: &Properties, name: &str| {
        properties
            .get(name)
            .is_some_and(|text| !text.trim().is_empty())
    };
    if !surroundings.has_file {
        if !is_set(properties, "listeners") {
            properties.set("listeners", "PLAINTEXT://localhost:9092");
        }
        // An empty one is an operator's slip, and is refused below.
        if properties.get("log.dirs").is_none() && properties.get("log.dir").is_none() {
            properties.set("log.dirs", "./data");
        }
    }
    let says_nothing_of_quorum = ![ROLES, VOTERS, BOOTSTRAP, CONTROLLER_NAMES]
        .iter()
        .any(|name| is_set(properties, name));
    if says_nothing_of_quorum {
        properties.set(ROLES, "broker,controller");
        if !is_set(properties, NODE_ID) && !is_set(properties, BROKER_ID) {
            properties.set(NODE_ID, LONE_NODE_ID);
        }
    }
    // Each of the two names stands in for the other, as in Kafka.
    if let Some(id) = properties.get(BROKER_ID).map(str::to_owned) {
        if !is_set(properties, NODE_ID) {
            properties.set(NODE_ID, id);
        }
    } else if let Some(id) = properties.get(NODE_ID).map(str::to_owned) {
        properties.set(BROKER_ID, id);
    }
}

fn read_roles(reader: &Reader<'_>) -> Result<Roles, Problem> {
    let names: Vec<String> = reader.read(ROLES);
    let has = |role: &str| names.iter().any(|name| name == role);
    let roles = Roles {
        broker: has("broker"),
        controller: has("controller"),
    };
    if roles.broker || roles.controller {
        return Ok(roles);
    }
    Err(Problem::new(
        ROLES,
        reader.text(ROLES),
        "other keys describe a quorum, but not what this node is in it",
        "set it to broker, controller or broker,controller",
    ))
}

fn read_node_id(reader: &Reader<'_>) -> Result<NodeId, Problem> {
    let remedy = "give each node of the cluster a number of its own, from 0";
    let Some(text) = reader.text(NODE_ID) else {
        let reason = "a node of a quorum needs a number";
        return Err(Problem::new(NODE_ID, None, reason, remedy));
    };
    let id: i32 = reader.read(NODE_ID);
    if id < 0 {
        let reason = "a node's number is 0 or more";
        return Err(Problem::new(NODE_ID, Some(text), reason, remedy));
    }
    if reader.read::<i32>(BROKER_ID) != id {
        let reason = format!("{BROKER_ID} is {}", reader.read::<i32>(BROKER_ID));
        let remedy = "give both the same value, or take broker.id out";
        return Err(Problem::new(NODE_ID, Some(text), reason, remedy));
    }
    Ok(NodeId(id))
}

fn check_quorum(
    reader: &Reader<'_>,
    roles: Roles,
    node_id: NodeId,
    quorum: &Quorum,
    listeners: &Listeners,
) -> Result<(), Problem> {
    let controller_names: Vec<String> = reader.read(CONTROLLER_NAMES);
    let is_lone = matches!(quorum, Quorum::Embedded);
    if is_lone && !(roles.broker && roles.controller) {
        let reason = "this node cannot find the controllers";
        let remedy = format!("set it to the controllers' host:port, or set {VOTERS}");
        return Err(Problem::new(BOOTSTRAP, None, reason, remedy));
    }
    if !is_lone && controller_names.is_empty() {
        let reason = "nothing says on which listener controllers talk";
        let remedy = "set it to CONTROLLER";
        return Err(Problem::new(CONTROLLER_NAMES, None, reason, remedy));
    }
    if !is_lone && roles.controller && listeners.controller.is_empty() {
        let reason = "no listener is in controller.listener.names";
        let remedy = format!("add {}://:9093", controller_names[0]);
        return Err(Problem::new(
            "listeners",
            reader.text("listeners"),
            reason,
            remedy,
        ));
    }
    let Quorum::Voters(voters) = quorum else {
        return Ok(());
    };
    let votes = voters.iter().any(|voter| voter.node_id == node_id);
    if votes == roles.controller {
        return Ok(());
    }
    let (reason, remedy) = if votes {
        (
            "has node {id}, which is not a controller",
            "take node {id} out, or add controller to process.roles",
        )
    } else {
        (
            "lacks node {id}, which is a controller",
            "add {id}@host:port, or take controller out of process.roles",
        )
    };
    let filled = |text: &str| text.replace("{id}", &node_id.to_string());
    Err(Problem::new(
        VOTERS,
        reader.text(VOTERS),
        filled(reason),
        filled(remedy),
    ))
}

fn read_log_dirs(reader: &Reader<'_>) -> Result<Vec<PathBuf>, Problem> {
    // Falling back from an empty key, a variable that was not filled in perhaps, would put the data
    // where nobody looks for it.
    let key = match reader.text("log.dirs") {
        Some(_) => "log.dirs",
        None => "log.dir",
    };
    let dirs: Vec<String> = reader.read(key);
    let mut paths: Vec<PathBuf> = Vec::new();
    for dir in &dirs {
        let path = PathBuf::from(dir);
        if dir.is_empty() || paths.contains(&path) {
            let reason = "a directory is empty or stands here twice";
            let remedy = "name each directory once";
            return Err(Problem::new(key, Some(&dirs.join(",")), reason, remedy));
        }
        paths.push(path);
    }
    if paths.is_empty() {
        let reason = "it is empty, so there is nowhere to keep data";
        let remedy = "set it to a directory, or take it out";
        return Err(Problem::new(key, reader.text(key), reason, remedy));
    }
    Ok(paths)
}

fn warn_about_listeners(listeners: &Listeners, warnings: &mut Vec<Warning>) {
    for listener in listeners.broker.iter().chain(&listeners.controller) {
        if listener.protocol == SecurityProtocol::Plaintext && !listener.bind.is_loopback() {
            let message = format!(
                "{} on {} is neither encrypted nor authenticated, and reachable from other \
                 machines; everyone who connects may do everything",
                listener.name, listener.bind
            );
            warnings.push(Warning::new("listeners", message));
        }
    }
}

/// The most common mistake of all: others can connect, and are then told to connect to themselves.
fn warn_about_advertised(listeners: &Listeners, warnings: &mut Vec<Warning>) {
    for told in listeners
        .advertised
        .iter()
        .filter(|it| it.endpoint.is_loopback())
    {
        let bound = listeners.broker.iter().find(|it| it.name == told.name);
        if bound.is_some_and(|bound| !bound.bind.is_loopback()) {
            let message = format!(
                "clients on other machines reach {}, and are then told to use {}, which is \
                 themselves; advertise an address that they can reach",
                told.name, told.endpoint
            );
            warnings.push(Warning::new("advertised.listeners", message));
        }
    }
}

fn warn_about_voters(quorum: &Quorum, warnings: &mut Vec<Warning>) {
    let (key, count) = match quorum {
        Quorum::Embedded => return,
        Quorum::Voters(voters) => (VOTERS, voters.len()),
        Quorum::Bootstrap(servers) => (BOOTSTRAP, servers.len()),
    };
    if count % 2 == 0 {
        let message = format!(
            "{count} voters survive no more failures than {}; use an odd number",
            count - 1
        );
        warnings.push(Warning::new(key, message));
    }
}

fn warn_about_dirs(dirs: &[PathBuf], warnings: &mut Vec<Warning>) {
    for dir in dirs.iter().filter(|dir| dir.starts_with("/tmp")) {
        let message = format!("{} does not survive a reboot", dir.display());
        warnings.push(Warning::new("log.dirs", message));
    }
}
