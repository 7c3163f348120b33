"""The workloads, by the names of the table in docs/performance.md.

A workload gives one row of figures. Those that only load a warm cluster share its life; the others start
clusters of their own.
"""

import dataclasses
from typing import Callable

from . import clients, lives
from .session import PARTITIONS

COST, SPEED = "cpu_s_per_gb", "mb_s"
PER_RECORD, RATE = "cpu_us_per_record", "records_s"


@dataclasses.dataclass(frozen=True)
class Bar:
    """What the ratio Raudal / Kafka must reach, and what it shall reach: at most ("<="), or at least."""

    sign: str
    must: float
    aim: float

    def reaches(self, ratio, bar):
        return ratio <= bar if self.sign == "<=" else ratio >= bar


@dataclasses.dataclass
class Workload:
    name: str
    # What is compared, and the bar; `None`: told, not judged.
    figures: dict
    run: Callable
    # Starts its own clusters: called with tools and target instead of a session.
    own_life: bool = False
    # A client that may be missing.
    needs_librdkafka: bool = False
    # Seconds it takes besides the window: Kafka, Raudal. For the estimate of the first pair.
    takes_s: tuple = (4, 4)


def at_most(must, aim):
    return Bar("<=", must, aim)


def at_least(must, aim):
    return Bar(">=", must, aim)


def raw(partitions=PARTITIONS, topic=None, **arguments):
    return lambda session: session.measure("produce", partitions, topic, **arguments)


def latency(rate):
    return lambda session: session.measure("latency", rate=rate)


def connections(count, rate):
    return lambda session: session.measure("connections", count=count, rate=rate, size=256)


def consume(session):
    """Twelve partitions from their first offset on, out of the page cache."""
    with session.topic() as topic:
        session.load("produce", topic=topic, secs=5, warmup=0, size=1024, batch=65_536)
        seconds = session.tools.seconds
        return session.load("consume", profiled=True, topic=topic, secs=seconds, warmup=1)


def own_life(name, figures, run, kafka_s, raudal_s):
    return Workload(name, figures, run, own_life=True, takes_s=(kafka_s, raudal_s))


HALF, THIRD, QUARTER, FIFTH, TENTH = (1 / part for part in (2, 3, 4, 5, 10))
# Of most figures that have nothing to do with bytes.
LIFE = at_most(TENTH, 1 / 30)
GAP = at_most(TENTH, 1 / 25)

