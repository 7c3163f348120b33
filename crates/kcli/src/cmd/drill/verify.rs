//! `kcli drill verify`, and the reading back at the end of every drill.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::time::Instant;

use super::ledger::{Answer, Ledger};
use super::outcome::Claimed;
use super::reader::{Live, Reader};
use super::report::verdict_facts;
use super::verdict::{Claims, Verdict, judge};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Page, Report, note};

/// Read back what an earlier drill had acknowledged, by its report.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The report that `drill … --report F.json` wrote
    #[arg(value_name = "F.json")]
    report: PathBuf,
}

/// Reads back and counts.
pub(crate) async fn run(verify: &Verify, context: &Context) -> Result {
    let name = verify.report.display();
    let text = std::fs::read(&verify.report)
        .map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let (claimed, run) =
        Claimed::parse(&text).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let admin = context.admin().await?;
    let cluster = admin.describe_cluster().await?;
    if cluster.cluster_id != claimed.cluster_id {
        let message = format!(
            "the report is of cluster {}, this is {}",
            claimed.cluster_id, cluster.cluster_id
        );
        return Err(Failure::usage(message));
    }
    let starts = claimed
        .partitions
        .iter()
        .map(|it| (it.partition, it.start_offset));
    let reader = Reader {
        settings: context.settings.clone(),
        topic: claimed.topic.clone(),
        starts: starts.collect(),
        run,
        zero: Instant::now(),
    };
    let mut found = all(&reader, context).await?;
    let mut verdict = Verdict::default();
    for partition in claimed.partitions {
        let claims = Claims {
            partition: partition.partition,
            acked: partition.acknowledged,
            ..Claims::default()
        };
        let read_back = found.remove(&claims.partition).unwrap_or_default();
        verdict.add(judge(&claims, &read_back));
    }
    let json = json!({ "topic": claimed.topic, "run": claimed.run, "verification": verdict });
    let page = Page::default().facts(verdict_facts(&verdict));
    context.output.print(&Report::new(&json, page))?;
    verdict
        .samples
        .iter()
        .for_each(|sample| note(&format!("error: {sample}")));
    match verdict.is_clean() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Broken)),
    }
}

/// Reads everything of the drill back and compares it with what was acknowledged and read meanwhile.
pub(super) async fn read_back(
    reader: &Reader,
    ledger: &Ledger,
    live: &Live,
    context: &Context,
) -> Result<Verdict> {
    context.remark("reading back");
    let mut found = all(reader, context).await?;
    let mut verdict = Verdict::default();
    for (partition, ledger) in ledger {
        let answers = (0..).zip(&ledger.entries);
        let offsets = answers.filter_map(|(sequence, entry)| match entry.answer {
            Answer::Acked { offset, .. } => Some((sequence, offset)),
            Answer::None | Answer::Failed { .. } => None,
        });
        let seen = live.by_partition.get(partition);
        let seen = seen.map(|all| all.iter().map(|it| it.seen).collect());
        let claims = Claims {
            partition: *partition,
            acked: ledger.acked_ranges(),
            offsets: offsets.collect::<HashMap<_, _>>(),
            seen: seen.unwrap_or_default(),
        };
        let read_back = found.remove(partition).unwrap_or_default();
        verdict.add(judge(&claims, &read_back));
    }
    Ok(verdict)
}

async fn all(
    reader: &Reader,
    context: &Context,
) -> Result<std::collections::BTreeMap<i32, Vec<super::verdict::Seen>>> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} read back") {
        bar.set_style(style);
    }
    if context.is_quiet || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let progress = |read, total| {
        bar.set_length(total);
        bar.set_position(read);
    };
    let found = reader.all(progress).await;
    bar.finish_and_clear();
    found
}
