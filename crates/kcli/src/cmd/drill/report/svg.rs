//! The timeline, drawn: how many acknowledgements came when, and a close look at the outage with a
//! lane for each partition. Colours are CSS variables of the page, so that it is light or dark.

use std::fmt::Write as _;
use std::time::Duration;

use super::super::analysis::ms;
use super::super::event::What;
use super::super::ledger::{Entry, Ledger};
use super::super::outcome::{Outcome, shown};
use super::by_gap;
use super::html::escaped;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
/// Lanes of the close look.
const LANES_MAX: usize = 12;
/// Ticks of one lane: more would be a solid line.
const TICKS_MAX: usize = 1500;
/// Lines of labels under each other before they start again at the top.
const LABEL_ROWS: usize = 4;

/// A piece of time on a piece of paper.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: f64,
    until: f64,
}

impl Scale {
    fn x(&self, at_ms: f64) -> f64 {
        let part = (at_ms - self.from) / (self.until - self.from).max(1.0);
        LEFT + part.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn holds(&self, at_ms: f64) -> bool {
        (self.from..=self.until).contains(&at_ms)
    }

    /// A step of 1, 2 or 5 times a power of ten that makes some ten marks.
    fn step(&self) -> f64 {
        let rough = (self.until - self.from).max(1.0) / 10.0;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        steps
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough)
    }