ALL = [
    Workload("produce_rf3_all_1KiB",
             {COST: at_most(HALF, 1 / 2.8), SPEED: at_least(1.1, 1.3), "rss_mb": at_most(TENTH, 1 / 25)},
             clients.librdkafka(size=1024), needs_librdkafka=True, takes_s=(6, 6)),
    Workload("produce_rf3_all_100B", {COST: at_most(1 / 3.5, FIFTH), SPEED: at_least(2, 3)},
             clients.librdkafka(size=100), needs_librdkafka=True, takes_s=(6, 5)),
    Workload("produce_rf3_all_64KB", {COST: at_most(1 / 3.5, 1 / 6), SPEED: None},
             clients.librdkafka(size=1024, batch=65_536), needs_librdkafka=True, takes_s=(6, 5)),
    # These two send a number of records, however long it takes.
    Workload("java_perf_tuned", {COST: at_most(HALF, 1 / 2.8), SPEED: None},
             clients.java_perf(1_500_000, "linger.ms=5", "batch.size=262144",
                               "buffer.memory=67108864"), takes_s=(18, 10)),
    Workload("java_perf_default", {COST: at_most(QUARTER, 1 / 8), SPEED: None},
             clients.java_perf(600_000), takes_s=(16, 8)),
    Workload("raw_produce_64KiB", {COST: at_most(THIRD, 1 / 6), SPEED: None},
             raw(size=1024, batch=65_536)),
    Workload("raw_produce_16KiB", {COST: at_most(THIRD, 1 / 6), SPEED: None},
             raw(size=100, batch=16_384, connections=4)),
    Workload("raw_produce_1MiB", {COST: at_most(0.8, HALF), SPEED: None},
             raw(size=1024, batch=1 << 20, inflight=2)),
    Workload("raw_produce_lz4", {COST: at_most(QUARTER, 1 / 8), SPEED: None},
             raw(size=1024, batch=65_536, compression="lz4")),
    Workload("raw_produce_zstd", {COST: at_most(QUARTER, 1 / 8), SPEED: None},
             raw(size=1024, batch=65_536, compression="zstd")),
    # Every batch is on the disk of whoever appended it before it counts. Many connections, because Kafka serves one
    # request of a connection at a time.
    Workload("durable", {SPEED: at_least(5, 10), "ack_p50_ms": None, COST: None},
             raw(partitions=100, topic={"configs": "flush.messages=1"}, size=1024, batch=16_384,
                 connections=16), takes_s=(8, 8)),
    Workload("single_records", {PER_RECORD: at_most(FIFTH, 1 / 12), RATE: None},
             raw(size=1024, batch=0, connections=4)),
    Workload("one_connection", {RATE: at_least(2, 4), PER_RECORD: None},
             raw(partitions=1, size=1024, batch=16_384)),
    Workload("conns_200", {PER_RECORD: at_most(FIFTH, 1 / 12), "ack_p99_ms": None},
             connections(200, 10)),
    Workload("conns_1000", {PER_RECORD: at_most(FIFTH, 1 / 12), "ack_p99_ms": None},
             connections(1000, 2)),
    Workload("e2e_1k",
             {"ack_p50_ms": at_most(HALF, QUARTER), "ack_p99_ms": at_most(THIRD, 1 / 6),
              "e2e_p50_ms": at_most(HALF, QUARTER), "e2e_p99_ms": at_most(THIRD, 1 / 6)},
             latency(1000)),
    Workload("e2e_10k",
             {"ack_p50_ms": at_most(FIFTH, 1 / 15), "ack_p99_ms": at_most(FIFTH, 1 / 15),
              "e2e_p50_ms": at_most(FIFTH, 1 / 15), "e2e_p99_ms": at_most(FIFTH, 1 / 15)},
             latency(10_000)),
    Workload("consume", {COST: at_most(1.1, 0.8), SPEED: at_least(1, 1.2)}, consume, takes_s=(9, 9)),
    own_life("startup",
             {"start_ms": at_most(1 / 20, 1 / 50), "restart_ms": at_most(1 / 20, 1 / 50),
              "rss_idle_mb": at_most(TENTH, 1 / 25), "rss_loaded_mb": at_most(TENTH, 1 / 25)},
             lives.startup, 43, 28),
    own_life("idle3", {"idle_cpu_pct": LIFE, "rss_mb": at_most(TENTH, 1 / 25)}, lives.idle, 44, 30),
    own_life("idle_connections", {"kb_per_connection": at_most(TENTH, 1 / 20)},
             lives.idle_connections, 43, 25),
    own_life("metadata_1000",
             {"in_sync_ms": LIFE, "led_ms": LIFE, "each_ms": LIFE, "idle_cpu_pct": LIFE,
              "rejoin_ms": LIFE},
             lives.metadata(1000), 83, 30),
    own_life("metadata_10000",
             {"in_sync_ms": LIFE, "led_ms": LIFE, "each_ms": LIFE, "idle_cpu_pct": LIFE,
              "rejoin_ms": LIFE},
             lives.metadata(10_000), 200, 60),
    own_life("failover_leader", {"gap_ms": GAP}, lives.failover("leader"), 51, 40),
    # In combined mode the controller leads a third of the partitions as well.
    own_life("failover_controller", {"gap_ms": GAP}, lives.failover("controller"), 55, 40),
    own_life("failover_leader_3s", {"gap_ms": GAP}, lives.failover("leader", 3000), 51, 40),
    own_life("failover_controller_3s", {"gap_ms": GAP}, lives.failover("controller", 3000), 55, 40),
]
BY_NAME = {workload.name: workload for workload in ALL}
QUICK = ["raw_produce_64KiB", "single_records", "e2e_1k", "consume"]
