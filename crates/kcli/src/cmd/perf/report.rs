//! What was measured.

use serde_json::json;

use super::meter::Meter;
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table};

/// Prints it: a row of columns, so that CSV has one, too.
pub(super) fn print(what: &'static str, meter: &Meter, context: &Context) -> Result {
    let seconds = meter.started.elapsed().as_secs_f64().max(1e-9);
    #[expect(clippy::cast_precision_loss, reason = "rates for people")]
    let (rate, mb_rate) = (
        meter.count as f64 / seconds,
        meter.bytes as f64 / 1e6 / seconds,
    );
    let histogram = &meter.latency_us;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
    let at = |percentile: f64| histogram.value_at_percentile(percentile) as f64 / 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
    let max = histogram.max() as f64 / 1000.0;
    let has_latency = !histogram.is_empty();
    let mut columns = vec![
        Column::new("TEST"),
        Column::number("EVENTS"),
        Column::number("FAILED"),
        Column::number("SECONDS"),
        Column::number("EVENTS/S"),
        Column::number("MB/S"),
    ];
    let mut row = vec![
        Cell::from(what),
        Cell::from(meter.count.to_string()),
        Cell::from(meter.failed.to_string()),
        Cell::from(format!("{seconds:.2}")),
        Cell::from(format!("{rate:.0}")),
        Cell::from(format!("{mb_rate:.2}")),
    ];
    let mut json = json!({
        "test": what,
        "events": meter.count,
        "failed": meter.failed,
        "bytes": meter.bytes,
        "seconds": seconds,
        "eventsPerSecond": rate,
        "megabytesPerSecond": mb_rate,
    });
    if has_latency {
        let percentiles = [
            ("P50 MS", 50.0),
            ("P95 MS", 95.0),
            ("P99 MS", 99.0),
            ("P99.9 MS", 99.9),
        ];
        for (header, percentile) in percentiles {
            columns.push(Column::number(header));
            row.push(Cell::from(format!("{:.2}", at(percentile))));
        }
        columns.push(Column::number("MAX MS"));
        row.push(Cell::from(format!("{max:.2}")));
        json["latencyMs"] = json!({
            "mean": histogram.mean() / 1000.0,
            "p50": at(50.0), "p90": at(90.0), "p95": at(95.0), "p99": at(99.0),
            "p999": at(99.9), "max": max,
        });
    }
    let mut table = Table::new(columns);
    table.push(what, row);
    context.output.print(&Report::new(&json, table))
}
