//! One page, complete in itself: no script, no font, no picture from elsewhere.

use std::fmt::Write as _;

use super::super::analysis::ms;
use super::super::event::What;
use super::super::outcome::{Outcome, shown};
use super::super::preflight::Weight;
use super::{all_latencies, by_gap, shown_events, since_blow, svg};
use crate::exit::Exit;

const STYLE: &str = "
:root{color-scheme:light dark;--bg:#fbfaf8;--card:#fff;--ink:#1d2126;--soft:#646c76;--line:#e2e0db;
--accent:#2f5fb3;--good:#1a7f4b;--warn:#a86400;--bad:#b3261e;--bar:#8fb0e3;--gap:#b3261e22}
@media(prefers-color-scheme:dark){:root{--bg:#14171b;--card:#1c2026;--ink:#e6e8eb;--soft:#98a1ac;
--line:#30363e;--accent:#8ab4f8;--good:#6dd29b;--warn:#f0b35a;--bad:#ff8a80;--bar:#3d5f94;--gap:#ff8a8033}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1060px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:1.5rem;margin:0 0 4px}h2{font-size:1.05rem;margin:32px 0 8px}
p{margin:4px 0}.soft{color:var(--soft)}
.verdict{border-left:6px solid var(--c);background:var(--card);padding:14px 18px;margin:18px 0;
border-radius:4px;font-size:1.15rem}
.cards{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:10px 16px;min-width:130px}
.card b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}
.card span{color:var(--soft);font-size:.85rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:8px;overflow-x:auto}
svg{display:block;width:100%;min-width:640px;height:auto}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;background:var(--card);font-size:.92rem}
th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}
svg .lane{fill:var(--ink)}svg .gaptext{fill:var(--bad);font-weight:600}
svg .grid{stroke:var(--line)}svg .bars{fill:var(--bar)}
svg .sent{fill:none;stroke:var(--soft);stroke-width:1}
svg .acks{stroke:var(--accent);stroke-width:1}svg .gap{fill:var(--gap)}
svg .mark{stroke:var(--soft);stroke-width:1.2}svg .mark.bad{stroke:var(--bad);stroke-width:2}
svg .mark.good{stroke:var(--good)}svg .mark.warn{stroke:var(--warn)}svg .mark.accent{stroke:var(--accent)}
svg .label.bad{fill:var(--bad);font-weight:600}svg .label.good{fill:var(--good)}
svg .label.warn{fill:var(--warn)}svg .label.accent{fill:var(--accent)}
";

/// The page.
pub(super) fn page(outcome: &Outcome) -> String {
    let title = escaped(&format!("kcli drill {}: {}", outcome.drill, outcome.topic));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    head(outcome, &mut out);
    figures(outcome, &mut out);
    timeline(outcome, &mut out);
    partitions(outcome, &mut out);
    latencies(outcome, &mut out);
    proof(outcome, &mut out);
    plan(outcome, &mut out);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Text that stays text.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Writing to memory cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).unwrap_or_default();
}

fn head(outcome: &Outcome, out: &mut String) {
    let color = match outcome.exit() {
        Exit::Ok => "good",
        Exit::Broken => "bad",
        _ => "warn",
    };
    push(
        out,
        format_args!(
            "<p class=\"soft\">cluster {}, began {}, {} of writing</p>\n\
             <p class=\"verdict\" style=\"--c:var(--{color})\">{}</p>\n<div class=\"cards\">\n",
            escaped(&outcome.cluster_id),
            escaped(&outcome.began),
            shown(outcome.ended),
            escaped(&outcome.sentence())
        ),
    );
    let mut card = |value: String, label: &str, is_bad: bool| {
        let class = if is_bad { "bad" } else { "" };
        push(
            out,
            format_args!(
                "<div class=\"card\"><b class=\"{class}\">{value}</b><span>{label}</span></div>\n"
            ),
        );
    };
    if let Some(gap) = outcome.longest_gap() {
        card(
            shown(gap.length()),
            "longest gap without an acknowledgement",
            gap.is_open,
        );
    }
    if let Ok(verdict) = &outcome.verdict {
        card(verdict.acknowledged.to_string(), "acknowledged", false);
        card(verdict.lost.to_string(), "lost", verdict.lost > 0);
        card(
            verdict.duplicated.to_string(),
            "duplicated",
            verdict.duplicated > 0,
        );
        card(
            verdict.out_of_order.to_string(),
            "out of order",
            verdict.out_of_order > 0,
        );
    }
    out.push_str("</div>\n");
}

fn figures(outcome: &Outcome, out: &mut String) {
    if let Some(close) = svg::close_look(outcome) {
        push(
            out,
            format_args!(
                "<h2>The outage, closely</h2>\n<p class=\"soft\">A lane for each partition, a tick for \
                 each acknowledgement.</p>\n<figure>{close}</figure>\n"
            ),
        );
    }
    let all = svg::overview(outcome);
    push(
        out,
        format_args!("<h2>The whole drill</h2>\n<figure>{all}</figure>\n"),
    );
}

