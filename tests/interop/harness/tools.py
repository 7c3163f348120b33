"""Kafka's own command line tools, as people type them, and its look into the server's files."""

import os
import subprocess

TOOL_S = 60
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
RETENTION_MS = "86400001"
# As the console producer reads and the console consumer prints them: headers, key, value.
LINES = [
    "trace:aé,again:b\tclave-ñ\tvalor-🦀",
    "NULL\tno headers\tplain",
    "NULL\tno value\tNULL",
    "NULL\tNULL\tno key",
    "h:1\t\t",
    *(f"i:{i}\tkey {i}\t{'x' * i}" for i in range(100)),
    "NULL\tlarge\t" + "0123456789abcdef" * 50_000,
]
PERF_COUNT = 20_000


class Tools:
    """Runs the tools and keeps the topic that they work on."""

    def __init__(self, target, java, report):
        self.target = target
        self.java = java
        self.report = report
        self.topic = f"interop-{os.getpid()}-tools"

    def call(self, main_class, *arguments, stdin="", server=True):
        """Runs a tool; returns what it prints. A failure is an exception with the reason."""
        where = ["--bootstrap-server", self.target.bootstrap] if server else []
        done = subprocess.run(
            [*self.java, main_class, *where, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TOOL_S,
        )
        if done.returncode != 0:
            raise Problem(f"exit code {done.returncode}: {done.stdout[-300:]} {done.stderr[-300:]}")
        return done.stdout

    def topics(self, *arguments):
        return self.call("org.apache.kafka.tools.TopicCommand", *arguments)

    def configs(self, *arguments):
        return self.call("kafka.admin.ConfigCommand", *arguments)

    def offsets(self, topic, time):
        """Offset of partition 0."""
        name = "org.apache.kafka.tools.GetOffsetShell"
        printed = self.call(name, "--topic-partitions", f"{topic}:0", "--time", str(time))
        return printed.strip()

    def codec_topic(self, codec):
        return f"{self.topic}-{codec}"


class Problem(Exception):
    """A tool failed, or said something else than it should."""


def run(target, java, work, report):
    tools = Tools(target, java, report)
    step(tools, "kafka-topics", create_list_describe)
    step(tools, "kafka-topics", add_partitions)
    step(tools, "kafka-configs", topic_configs)
    step(tools, "kafka-configs", broker_configs)
    for codec in CODECS:
        step(tools, "console", produce, codec)
        step(tools, "console", consume, codec)
    step(tools, "kafka-get-offsets", get_offsets)
    step(tools, "kafka-producer-perf-test", fill)
    step(tools, "kafka-delete-records", delete_records, work)
    step(tools, "kafka-log-dirs", log_dirs)
    step(tools, "kafka-topics", delete)


def run_on_files(target, java, report):
    """What the server, now stopped, left on the disk."""
    tools = Tools(target, java, report)
    step(tools, "kafka-dump-log", dump_records)
    step(tools, "kafka-dump-log", check_indexes)


def step(tools, name, action, *arguments):
    label = " ".join([action.__name__.replace("_", " "), *(a for a in arguments if a in CODECS)])
    try:
        action(tools, *arguments)
    except subprocess.TimeoutExpired:
        tools.report.add(name, label, f"not done in {TOOL_S} s")
    except Problem as problem:
        tools.report.add(name, label, str(problem))
    else:
        tools.report.add(name, label, None)


def create_list_describe(tools):
    shape = ["--partitions", "2", "--replication-factor", "1"]
    tools.topics("--create", "--topic", tools.topic, *shape, "--config", "segment.bytes=1048576")
    expect(tools.topics("--list"), tools.topic)
    described = tools.topics("--describe", "--topic", tools.topic)
    expect(described, "PartitionCount: 2", "segment.bytes=1048576", "Leader: ", "Isr: ")


def add_partitions(tools):
    tools.topics("--alter", "--topic", tools.topic, "--partitions", "3")
    expect(tools.topics("--describe", "--topic", tools.topic), "PartitionCount: 3")


def topic_configs(tools):
    entity = ["--entity-type", "topics", "--entity-name", tools.topic]
    tools.configs("--alter", *entity, "--add-config", f"retention.ms={RETENTION_MS}")
    described = tools.configs("--describe", *entity)
    expect(described, f"retention.ms={RETENTION_MS}", f"DYNAMIC_TOPIC_CONFIG:retention.ms={RETENTION_MS}")
    tools.configs("--alter", *entity, "--delete-config", "retention.ms")
    if "retention.ms=" in tools.configs("--describe", *entity):
        raise Problem("a deleted config is still described")
    expect(tools.configs("--describe", "--all", *entity), "retention.ms=604800000", "cleanup.policy=delete")


def broker_configs(tools):
    default = ["--entity-type", "brokers", "--entity-default"]
    tools.configs("--alter", *default, "--add-config", "log.cleaner.threads=2")
    expect(tools.configs("--describe", *default), "log.cleaner.threads=2")
    tools.configs("--alter", *default, "--delete-config", "log.cleaner.threads")
    one = ["--entity-type", "brokers", "--entity-name", "1"]
    expect(tools.configs("--describe", "--all", *one), "log.retention.hours=168", "node.id=1")


def produce(tools, codec):
    topic = tools.codec_topic(codec)
    tools.topics("--create", "--topic", topic, "--partitions", "1")
    reader = ["parse.key=true", "parse.headers=true", "null.marker=NULL"]
    printed = tools.call(
        "org.apache.kafka.tools.ConsoleProducer",
        *("--topic", topic, "--compression-codec", codec),
        *spread("--reader-property", reader),
        stdin="".join(line + "\n" for line in LINES),
    )
    if "rror" in printed:
        raise Problem(printed[-300:])


def consume(tools, codec):
    """With `--partition` and `--offset`, which need no consumer group."""
    formatter = ["print.headers=true", "print.key=true", "null.literal=NULL"]
    printed = tools.call(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--topic", tools.codec_topic(codec), "--partition", "0", "--offset", "earliest"),
        *("--max-messages", str(len(LINES)), "--timeout-ms", "15000"),
        *spread("--formatter-property", formatter),
    )
    read = printed.replace("NO_HEADERS\t", "NULL\t").splitlines()
    for number, (line, good) in enumerate(zip(read, LINES)):
        if line != good:
            raise Problem(f"record {number} is {line[:80]!r}, not {good[:80]!r}")
    if len(read) != len(LINES):
        raise Problem(f"{len(read)} records were read, not {len(LINES)}")


def get_offsets(tools):
    topic, count = tools.codec_topic("zstd"), len(LINES)
    for time, good in [("earliest", 0), ("latest", count), (1, 0), ("max-timestamp", None)]:
        printed = tools.offsets(topic, time)
        if good is None:
            good = printed.rsplit(":", 1)[-1]
            if not good.isdigit() or int(good) >= count:
                raise Problem(f"{time}: {printed}")
        if printed != f"{topic}:0:{good}":
            raise Problem(f"{time}: {printed!r}")


def fill(tools):
    """Many small batches: several segments, and indexes with entries."""
    printed = tools.call(
        "org.apache.kafka.tools.ProducerPerformance",
        *("--topic", tools.topic, "--num-records", str(PERF_COUNT), "--record-size", "200"),
        *("--throughput", "-1", "--command-property", "batch.size=1000", "linger.ms=0"),
    )
    expect(printed, f"{PERF_COUNT} records sent")


def delete_records(tools, work):
    path = work / "delete-records.json"
    path.write_text(
        '{"version": 1, "partitions": [{"topic": "%s", "partition": 0, "offset": 7}]}'
        % tools.codec_topic("none")
    )
    name = "org.apache.kafka.tools.DeleteRecordsCommand"
    expect(tools.call(name, "--offset-json-file", str(path)), "low_watermark: 7")
    topic = tools.codec_topic("none")
    expect(tools.offsets(topic, "earliest"), f"{topic}:0:7")


def log_dirs(tools):
    name = "org.apache.kafka.tools.LogDirsCommand"
    printed = tools.call(name, "--describe", "--topic-list", tools.codec_topic("gzip"))
    expect(printed, f'"partition":"{tools.codec_topic("gzip")}-0"', '"error":null', '"offsetLag":0')


def dump_records(tools):
    """Every segment that clients and tools filled, record by record."""
    paths = files(tools, "log")
    printed = dump(tools, paths, "--deep-iteration", "--print-data-log")
    if printed.count("Dumping ") != len(paths):
        raise Problem("not every segment was dumped")
    records = printed.count("| offset: ")
    if records < PERF_COUNT:
        raise Problem(f"{records} records were found, fewer than were written")


def check_indexes(tools):
    for kind in ("index", "timeindex"):
        paths = files(tools, kind)
        if not any(path.stat().st_size for path in paths):
            raise Problem(f"every .{kind} is empty")
        dump(tools, paths, "--index-sanity-check")
        dump(tools, paths, "--verify-index-only")


def dump(tools, paths, *options):
    names = ",".join(str(path) for path in paths)
    name = "org.apache.kafka.tools.DumpLogSegments"
    printed = tools.call(name, *options, "--files", names, server=False)
    for bad in ("isvalid: false", "Found timestamp mismatch", "Found out of order", "Mismatches in", "invalid bytes"):
        if bad in printed:
            raise Problem(printed[printed.index(bad) :][:300])
    return printed


def files(tools, suffix):
    """Of topics that are not deleted; a folder on its way out is called `…-delete`."""
    found = sorted(tools.target.data.glob(f"interop-*-[0-9]/*.{suffix}"))
    if not found:
        raise Problem(f"no .{suffix} file in {tools.target.data}")
    return found


def delete(tools):
    topic = tools.codec_topic("none")
    tools.topics("--delete", "--topic", topic)
    if topic in tools.topics("--list").splitlines():
        raise Problem("a deleted topic is still listed")


def expect(printed, *parts):
    for part in parts:
        if part not in printed:
            raise Problem(f"{part!r} is not in: {printed[-400:]}")


def spread(option, values):
    return [word for value in values for word in (option, value)]
