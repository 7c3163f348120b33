"""One life of a cluster: what workloads need at hand, and the warming up that comes first."""

import contextlib
import dataclasses
import itertools
import os
import pathlib
import time

from . import cluster as clusters
from . import memory, profile, window

# Of a topic, where a workload is not about how many there are.
PARTITIONS = 12
DELETED_AFTER_S = 10


@dataclasses.dataclass
class Tools:
    load: pathlib.Path
    kafka: object
    # The librdkafka client, if the library is installed.
    librdkafka: pathlib.Path | None
    work: pathlib.Path
    seconds: float
    memory: memory.Memory
    # Who looks where the CPU time goes, if that was asked for.
    profiler: profile.Profiler | None = None


@dataclasses.dataclass
class Session:
    tools: Tools
    target: object
    cluster: clusters.Cluster
    numbers: itertools.count = dataclasses.field(default_factory=itertools.count)

    def load(self, kind, profiled=False, **arguments):
        return window.load(self.tools.load, self.window(profiled), kind, **arguments)

    def window(self, profiled=True):
        return window.Window(self.cluster, self.tools.profiler if profiled else None)

    @contextlib.contextmanager
    def profiled(self):
        """What is not measured by the load generator's marks."""
        if self.tools.profiler is None:
            yield
            return
        with self.tools.profiler.over(self.cluster.pids()):
            yield

    @contextlib.contextmanager
    def topic(self, partitions=PARTITIONS, replicas=3, **more):
        """A fresh topic, ready everywhere; gone afterwards, and what was written is on the disk."""
        name = f"bench-{next(self.numbers)}"
        self.load("create", topic=name, partitions=partitions, replicas=replicas, **more)
        try:
            yield name
        except BaseException:
            # What went wrong is told, not what followed from it.
            with contextlib.suppress(RuntimeError):
                self.load("delete", topic=name)
            raise
        self.load("delete", topic=name)
        self.await_deleted(name)
        os.sync()

    def await_deleted(self, name):
        """Its files are gone a moment after the topic is."""
        deadline = time.monotonic() + DELETED_AFTER_S
        while time.monotonic() < deadline and any(self.cluster.folder.glob(f"*/data/{name}-*")):
            time.sleep(0.1)

    def measure(self, kind, partitions=PARTITIONS, topic=None, **arguments):
        """The load on a topic of its own, which is made with the arguments of `topic`."""
        with self.topic(partitions, **(topic or {})) as name:
            arguments |= {"topic": name, "secs": self.tools.seconds, "warmup": 2}
            return self.load(kind, profiled=True, **arguments)

    def warm(self):
        """Every kind of load for its share of the target's time."""
        kinds = [
            ("produce", {"size": 1024, "batch": 65_536}),
            ("consume", {}),
            ("produce", {"size": 100, "batch": 16_384, "connections": 2}),
            ("produce", {"size": 1024, "batch": 0, "connections": 4}),
            ("latency", {"rate": 1000}),
            ("produce", {"size": 1024, "batch": 65_536, "compression": "zstd"}),
        ]
        share = self.target.warm_s / len(kinds)
        with self.topic() as topic:
            for kind, arguments in kinds:
                if kind == "latency":
                    continue
                self.load(kind, topic=topic, secs=share, warmup=0, **arguments)
        with self.topic() as topic:
            self.load("latency", topic=topic, secs=share, warmup=0, rate=1000)


@contextlib.contextmanager
def session(tools, target, count=3, properties=""):
    with clusters.running(target, tools.work, count, properties) as cluster:
        one = Session(tools, target, cluster)
        yield one
