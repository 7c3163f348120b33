"""Kafka's own tools for groups: the console consumer, what it makes of `__consumer_offsets`, and
`kafka-consumer-groups`."""

from .tools import Tools, Problem, expect, step

GROUP_COMMAND = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
FORMATTERS = "org.apache.kafka.tools.consumer"
COUNT = 12


class GroupTools(Tools):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.topic += "-groups"
        self.group = self.topic

    def groups(self, *arguments):
        return self.call(GROUP_COMMAND, *arguments)

    def read(self, count, *more):
        arguments = ["--topic", self.topic, "--max-messages", str(count), "--timeout-ms", "20000"]
        return self.call(CONSOLE_CONSUMER, *arguments, *more).splitlines()

    def lag(self):
        """Partition → (committed, end, lag), as described."""
        rows = [line.split() for line in self.groups("--describe", "--group", self.group).splitlines()]
        mine = [row for row in rows if row[:2] == [self.group, self.topic]]
        return {int(row[2]): tuple(row[3:6]) for row in mine}


def run(target, java, report):
    tools = GroupTools(target, java, report)
    for action in (console_consumer_commits, console_consumer_resumes):
        step(tools, "console", action)
    for action in (offsets_formatter, group_metadata_formatter):
        step(tools, "__consumer_offsets", action)
    for action in (lists, describes, previews_reset, resets, shifts, exports, deletes_offsets, deletes):
        step(tools, "kafka-consumer-groups", action)
    step(tools, "kafka-groups", lists_all)


def console_consumer_commits(tools):
    tools.topics("--create", "--topic", tools.topic, "--partitions", "2", "--replication-factor", "1")
    produce(tools, range(COUNT))
    read = tools.read(COUNT, "--group", tools.group, "--from-beginning")
    expect_lines(read, range(COUNT))


def console_consumer_resumes(tools):
    produce(tools, range(COUNT, 2 * COUNT))
    expect_lines(tools.read(COUNT, "--group", tools.group), range(COUNT, 2 * COUNT))
    # A group of another protocol, and of its own.
    new = ["--group", f"{tools.group}-new", "--from-beginning", "--command-property", "group.protocol=consumer"]
    expect_lines(tools.read(2 * COUNT, *new), range(2 * COUNT))


def offsets_formatter(tools):
    printed = internal(tools, "OffsetsMessageFormatter")
    for group in (tools.group, f"{tools.group}-new"):
        expect(printed, f'"group":"{group}","topic":"{tools.topic}","partition":')
    expect(printed, '"version":', '"leaderEpoch":', '"commitTimestamp":')


def group_metadata_formatter(tools):
    printed = internal(tools, "GroupMetadataMessageFormatter")
    expect(printed, f'"group":"{tools.group}"', '"protocolType":"consumer"', '"protocol":"range"')


def internal(tools, formatter):
    """All of it: the time without a record ends the tool."""
    return tools.call(
        CONSOLE_CONSUMER,
        *("--topic", "__consumer_offsets", "--from-beginning", "--timeout-ms", "6000"),
        *("--formatter", f"{FORMATTERS}.{formatter}"),
        *("--command-property", "exclude.internal.topics=false"),
    )


def lists(tools):
    names = tools.groups("--list").splitlines()
    if not {tools.group, f"{tools.group}-new"} <= set(names):
        raise Problem(f"listed are {names}")
    states = [line.split() for line in tools.groups("--list", "--state", "empty", "--type", "consumer").splitlines()]
    mine = [row for row in states if row[0] in (tools.group, f"{tools.group}-new")]
    if mine != [[f"{tools.group}-new", "Consumer", "Empty"]]:
        raise Problem(f"empty and of type consumer: {mine}")


def describes(tools):
    lag = tools.lag()
    if sorted(lag) != [0, 1] or any(row[0] != row[1] or row[2] != "0" for row in lag.values()):
        raise Problem(f"offset, end and lag: {lag}")
    state = tools.groups("--describe", "--group", tools.group, "--state")
    expect(state, "Empty", tools.target.bootstrap)
    tools.groups("--describe", "--group", tools.group, "--members", "--verbose")


def previews_reset(tools):
    printed = tools.groups("--reset-offsets", "--group", tools.group, "--topic", tools.topic, "--to-earliest", "--dry-run")
    expect(printed, tools.topic)
    if any(row[2] != "0" for row in tools.lag().values()):
        raise Problem("a dry run changed something")


def resets(tools):
    tools.groups("--reset-offsets", "--group", tools.group, "--topic", tools.topic, "--to-earliest", "--execute")
    if any(row[0] != "0" for row in tools.lag().values()):
        raise Problem(f"not reset: {tools.lag()}")
    expect_lines(tools.read(2 * COUNT, "--group", tools.group), range(2 * COUNT))


def shifts(tools):
    before = tools.lag()
    tools.groups("--reset-offsets", "--group", tools.group, "--topic", f"{tools.topic}:1", "--shift-by", "-2", "--execute")
    after = tools.lag()
    if int(after[1][0]) != int(before[1][0]) - 2 or after[0] != before[0]:
        raise Problem(f"{before} became {after}")


def exports(tools):
    printed = tools.groups(
        *("--reset-offsets", "--group", tools.group, "--topic", tools.topic),
        *("--to-datetime", "2020-01-01T00:00:00.000", "--export", "--dry-run"),
    )
    rows = printed.replace('"', "").split()
    if sorted(rows) != [f"{tools.topic},0,0", f"{tools.topic},1,0"]:
        raise Problem(f"exported: {rows}")


def deletes_offsets(tools):
    printed = tools.groups("--delete-offsets", "--group", tools.group, "--topic", f"{tools.topic}:0")
    expect(printed, "Successful")
    if sorted(tools.lag()) != [1]:
        raise Problem(f"left: {tools.lag()}")


def deletes(tools):
    expect(tools.groups("--delete", "--group", tools.group), "successful")
    if tools.group in tools.groups("--list").splitlines():
        raise Problem("it is still listed")


def lists_all(tools):
    printed = tools.call("org.apache.kafka.tools.GroupsCommand", "--list")
    rows = [line.split() for line in printed.splitlines()]
    if [f"{tools.group}-new", "Consumer", "consumer"] not in rows:
        raise Problem(printed[-300:])


def produce(tools, numbers):
    tools.call(
        "org.apache.kafka.tools.ConsoleProducer",
        *("--topic", tools.topic, "--reader-property", "parse.key=true"),
        stdin="".join(f"k{number}\tv{number}\n" for number in numbers),
    )


def expect_lines(lines, numbers):
    good = sorted(f"v{number}" for number in numbers)
    if sorted(lines) != good:
        raise Problem(f"read were {sorted(lines)}, not {good}")