fn timeline(outcome: &Outcome, out: &mut String) {
    out.push_str(
        "<h2>Timeline</h2>\n<div class=\"wide\"><table><tr><th class=\"n\">seconds</th>\
         <th class=\"n\">since the blow</th><th>event</th></tr>\n",
    );
    for event in shown_events(outcome) {
        let class = match event.what {
            What::Struck { .. } | What::FirstError { .. } | What::Reader { .. } => "bad",
            What::FirstAck { .. } | What::Whole => "good",
            _ => "",
        };
        let since = since_blow(outcome, event.at).map(|since| format!("{:.0} ms", ms(since)));
        push(
            out,
            format_args!(
                "<tr><td class=\"n\">{:.3}</td><td class=\"n\">{}</td><td class=\"{class}\">{}</td></tr>\n",
                event.at.as_secs_f64(),
                since.unwrap_or_default(),
                escaped(&event.what.to_string())
            ),
        );
    }
    out.push_str("</table></div>\n");
}

fn partitions(outcome: &Outcome, out: &mut String) {
    out.push_str(
        "<h2>Partitions</h2>\n<div class=\"wide\"><table><tr><th class=\"n\">partition</th>\
         <th class=\"n\">leader</th><th class=\"n\">then</th><th class=\"n\">sent</th>\
         <th class=\"n\">acknowledged</th><th class=\"n\">new leader after</th>\
         <th class=\"n\">longest gap</th><th class=\"n\">longest gap of the reader</th></tr>\n",
    );
    for it in by_gap(outcome) {
        let gap = |gap: Option<super::super::analysis::Gap>| match gap {
            None => String::new(),
            Some(gap) if gap.is_open => format!("{}, not over", shown(gap.length())),
            Some(gap) => shown(gap.length()),
        };
        let new_leader = it.new_leader_at.and_then(|at| since_blow(outcome, at));
        let cells = [
            it.partition.to_string(),
            it.leader_before.to_string(),
            it.leader_after.to_string(),
            it.sent.to_string(),
            it.acked.to_string(),
            new_leader.map(shown).unwrap_or_default(),
            gap(it.longest_gap),
            gap(it.longest_read_gap),
        ];
        out.push_str("<tr>");
        for cell in cells {
            push(out, format_args!("<td class=\"n\">{cell}</td>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}

fn latencies(outcome: &Outcome, out: &mut String) {
    out.push_str(
        "<h2>Milliseconds from handing a record over</h2>\n<div class=\"wide\"><table><tr><th>to</th>\
         <th>when</th><th class=\"n\">records</th><th class=\"n\">p50</th><th class=\"n\">p99</th>\
         <th class=\"n\">max</th></tr>\n",
    );
    for (what, when, it) in all_latencies(outcome) {
        push(
            out,
            format_args!(
                "<tr><td>{what}</td><td>{when}</td><td class=\"n\">{}</td><td class=\"n\">{:.1}</td>\
                 <td class=\"n\">{:.1}</td><td class=\"n\">{:.1}</td></tr>\n",
                it.count, it.p50, it.p99, it.max
            ),
        );
    }
    out.push_str("</table></div>\n");
}

fn proof(outcome: &Outcome, out: &mut String) {
    let Ok(verdict) = &outcome.verdict else {
        return;
    };
    push(
        out,
        format_args!(
            "<h2>Read back</h2>\n<p>{} records of this drill are in the topic; {} were acknowledged. \
             Lost: {}. Duplicated: {}. Out of order: {}. At another offset than acknowledged: {}. Read \
             once and gone: {}. There without an acknowledgement (the answer got lost, not the record): \
             {}.</p>\n",
            verdict.found,
            verdict.acknowledged,
            verdict.lost,
            verdict.duplicated,
            verdict.out_of_order,
            verdict.moved,
            verdict.vanished,
            verdict.unacknowledged_found
        ),
    );
    if !verdict.samples.is_empty() {
        out.push_str("<ul class=\"bad\">\n");
        for sample in &verdict.samples {
            push(out, format_args!("<li>{}</li>\n", escaped(sample)));
        }
        out.push_str("</ul>\n");
    }
}

fn plan(outcome: &Outcome, out: &mut String) {
    out.push_str("<h2>What was planned, and expected</h2>\n<div class=\"wide\"><table>\n");
    for (label, text) in &outcome.plan {
        push(
            out,
            format_args!("<tr><th>{label}</th><td>{}</td></tr>\n", escaped(text)),
        );
    }
    for finding in &outcome.preflight.findings {
        let (class, word) = match finding.weight {
            Weight::Good => ("good", "expected"),
            Weight::Note => ("", "note"),
            Weight::Stops => ("warn", "stops"),
            Weight::MayLose => ("bad", "may lose"),
        };
        push(
            out,
            format_args!(
                "<tr><th class=\"{class}\">{word}</th><td>{}</td></tr>\n",
                escaped(&finding.text)
            ),
        );
    }
    push(
        out,
        format_args!(
            "<tr><th>so</th><td>{}</td></tr>\n</table></div>\n",
            outcome.preflight.sentence()
        ),
    );
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
