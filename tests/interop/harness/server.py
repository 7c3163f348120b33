"""Starts a fresh server for the run, or takes one that is there."""

import contextlib
import dataclasses
import os
import pathlib
import socket
import subprocess
import tempfile
import time

START_S = 60
STOP_S = 20

PROPERTIES = """\
process.roles=broker,controller
node.id={node_id}
controller.quorum.voters={node_id}@127.0.0.1:{control_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


@dataclasses.dataclass
class Target:
    bootstrap: str
    # The server's log directory, if it is ours to look into.
    data: pathlib.Path | None = None


def folder(options):
    """Where the server and the run keep their files: temporary, unless somebody wants to look."""
    if options.keep is None:
        return tempfile.TemporaryDirectory(prefix="raudal-interop-")
    os.makedirs(options.keep)
    return contextlib.nullcontext(os.path.abspath(options.keep))


@contextlib.contextmanager
def running(options, root, work, kafka_libs, node_id=1, more=""):
    if options.bootstrap:
        yield Target(options.bootstrap)
        return
    port, control_port = free_port(), free_port()
    data = work / "data"
    properties = work / "server.properties"
    text = PROPERTIES.format(node_id=node_id, port=port, control_port=control_port, data=data)
    properties.write_text(text + more)
    command = kafka(kafka_libs, properties) if options.kafka else raudal(options, root, properties)
    log = open(work / "server.log", "wb")
    # KAFKA_* would be read as settings.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, cwd=work, env=clean
    )
    try:
        await_port(process, port, work / "server.log")
        yield Target(f"127.0.0.1:{port}", data)
        stop(process)
    finally:
        process.kill()
        process.wait()
        log.close()


def raudal(options, root, properties):
    binary = pathlib.Path(options.binary or root / "target" / "release" / "raudal").resolve()
    if not binary.is_file():
        raise SystemExit(f"{binary} is missing: run `make build`, or name one with --binary")
    return [str(binary), str(properties)]


def kafka(libs, properties):
    java = ["java", "-Xmx512m", "-cp", f"{libs}/*"]
    storage = [*java, "kafka.tools.StorageTool"]
    cluster_id = subprocess.check_output([*storage, "random-uuid"], text=True).split()[-1]
    subprocess.run(
        [*storage, "format", "-t", cluster_id, "-c", str(properties)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return [*java, "kafka.Kafka", str(properties)]


def await_port(process, port, log):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    tail = log.read_text(errors="replace")[-3000:]
    raise SystemExit(f"the server did not start (exit code {process.poll()}):\n{tail}")


def stop(process):
    """The clean way; a server that cannot is reported by the exception."""
    if process.poll() is not None:
        raise SystemExit(f"the server ended by itself with exit code {process.returncode}")
    process.terminate()
    process.wait(STOP_S)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
