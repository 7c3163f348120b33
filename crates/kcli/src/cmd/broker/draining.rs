//! Whether a broker drains: gives its leaderships away and gets no new ones.

use client::Admin;
use client::admin::{AlterOp, Resource, ResourceKind};

use crate::failure::{Failure, Result};

/// The broker config that says so. Apache Kafka has none like it.
const KEY: &str = "raudal.broker.drain";

/// Whether it drains; `None` if the cluster knows no draining or the broker does not answer.
pub(crate) async fn is_draining(admin: &Admin, id: i32) -> Option<bool> {
    let configs = admin.describe_configs(&resource(id), false).await.ok()?;
    let entry = configs.into_iter().find(|config| config.name == KEY)?;
    Some(entry.value.as_deref() == Some("true"))
}

/// Begins or ends it.
pub(super) async fn set(admin: &Admin, id: i32, drains: bool) -> Result {
    let change = match drains {
        true => AlterOp::Set("true".to_owned()),
        false => AlterOp::Delete,
    };
    let changes = [(KEY.to_owned(), change)];
    Ok(admin.alter_configs(&resource(id), &changes, false).await?)
}

/// Says that the cluster has no draining.
pub(super) fn unknown(id: i32) -> Failure {
    Failure::failed(format!(
        "this cluster cannot drain broker {id}: it knows no such thing"
    ))
    .hint("Apache Kafka moves leaders away by itself when a broker is stopped with SIGTERM")
    .hint("single partitions: kcli partition transfer TOPIC/N --to ID")
}

fn resource(id: i32) -> Resource {
    Resource {
        kind: ResourceKind::Broker,
        name: id.to_string(),
    }
}
