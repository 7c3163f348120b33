"""Workloads about the brokers' lives: starting, idling, dying. Each starts clusters of its own, cold."""

import time

from .cluster import Cluster
from .proc import cpu_seconds
from .session import PARTITIONS, Session, session

IDLE_S = 15


def startup(tools, target):
    """One node: from its start to the first acknowledged record; again after a kill -9 under load."""
    cluster = Cluster(target, tools.work, count=1)
    one, node = Session(tools, target, cluster), cluster.nodes[0]
    try:
        row = {"start_ms": first_record(one, node)}
        time.sleep(5)
        before = cpu_seconds(node.process.pid)
        time.sleep(IDLE_S)
        row["idle_cpu_pct"] = 100 * (cpu_seconds(node.process.pid) - before) / IDLE_S
        row["rss_idle_mb"] = cluster.rss_mb()[0]
        one.load("create", topic="load", partitions=PARTITIONS, replicas=1)
        one.load("produce", topic="load", secs=5, warmup=0)
        row["rss_loaded_mb"] = cluster.rss_mb()[0]
        cluster.kill(node)
        row["restart_ms"] = first_record(one, node)
    finally:
        cluster.stop()
    return row


def idle(tools, target):
    """Three nodes that nobody asks for anything."""
    with session(tools, target) as one, one.topic():
        time.sleep(10)
        with one.profiled():
            return {"idle_cpu_pct": idle_cpu_pct(one), "rss_mb": max(one.cluster.rss_mb())}


def idle_connections(tools, target, count=10_000):
    """What a connection costs that only exists: memory of the brokers, the kernel's not counted."""
    with session(tools, target) as one, one.topic() as topic:
        one.load("connections", topic=topic, count=100, rate=1, secs=3, warmup=1)
        before = sum(one.cluster.rss_mb())
        row = one.load("connections", topic=topic, count=count, rate=0, secs=5, warmup=2)
        return {**row, "kb_per_connection": (row["rss_sum_mb"] - before) * 1e3 / count}


def metadata(count):
    """A topic with that many partitions: made, written to, idle, and a node that comes back."""

    def run(tools, target):
        with session(tools, target) as one:
            # Everybody knows everybody: what is measured is the topic, not the start of the cluster.
            with one.topic():
                pass
            with one.profiled():
                row = one.load("create", topic="wide", partitions=count, timeout=600, patience=400)
                row |= one.load("each", topic="wide", timeout=600)
            time.sleep(5)
            row["idle_cpu_pct"] = idle_cpu_pct(one)
            row["rss_mb"] = max(one.cluster.rss_mb())
            controller = one.load("who", topic="wide")["controller"]
            node = next(node for node in one.cluster.nodes if node.number != controller)
            node.process.terminate()
            node.process.wait()
            began = time.monotonic()
            one.cluster.start_node(node)
            one.cluster.await_port(node)
            one.load("ready", topic="wide", partitions=count, timeout=600, patience=400)
            row["rejoin_ms"] = (time.monotonic() - began) * 1e3
            return row

    return run


def failover(whom, session_timeout_ms=None):
    """The longest time without an acknowledgement, of any partition, after a kill -9. With a session timeout
    that is not the default, brokers that do not notice a death themselves notice it by that."""
    properties = ""
    if session_timeout_ms:
        properties = f"broker.session.timeout.ms={session_timeout_ms}\n"

    def run(tools, target):
        with session(tools, target, properties=properties) as one:
            one.load("create", topic="victim", partitions=PARTITIONS)
            one.load("produce", topic="victim", secs=5, warmup=0, batch=16_384)
            roles = one.load("who", topic="victim")
            victim = chosen(one, roles["controller"], whom)

            def kill():
                time.sleep(3)
                one.cluster.kill(victim)

            row = one.load("gap", on_start=kill, topic="victim", warmup=3, secs=25)
            return {**row, "gap_ms": max(row["gap_ms"])}

    return run


def chosen(one, controller, whom):
    """In combined mode the controller leads partitions too: its death is the death of both."""
    is_controller = whom == "controller"
    return next(n for n in one.cluster.nodes if (n.number == controller) == is_controller)


def idle_cpu_pct(one):
    before, began = one.cluster.cpu(), time.monotonic()
    time.sleep(IDLE_S)
    return 100 * (one.cluster.cpu() - before) / (time.monotonic() - began)


def first_record(one, node):
    began = time.monotonic()
    one.cluster.start_node(node)
    one.load("first", topic="first")
    return (time.monotonic() - began) * 1e3
