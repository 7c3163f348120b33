"""Every client creates, writes with every codec it has, lists offsets, and reads what all wrote."""

import json
import os
import subprocess

from . import corpus

STEP_S = 240


def run(target, clients, work, report):
    records = corpus.make()
    corpus.write(records, work / "records")
    written = {}
    for client in clients:
        written.update(write(target, client, work, report))
    for client in clients:
        check_offsets(target, client, written, records, report)
        check_reading(target, client, written, corpus.expected(records), work, report)


def write(target, client, work, report):
    """Creates a topic for each codec and fills it. Returns those that could be: topic → client."""
    codecs, failure = ask(target, client, "codecs", {})
    if failure:
        report.add(client.name, "codecs", failure)
        return {}
    order = ["none", "gzip", "snappy", "lz4", "zstd"]
    topics = {f"interop-{os.getpid()}-{client.name}-{c}": c for c in order if c in codecs}
    request = {"topics": list(topics), "partitions": corpus.PARTITIONS}
    created, failure = ask(target, client, "create", request)
    report.add(client.name, "create", failure or first(created))

    request = {"topics": topics, "partition": corpus.PARTITION, "records": str(work / "records")}
    produced, failure = ask(target, client, "produce", request)
    outcomes = {topic: failure or produced.get(topic, "no answer") for topic in topics}
    for topic, codec in topics.items():
        report.add(client.name, f"write {codec}", outcomes[topic])
    return {topic: client.name for topic in topics if outcomes[topic] is None}


def check_offsets(target, client, written, records, report):
    mine = [topic for topic, writer in written.items() if writer == client.name]
    asked, answers = corpus.timestamp_questions(records)
    request = {"topics": mine, "partition": corpus.PARTITION, "timestamps": asked}
    listed, failure = ask(target, client, "offsets", request)
    if failure or not mine:
        report.add(client.name, "offsets", failure or "nothing was written")
        return
    good = {
        "earliest": 0,
        "latest": len(records),
        "timestamps": answers,
        # The first of the two records with the largest timestamp.
        "max_timestamp": len(records) - 2,
    }
    wrong = [
        f"{topic}: {name} is {value}, not {good[name]}"
        for topic in mine
        for name, value in listed.get(topic, {"earliest": None}).items()
        if value != good[name]
    ]
    report.add(client.name, "offsets", "; ".join(wrong[:3]) or None)


def check_reading(target, client, written, expected, work, report):
    out = work / f"read-by-{client.name}"
    out.mkdir()
    topics = {topic: len(expected) for topic in written}
    request = {"topics": topics, "partition": corpus.PARTITION, "out": str(out)}
    consumed, failure = ask(target, client, "consume", request)
    for writer in dict.fromkeys(written.values()):
        theirs = [topic for topic in written if written[topic] == writer]
        problems = [failure or consumed.get(t) or compare(out / t, expected) for t in theirs]
        named = [f"{topic}: {problem}" for topic, problem in zip(theirs, problems) if problem]
        report.add(client.name, f"read {writer}'s", "; ".join(named[:3]) or None)


def compare(path, expected):
    """Says where what was read first differs from what was written."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for read, good in zip(lines, expected):
        for name, value in good.items():
            if read[name] != value:
                return f"offset {good['offset']}: {name} is {read[name]}, not {value}"
    if len(lines) != len(expected):
        return f"{len(lines)} records were read, not {len(expected)}"
    return None


def ask(target, client, step, request):
    """Runs one step of a client program: its answer, or what went wrong."""
    command = [str(part) for part in [*client.command, step, target.bootstrap]]
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, timeout=STEP_S
        )
    except subprocess.TimeoutExpired:
        return {}, f"no answer in {STEP_S} s"
    if done.returncode != 0:
        return {}, f"exit code {done.returncode}: {last_lines(done.stderr)}"
    try:
        return json.loads(done.stdout.splitlines()[-1]), None
    except (IndexError, ValueError):
        return {}, f"no JSON but: {last_lines(done.stdout + done.stderr)}"


def first(outcomes):
    return next((f"{topic}: {error}" for topic, error in outcomes.items() if error), None)


def last_lines(text):
    return " / ".join(text.strip().splitlines()[-4:])[-600:]
