"""Three nodes (or one) of a target on loopback: start, stop, kill, and what they use."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from . import proc

START_S = 120
STOP_S = 60

# The same for both, so that nothing but the server differs.
PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
# A deleted topic gives its space back before the next workload begins.
log.segment.delete.delay.ms=1000
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={min_isr}
offsets.topic.replication.factor={replicas}
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={min_isr}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={min_isr}
"""


@dataclasses.dataclass
class Node:
    number: int
    port: int
    control_port: int
    folder: pathlib.Path
    process: subprocess.Popen | None = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class Cluster:
    """Nodes of one target. Ports are free ones; data lives in a folder of its own, which is wiped at the end."""

    def __init__(self, target, work, count=3, properties=""):
        self.target, self.properties = target, properties
        self.folder = fresh_folder(work, target.name)
        ports = free_ports(2 * count)
        self.nodes = [
            Node(i + 1, ports[2 * i], ports[2 * i + 1], self.folder / f"node{i + 1}")
            for i in range(count)
        ]
        for node in self.nodes:
            (node.folder / "data").mkdir(parents=True)
            self.configuration(node).write_text(self.text(node))
            target.format(node, self.configuration(node))

    def configuration(self, node):
        return node.folder / "server.properties"

    def text(self, node):
        count = len(self.nodes)
        voters = (f"{one.number}@127.0.0.1:{one.control_port}" for one in self.nodes)
        return self.properties + PROPERTIES.format(
            node=node.number,
            port=node.port,
            control_port=node.control_port,
            voters=",".join(voters),
            data=node.folder / "data",
            replicas=min(3, count),
            min_isr=2 if count >= 3 else 1,
        )

    def start(self):
        for node in self.nodes:
            self.start_node(node)
        for node in self.nodes:
            self.await_port(node)

    def start_node(self, node):
        with open(node.folder / "server.log", "ab") as log:
            node.process = subprocess.Popen(
                self.target.command(node, self.configuration(node)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=node.folder,
                env=self.target.environment(),
                start_new_session=True,
            )

    def await_port(self, node):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and node.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", node.port), 1):
                return
            time.sleep(0.02)
        tail = (node.folder / "server.log").read_text(errors="replace")[-3000:]
        raise RuntimeError(f"node {node.number} of {self.target.name} did not start:\n{tail}")

    def stop(self, wipe=True):
        running = [node for node in self.nodes if node.process and node.process.poll() is None]
        for node in running:
            node.process.terminate()
        for node in running:
            try:
                node.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                node.process.kill()
                node.process.wait()
        if wipe:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, node):
        node.process.kill()
        node.process.wait()

    @property
    def bootstrap(self):
        return ",".join(node.address for node in self.nodes)

    def pids(self):
        return [node.process.pid for node in self.nodes if node.process.poll() is None]

    def cpu(self):
        return sum(proc.cpu_seconds(pid) for pid in self.pids())

    def rss_mb(self):
        return [round(proc.rss_bytes(pid) / 1e6, 1) for pid in self.pids()]


@contextlib.contextmanager
def running(target, work, count=3, properties=""):
    cluster = Cluster(target, work, count, properties)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def fresh_folder(work, name):
    """A folder with a name that was never used, in another part of the disk than the last one.

    ext4 without a journal looks at every inode that was deleted nearby in the last minutes before it makes a file: where
    a cluster was wiped, a file costs up to 30 times as much. `+T` spreads the folders in `work`, by their names.
    """
    if shutil.which("chattr"):
        subprocess.run(["chattr", "+T", work], stderr=subprocess.DEVNULL, check=False)
    for left in work.glob(f"{name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work))


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def clean_environment():
    """Variables that a server would read as settings are left out."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("KAFKA_", "RAUDAL_"))}
