"""Clients that are not ours, for what a user gets: librdkafka and Kafka's ProducerPerformance."""

import pathlib
import re
import shutil
import subprocess

from . import window
from .session import PARTITIONS

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "clients" / "librdkafka.c"


def build_librdkafka(folder):
    """The client's binary; `None` where the library or a C compiler is missing."""
    if not shutil.which("cc") or not shutil.which("pkg-config"):
        return None
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "rdkafka"], capture_output=True, text=True
    )
    if flags.returncode:
        return None
    binary = folder / "librdkafka-load"
    command = ["cc", "-O2", "-Wall", "-o", binary, SOURCE, *flags.stdout.split()]
    subprocess.run(command, check=True)
    return binary


def librdkafka(size, batch=1_000_000):
    """Saturating, acks=all, linger 5 ms, partitions in turns."""

    def run(session):
        with session.topic() as topic:
            seconds = int(session.tools.seconds)
            arguments = [session.cluster.bootstrap, topic, PARTITIONS, size, batch, 3, seconds]
            command = [str(session.tools.librdkafka), *map(str, arguments)]
            return window.run(command, session.window())

    return run


SUMMARY = re.compile(
    r"([\d.]+) records sent, ([\d.]+) records/sec .* ([\d.]+) ms avg latency, .* (\d+) ms 99th"
)


def java_perf(count, *settings):
    """ProducerPerformance, 1 KiB records, twelve partitions. Its start and end are in the window too, when the
    brokers rest: CPU per byte is right, MB/s is what the tool itself says."""

    def run(session):
        with session.topic() as topic:
            seen = session.window()
            seen.open()
            output = session.tools.kafka.tool(
                "org.apache.kafka.tools.ProducerPerformance",
                "--topic", topic, "--num-records", count, "--record-size", 1024,
                "--throughput", -1, "--producer-props",
                f"bootstrap.servers={session.cluster.bootstrap}", "acks=all", *settings,
            )
            seen.close()
        last = SUMMARY.findall(output)[-1]
        seconds = count / float(last[1])
        measured = {"secs": seconds, "records": count, "bytes": count * 1024}
        return {**window.figures(measured, seen.result), "ack_p99_ms": float(last[3])}

    return run
