//! The table of nodes, and what may be done to them.

use std::path::Path;

use serde_json::json;

use super::Place;
use super::process::Life;
use super::state::Cluster;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Page, Report, Table, Tone};

/// `kcli dev status`.
pub(super) fn status(place: &Place, context: &Context) -> Result {
    let cluster = Cluster::find(place)?;
    print(&cluster, context)?;
    match cluster.nodes.iter().all(|node| node.life() == Life::Up) {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Unhealthy)),
    }
}

/// Prints the cluster.
pub(super) fn print(cluster: &Cluster, context: &Context) -> Result {
    let mut table = Table::new(vec![
        Column::number("NODE"),
        Column::new("ROLES"),
        Column::new("STATE"),
        Column::number("PORT"),
        Column::number("CONTROLLER PORT"),
        Column::number("PID"),
        Column::new("LOG"),
    ]);
    let mut nodes = Vec::new();
    for node in &cluster.nodes {
        let life = node.life();
        let tone = match life {
            Life::Up => Tone::Good,
            Life::Paused => Tone::Warn,
            Life::Gone => Tone::Bad,
        };
        let pid = match (&node.process, life) {
            (Some(process), Life::Up | Life::Paused) => Some(process.pid),
            _ => None,
        };
        table.push(
            node.id.to_string(),
            vec![
                Cell::from(node.id.to_string()),
                Cell::from(node.role.name()),
                Cell::toned(life.name(), tone),
                Cell::optional(node.port),
                Cell::optional(node.controller_port),
                Cell::optional(pid),
                Cell::from(node.log.display().to_string()),
            ],
        );
        nodes.push(json!({
            "id": node.id,
            "roles": node.role.name().split(',').collect::<Vec<_>>(),
            "state": life.name(),
            "port": node.port,
            "controllerPort": node.controller_port,
            "pid": pid,
            "config": node.config,
            "log": node.log,
        }));
    }
    let json = json!({
        "clusterId": cluster.cluster_id,
        "bootstrap": cluster.bootstrap(),
        "dir": cluster.dir,
        "nodes": nodes,
    });
    let facts = vec![
        ("bootstrap", Cell::from(cluster.bootstrap())),
        ("folder", Cell::from(cluster.dir.display().to_string())),
    ];
    context.output.print(&Report::new(
        &json,
        Page::default().facts(facts).table(table),
    ))
}

/// What to try, for people.
pub(super) fn how_to_break(cluster: &Cluster, dir: Option<&Path>, context: &Context) {
    if context.output.format.is_json() {
        return;
    }
    let place = dir.map_or_else(String::new, |dir| format!(" --dir {}", dir.display()));
    let brokers: Vec<_> = cluster
        .nodes
        .iter()
        .filter(|n| n.role.is_broker())
        .collect();
    let replicas = brokers.len().min(3);
    let victim = brokers.get(1).or(brokers.first()).map_or(1, |node| node.id);
    let owns_default = brokers.iter().any(|n| n.port == Some(client::DEFAULT_PORT));
    let reach = match dir.is_none() && owns_default {
        true => String::new(),
        false => format!("export KCLI_BOOTSTRAP_SERVER={}\n  ", cluster.bootstrap()),
    };
    context.remark(&format!(
        "
use it
  {reach}kcli topic create cities -p 3 -r {replicas}
break it
  kcli drill kill --topic cities{place}      kill the leader under load; was anything lost?
  kcli dev kill {victim}{place}                     end a node without warning
  kcli dev pause {victim}{place}                    make it hang; `dev resume {victim}` lets it go on
  kcli dev restart {victim}{place}                  bring it back
be done with it
  kcli dev stop{place}                       stop all, keep the data: `dev start` goes on
  kcli dev wipe{place}                       delete everything"
    ));
}
