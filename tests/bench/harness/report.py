"""Pairs of rows into medians, ratios and their spread, as Markdown."""

import statistics

from . import floor

LABELS = {
    "cpu_s_per_gb": "broker CPU, s/GB",
    "cpu_us_per_record": "broker CPU, µs/record",
    "mb_s": "MB/s",
    "records_s": "records/s",
    "rss_mb": "memory of a broker, MB",
    "rss_idle_mb": "memory, idle, MB",
    "rss_loaded_mb": "memory, loaded, MB",
    "ack_p50_ms": "acknowledged, p50, ms",
    "ack_p99_ms": "acknowledged, p99, ms",
    "e2e_p50_ms": "end to end, p50, ms",
    "e2e_p99_ms": "end to end, p99, ms",
    "start_ms": "start to first record, ms",
    "restart_ms": "the same after kill -9, ms",
    "idle_cpu_pct": "CPU, idle, % of a core",
    "kb_per_connection": "memory of each, KB",
    "in_sync_ms": "made and in sync by metadata, ms",
    "led_ms": "made, in sync and served by the leaders, ms",
    "each_ms": "one record to each, ms",
    "rejoin_ms": "restart to in sync, ms",
    "gap_ms": "longest gap, ms",
}
# Fewer are a first look, not a result.
PAIRS_MIN = 5


def pairs(rows, workload):
    """Rows of Kafka and Raudal that were taken one after the other."""
    mine = [row for row in rows if row["workload"] == workload and "error" not in row]
    by_pair = {}
    for row in mine:
        by_pair.setdefault(row["pair"], {})[row["target"]] = row
    return [pair for pair in by_pair.values() if {"kafka", "raudal"} <= pair.keys()]


def compare(rows, workloads):
    """One line for each figure of each workload."""
    lines = []
    for workload in workloads:
        found = pairs(rows, workload.name)
        for figure, bar in workload.figures.items():
            both = [(pair["kafka"].get(figure), pair["raudal"].get(figure)) for pair in found]
            both = [(theirs, ours) for theirs, ours in both if theirs and ours is not None]
            if both:
                lines.append({
                    "workload": workload.name,
                    "figure": figure,
                    "kafka": [theirs for theirs, _ in both],
                    "raudal": [ours for _, ours in both],
                    "ratio": [ours / theirs for theirs, ours in both],
                    "bar": bar,
                })
    return lines


def table(lines):
    out = [
        "| workload | figure | Kafka | Raudal | ratio | must | aim | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    before = None
    for line in lines:
        name = "" if line["workload"] == before else line["workload"]
        before = line["workload"]
        cells = [name, LABELS.get(line["figure"], line["figure"])]
        cells += [spread(line["kafka"]), spread(line["raudal"]), spread(line["ratio"], ratio)]
        cells += judged(line)
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def judged(line):
    """What must be, what shall be, and what is."""
    bar = line["bar"]
    count = len(line["ratio"])
    few = "" if count >= PAIRS_MIN else f" (n = {count})"
    if bar is None:
        return ["", "", few.strip()]
    sign = "≤" if bar.sign == "<=" else "≥"
    median = statistics.median(line["ratio"])
    verdict = "**short**"
    if bar.reaches(median, bar.must):
        verdict = "aim" if bar.reaches(median, bar.aim) else "must"
    return [f"{sign} {ratio(bar.must)}", f"{sign} {ratio(bar.aim)}", verdict + few]


def spread(values, how=None):
    """Median, and in brackets the least and the most."""
    how = how or number
    median = how(statistics.median(values))
    return f"{median} ({how(min(values))}–{how(max(values))})" if len(values) > 1 else median


def ratio(value):
    """Small ones as one of so many."""
    return f"1/{number(1 / value)}" if 0 < value <= 0.5 else number(value)


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2g}" if abs(value) < 10 and value == round(value, 1) else f"{value:.3g}"


def distances(lines, calibration):
    """How far from the floor: measured CPU per byte over the least possible."""
    least = floor.of(calibration)
    out = ["| distance to the floor | Kafka | Raudal |", "|---|---|---|"]
    for line in lines:
        if line["figure"] == "cpu_s_per_gb" and not line["workload"].endswith(("lz4", "zstd")):
            per_gb = least["consume" if line["workload"] == "consume" else "produce"]
            both = (statistics.median(line[side]) / per_gb for side in ("kafka", "raudal"))
            out.append(f"| {line['workload']} | {' | '.join(map(number, both))} |")
    return "\n".join(out) if len(out) > 2 else ""


def errors(rows):
    """What was tried and failed, and is in no median."""
    failed = [row for row in rows if "error" in row]
    return "\n".join(
        f"failed: {row['target']}, {row['workload']}: {row['error'].strip()[:300]}" for row in failed
    )