    fn axis(&self, y: f64, out: &mut String) {
        let step = self.step();
        let mut at = (self.from / step).ceil() * step;
        while at <= self.until {
            let x = self.x(at);
            let label = match step {
                step if step >= 1000.0 => format!("{:.0} s", at / 1000.0),
                step if step >= 100.0 => format!("{:.1} s", at / 1000.0),
                _ => format!("{:.2} s", at / 1000.0),
            };
            push(
                out,
                format_args!(r#"<line class="grid" x1="{x:.1}" y1="10" x2="{x:.1}" y2="{y}"/>"#),
            );
            push(
                out,
                format_args!(
                    r#"<text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                    y + 16.0
                ),
            );
            at += step;
        }
    }
}

/// A moment worth a line, with the class that colours it.
struct Mark {
    at_ms: f64,
    class: &'static str,
    label: String,
}

fn marks(outcome: &Outcome) -> Vec<Mark> {
    let marks = outcome.analysis.timeline.iter().filter_map(|event| {
        let (class, label) = match &event.what {
            What::Struck { node, .. } => ("bad", format!("node {node} struck")),
            What::Restored { node } => ("good", format!("node {node} brought back")),
            What::FirstError { .. } => ("warn", "first error".to_owned()),
            What::LastAck { .. } => ("plain", "last ack".to_owned()),
            What::FirstAck { .. } => ("good", "first ack".to_owned()),
            What::Fenced { node } => ("plain", format!("{node} fenced")),
            What::Unfenced { node } => ("plain", format!("{node} back")),
            What::Leader { partition, to, .. } if *to >= 0 => {
                ("accent", format!("p{partition}: leader {to}"))
            }
            What::Controller { node, .. } => ("accent", format!("controller {node}")),
            What::Whole => ("good", "in sync".to_owned()),
            What::Leader { .. } | What::Isr { .. } | What::Reader { .. } => return None,
        };
        Some(Mark {
            at_ms: ms(event.at),
            class,
            label,
        })
    });
    marks.collect()
}

/// Acknowledgements over the whole drill.
pub(super) fn overview(outcome: &Outcome) -> String {
    let buckets = &outcome.analysis.buckets;
    let width_ms = buckets.get(1).map_or(100.0, |second| second.at_ms);
    let until = buckets.last().map_or(1.0, |last| last.at_ms + width_ms);
    let scale = Scale { from: 0.0, until };
    let (top, bottom) = (20.0, 190.0);
    let highest = buckets
        .iter()
        .map(|it| it.acked.max(it.sent))
        .max()
        .unwrap_or(1)
        .max(1);
    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    let y = |count: u64| bottom - (bottom - top) * (count as f64 / highest as f64);
    let mut out = open("Acknowledgements over time", 230.0);
    scale.axis(bottom, &mut out);
    let mut bars = String::new();
    let mut sent = String::new();
    for bucket in buckets {
        let (x, next) = (scale.x(bucket.at_ms), scale.x(bucket.at_ms + width_ms));
        let bar = (next - x - 0.4).max(0.4);
        push(
            &mut bars,
            format_args!("M{x:.1} {bottom}V{:.1}h{bar:.1}V{bottom}z", y(bucket.acked)),
        );
        let word = if sent.is_empty() { "M" } else { "L" };
        push(
            &mut sent,
            format_args!("{word}{x:.1} {:.1}", y(bucket.sent)),
        );
    }
    push(
        &mut out,
        format_args!(
            r#"<path class="bars" d="{bars}"><title>acknowledged in {width_ms:.0} ms</title></path>"#
        ),
    );
    push(
        &mut out,
        format_args!(
            r#"<path class="sent" d="{sent}"><title>handed over in {width_ms:.0} ms</title></path>"#
        ),
    );
    for (count, at) in [(highest, top), (0, bottom)] {
        push(
            &mut out,
            format_args!(
                r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{count}</text>"#,
                LEFT - 6.0,
                at + 4.0
            ),
        );
    }
    for mark in marks(outcome).iter().filter(|mark| mark.class != "plain") {
        let x = scale.x(mark.at_ms);
        push(
            &mut out,
            format_args!(
                r#"<line class="mark {}" x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{bottom}"><title>{:.3} s: {}</title></line>"#,
                mark.class,
                mark.at_ms / 1000.0,
                escaped(&mark.label)
            ),
        );
    }
    push(
        &mut out,
        format_args!(
            r#"<text class="tick" x="{LEFT}" y="225">bars: acknowledged, line: handed over, each per {width_ms:.0} ms</text></svg>"#
        ),
    );
    out
}

/// The first outage, closely: marks with their words, and a lane for each partition.
pub(super) fn close_look(outcome: &Outcome) -> Option<String> {
    let blow = outcome.strikes.first()?.at;
    let recovered = outcome.analysis.recovered_at.unwrap_or(blow).max(blow);
    let length = recovered
        .saturating_sub(blow)
        .max(Duration::from_millis(200));
    let scale = Scale {
        from: ms(blow.saturating_sub(length / 3)),
        until: ms((recovered + length / 3).min(outcome.ended.max(recovered))),
    };
    let lanes: Vec<_> = by_gap(outcome).into_iter().take(LANES_MAX).collect();
    let labels_end = 24.0 + 15.0 * row(LABEL_ROWS);
    let (lane_height, lanes_top) = (30.0, labels_end + 6.0);
    let bottom = lanes_top + lane_height * row(lanes.len());
    let mut out = open("The outage", bottom + 30.0);
    scale.axis(bottom, &mut out);
    for (i, figures) in lanes.iter().enumerate() {
        let y = lanes_top + lane_height * row(i);
        push(
            &mut out,
            format_args!(
                r#"<text class="lane" x="{:.1}" y="{:.1}" text-anchor="end">p{}</text>"#,
                LEFT - 8.0,
                y + 18.0,
                figures.partition
            ),
        );
        if let Some(gap) = figures.longest_gap.filter(|gap| gap.end >= blow) {
            let (x, end) = (scale.x(ms(gap.start)), scale.x(ms(gap.end)));
            push(
                &mut out,
                format_args!(
                    r#"<rect class="gap" x="{x:.1}" y="{:.1}" width="{:.1}" height="22"><title>{}</title></rect>"#,
                    y + 3.0,
                    (end - x).max(1.0),
                    shown(gap.length())
                ),
            );
            if end - x > 60.0 {
                push(
                    &mut out,
                    format_args!(
                        r#"<text class="gaptext" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                        x.midpoint(end),
                        y + 18.0,
                        shown(gap.length())
                    ),
                );
            }
        }
        let ticks = ticks(&outcome.ledger, figures.partition, scale, y);
        push(
            &mut out,
            format_args!(r#"<path class="acks" d="{ticks}"/>"#),
        );
    }
    let inside = marks(outcome)
        .into_iter()
        .filter(|mark| scale.holds(mark.at_ms));
    for (i, mark) in inside.enumerate() {
        let (x, y) = (scale.x(mark.at_ms), 22.0 + 15.0 * row(i % LABEL_ROWS));
        let (anchor, dx) = if x > WIDTH * 0.8 {
            ("end", -4.0)
        } else {
            ("start", 4.0)
        };
        push(
            &mut out,
            format_args!(
                r#"<line class="mark {0}" x1="{x:.1}" y1="{1:.1}" x2="{x:.1}" y2="{bottom:.1}"/><text class="label {0}" x="{2:.1}" y="{y:.1}" text-anchor="{anchor}">{3}</text>"#,
                mark.class,
                y - 8.0,
                x + dx,
                escaped(&mark.label)
            ),
        );
    }
    out.push_str("</svg>");
    Some(out)
}

/// A tick for each acknowledgement.
fn ticks(ledger: &Ledger, partition: i32, scale: Scale, y: f64) -> String {
    let mut path = String::new();
    let entries = ledger.get(&partition).map(|it| it.entries.as_slice());
    let times = entries
        .unwrap_or_default()
        .iter()
        .filter_map(Entry::acked_at);
    let inside: Vec<f64> = times.map(ms).filter(|at| scale.holds(*at)).collect();
    let every = inside.len().div_ceil(TICKS_MAX).max(1);
    for at in inside.iter().step_by(every) {
        push(
            &mut path,
            format_args!("M{:.1} {:.1}v14", scale.x(*at), y + 7.0),
        );
    }
    path
}

fn open(title: &str, height: f64) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}"><title>{title}</title>"#
    )
}

#[expect(clippy::cast_precision_loss, reason = "a number of lines on paper")]
fn row(number: usize) -> f64 {
    number as f64
}

/// Writing to memory cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_whatever_the_length() {
        for (length, expected) in [
            (1000.0, 100.0),
            (1500.0, 200.0),
            (30_000.0, 5000.0),
            (5.0, 0.5),
        ] {
            let scale = Scale {
                from: 0.0,
                until: length,
            };
            assert!(
                (scale.step() - expected).abs() < 1e-9,
                "{length}: {}",
                scale.step()
            );
        }
    }

    #[test]
    fn what_lies_outside_is_drawn_at_the_border() {
        let scale = Scale {
            from: 100.0,
            until: 200.0,
        };
        assert!((scale.x(0.0) - LEFT).abs() < 1e-9);
        assert!((scale.x(1e9) - (WIDTH - RIGHT)).abs() < 1e-9);
        assert!(scale.holds(150.0) && !scale.holds(250.0));
    }
}
