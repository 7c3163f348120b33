//! The plan, shown before anything is broken, and asked about.

use serde_json::json;

use super::args::LoadArgs;
use super::preflight::{Preflight, Weight};
use super::scene::Scene;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Page, Report, Tone, note};

/// What will be done, a line each: label and text.
pub(super) type Plan = Vec<(&'static str, String)>;

/// The line about the load.
pub(super) fn load_line(args: &LoadArgs, scene: &Scene) -> String {
    format!(
        "{} records/s of {} bytes to {} partition(s) of {}, acks={}",
        args.rate,
        args.size,
        scene.partitions.len(),
        scene.topic,
        args.acks_name()
    )
}

/// Shows it and asks. `false` if it was only to be shown.
///
/// # Errors
/// Not confirmed, or this is a place where nothing may be broken.
pub(super) fn confirm(plan: &Plan, preflight: &Preflight, context: &Context) -> Result<bool> {
    if context.is_dry_run {
        let lines = plan
            .iter()
            .map(|(label, text)| json!({ "label": label, "text": text }));
        let json = json!({
            "plan": lines.collect::<Vec<_>>(),
            "expected": preflight,
            "summary": preflight.sentence(),
        });
        context
            .output
            .print(&Report::new(&json, page(plan, preflight)))?;
        return Ok(false);
    }
    if context.is_protected {
        let message = "this cluster is protected: nothing is broken here";
        return Err(Failure::new(Exit::NotConfirmed, message)
            .hint("protected=true stands in .kcli.toml or KCLI_PROTECTED"));
    }
    // Whoever is asked must see what about.
    if !(context.is_quiet && context.is_confirmed) {
        text(plan, preflight).iter().for_each(|line| note(line));
    }
    context.confirm("go ahead")?;
    Ok(true)
}

fn mark(weight: Weight) -> (&'static str, Tone) {
    match weight {
        Weight::Good => ("ok", Tone::Good),
        Weight::Note => ("note", Tone::Plain),
        Weight::Stops => ("stops", Tone::Warn),
        Weight::MayLose => ("may lose", Tone::Bad),
    }
}

fn text(plan: &Plan, preflight: &Preflight) -> Vec<String> {
    let mut lines = vec!["plan".to_owned()];
    lines.extend(
        plan.iter()
            .map(|(label, text)| format!("  {label:8}  {text}")),
    );
    lines.push("expected".to_owned());
    let findings = preflight.findings.iter();
    lines.extend(findings.map(|it| format!("  {:8}  {}", mark(it.weight).0, it.text)));
    lines.push(format!("  {:8}  {}", "so", preflight.sentence()));
    lines
}

/// The plan as a page.
pub(super) fn page(plan: &Plan, preflight: &Preflight) -> Page {
    let planned = plan
        .iter()
        .map(|(label, text)| (*label, Cell::from(text.as_str())));
    let findings = preflight.findings.iter().map(|it| {
        let (word, tone) = mark(it.weight);
        (word, Cell::toned(it.text.as_str(), tone))
    });
    let expected = findings.chain([("so", Cell::from(preflight.sentence()))]);
    Page::default()
        .title("plan")
        .facts(planned.collect())
        .title("expected")
        .facts(expected.collect())
}
