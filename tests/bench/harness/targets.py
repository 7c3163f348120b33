"""What is measured: Raudal's release binary, and Apache Kafka as its own scripts start it."""

import dataclasses
import pathlib
import subprocess

from .cluster import clean_environment

# What kafka-server-start.sh passes.
KAFKA_JVM = [
    "-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
]
CLUSTER_ID = "J7s9e8PPTKOO47PxzI39VA"
LOG4J = pathlib.Path(__file__).resolve().parent / "log4j.properties"


@dataclasses.dataclass
class Raudal:
    binary: pathlib.Path
    name: str = "raudal"
    # Nothing is compiled while it runs; caches and pools fill in a moment.
    warm_s: float = 5

    def format(self, node, configuration):
        pass

    def command(self, node, configuration):
        return [str(self.binary), str(configuration)]

    def environment(self):
        return clean_environment()


@dataclasses.dataclass
class Kafka:
    libs: pathlib.Path
    name: str = "kafka"
    # A JVM that is not warm takes twice the CPU: a comparison with one is not a result.
    warm_s: float = 75

    def format(self, node, configuration):
        self.tool("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", configuration)

    def command(self, node, configuration):
        java = ["java", *KAFKA_JVM, f"-Dlog4j.configuration=file:{LOG4J}"]
        return [*java, "-cp", f"{self.libs}/*", "kafka.Kafka", str(configuration)]

    def environment(self):
        return clean_environment()

    def tool(self, name, *arguments):
        """Runs one of Kafka's programs; its output."""
        java = ["java", "-Xmx512M", f"-Dlog4j.configuration=file:{LOG4J}", "-cp", f"{self.libs}/*"]
        command = [*java, name, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout
