//! `kcli broker describe`.

use serde_json::json;

use super::{OneBroker, list, logdirs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Page, Report};

/// Describes one broker.
pub(crate) async fn run(one: &OneBroker, context: &Context) -> Result {
    let admin = context.admin().await?;
    let description = admin.describe_cluster().await?;
    let described = description.brokers.iter().find(|b| b.broker.id == one.id);
    let described = described.ok_or_else(|| {
        let ids: Vec<_> = description
            .brokers
            .iter()
            .map(|b| b.broker.id.to_string())
            .collect();
        Failure::failed(format!("there is no broker {}", one.id))
            .hint(format!("brokers are {}", ids.join(", ")))
    })?;
    let topics = admin.client().all_topics().await?;
    let (leads, replicas) = list::counts(&topics, one.id);
    let dirs = match described.is_fenced {
        Some(true) => Vec::new(),
        _ => admin.describe_log_dirs(one.id).await?,
    };
    let broker = &described.broker;
    let json = json!({
        "id": broker.id,
        "host": broker.address.host,
        "port": broker.address.port,
        "rack": broker.rack,
        "isFenced": described.is_fenced,
        "leads": leads,
        "replicas": replicas,
        "logDirs": dirs.iter().map(|dir| logdirs::json(broker.id, dir, false)).collect::<Vec<_>>(),
    });
    let page = Page::default()
        .facts(vec![
            ("broker", Cell::from(broker.id.to_string())),
            ("address", Cell::from(broker.address.to_string())),
            ("status", list::status(described)),
            ("rack", Cell::optional(broker.rack.as_ref())),
            ("leads", Cell::from(leads.to_string())),
            ("replicas", Cell::from(replicas.to_string())),
        ])
        .table(logdirs::table(&[(broker.id, dirs)]));
    context.output.print(&Report::new(&json, page))
}
