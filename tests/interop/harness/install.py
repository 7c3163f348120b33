"""Brings the clients into a cache folder, once. Each is pinned; a change of its files installs it anew."""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess

PYTHON_PACKAGES = {
    "librdkafka": ["confluent-kafka==2.16.1"],
    "kafka-python": [
        "kafka-python==3.0.12",
        "lz4==4.4.5",
        "python-snappy==0.7.3",
        "zstandard==0.25.0",
    ],
}
# Short-lived programs on few cores: skip the optimising compiler, use one collector thread.
JVM_OPTIONS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m"]


@dataclasses.dataclass
class Client:
    """A client program: what to put before `STEP BOOTSTRAP`."""

    name: str
    command: list


@dataclasses.dataclass
class Installed:
    clients: list
    java: list
    kafka_libs: pathlib.Path


def everything(root, here, cache):
    cache.mkdir(parents=True, exist_ok=True)
    sources = here / "clients"
    libs = kafka_libs(root)
    log4j = here / "harness" / "log4j.properties"
    java = ["java", *JVM_OPTIONS, f"-Dlog4j.configuration=file:{log4j}"]
    clients = [
        java_client(java, libs, sources / "java", cache / "java"),
        python_client("librdkafka", sources, cache),
        go_client(sources / "franz-go", cache / "franz-go"),
        node_client(sources / "kafkajs", cache / "kafkajs"),
        python_client("kafka-python", sources, cache),
    ]
    return Installed(clients, [*java, "-cp", f"{libs}/*"], libs)


def kafka_libs(root):
    """Kafka's jars: those of KAFKA_LIBS, else fetched as for the other tests."""
    given = os.environ.get("KAFKA_LIBS")
    if given:
        return pathlib.Path(given)
    found = run([root / "tests" / "tools", "kafka-libs"], stdout=subprocess.PIPE).stdout
    return pathlib.Path(found.decode().strip().splitlines()[-1])


def java_client(java, libs, source, target):
    if is_stale(source, target):
        run(["javac", "-cp", f"{libs}/*", "-d", target, *source.glob("*.java")])
        done(source, target)
    return Client("java", [*java, "-cp", f"{target}:{libs}/*", "Client"])


def python_client(name, sources, cache):
    source, target = sources / name, cache / name
    packages = PYTHON_PACKAGES[name]
    if is_stale(source, target, packages):
        run(["python3", "-m", "venv", target])
        pip = [target / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, *packages])
        done(source, target, packages)
    return Client(name, [target / "bin" / "python", source / "client.py"])


def go_client(source, target):
    if is_stale(source, target):
        run(["go", "build", "-o", target / "client", "."], cwd=source)
        done(source, target)
    return Client("franz-go", [target / "client"])


def node_client(source, target):
    if is_stale(source, target):
        for path in [source / "package.json", *source.glob("*.js")]:
            shutil.copy(path, target / path.name)
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"]
        run(npm, cwd=target)
        done(source, target)
    return Client("kafkajs", ["node", target / "client.js"])


def is_stale(source, target, packages=()):
    """Whether `target` must be made; then it is there, and empty."""
    mark = target / "installed"
    if mark.is_file() and mark.read_text() == fingerprint(source, packages):
        return False
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    return True


def done(source, target, packages=()):
    (target / "installed").write_text(fingerprint(source, packages))


def fingerprint(source, packages):
    digest = hashlib.sha256(repr((str(source), packages)).encode())
    for path in sorted(source.iterdir()):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def run(command, **options):
    return subprocess.run([str(part) for part in command], check=True, **options)
