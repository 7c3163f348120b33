//! `kcli broker describe`.

use serde_json::json;

use super::{OneBroker, draining, list, logdirs};
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Page, Report};

/// Describes one broker.
pub(crate) async fn run(one: &OneBroker, context: &Context) -> Result {
    let admin = context.admin().await?;
    let described = &super::find(&admin, one.id).await?;
    let topics = admin.client().all_topics().await?;
    let (leads, replicas) = list::counts(&topics, one.id);
    let dirs = match described.is_fenced {
        Some(true) => Vec::new(),
        _ => admin.describe_log_dirs(one.id).await?,
    };
    let drains = match described.is_fenced {
        Some(true) => None,
        _ => draining::is_draining(&admin, one.id).await,
    };
    let broker = &described.broker;
    let json = json!({
        "id": broker.id,
        "host": broker.address.host,
        "port": broker.address.port,
        "rack": broker.rack,
        "isFenced": described.is_fenced,
        "isDraining": drains,
        "leads": leads,
        "replicas": replicas,
        "logDirs": dirs.iter().map(|dir| logdirs::json(broker.id, dir, false)).collect::<Vec<_>>(),
    });
    let page = Page::default()
        .facts(vec![
            ("broker", Cell::from(broker.id.to_string())),
            ("address", Cell::from(broker.address.to_string())),
            ("status", list::status(described, drains)),
            ("rack", Cell::optional(broker.rack.as_ref())),
            ("leads", Cell::from(leads.to_string())),
            ("replicas", Cell::from(replicas.to_string())),
        ])
        .table(logdirs::table(&[(broker.id, dirs)]));
    context.output.print(&Report::new(&json, page))
}
