"""A member of a group, until its standard input ends, and what the admin client says of a group."""

import json
import sys
import threading

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

TIMEOUT_S = 30


def run(bootstrap, request):
    is_over = threading.Event()
    threading.Thread(target=await_end, args=(is_over,), daemon=True).start()
    member = Member(bootstrap, request)
    while not is_over.is_set():
        member.turn()
    member.consumer.close()
    say({"left": True})


class Member:
    def __init__(self, bootstrap, request):
        self.topic = request["topic"]
        self.owned = set()
        # Read, and not committed yet: what a rebalance refuses is committed after it.
        self.open = {}
        self.consumer = Consumer(config(bootstrap, request))
        self.consumer.subscribe(
            [self.topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke
        )

    def on_assign(self, consumer, added):
        self.owned.update(one.partition for one in added)
        say({"owns": sorted(self.owned), "member": consumer.memberid()})

    def on_revoke(self, consumer, removed):
        for one in removed:
            self.owned.discard(one.partition)
            self.open.pop(one.partition, None)
        say({"owns": sorted(self.owned), "member": consumer.memberid()})

    def turn(self):
        read = []
        for message in self.consumer.consume(100, 0.1):
            if message.error():
                say({"error": str(message.error())})
                continue
            read.append([message.partition(), message.offset(), message.value().decode()])
            self.open[message.partition()] = (message.offset() + 1, message.leader_epoch())
        if read:
            say({"read": read})
        if self.open:
            self.commit()

    def commit(self):
        offsets = [TopicPartition(self.topic, p, o, leader_epoch=e) for p, (o, e) in self.open.items()]
        try:
            outcomes = self.consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # Nothing unusual while members come and go.
            say({"uncommitted": str(error)})
            return
        good = {one.partition: one.offset for one in outcomes if not one.error}
        for one in outcomes:
            if one.error:
                say({"uncommitted": str(one.error)})
        for partition in good:
            del self.open[partition]
        if good:
            say({"committed": good})


def config(bootstrap, request):
    config = {
        "bootstrap.servers": bootstrap,
        "group.id": request["group"],
        "group.protocol": request["protocol"],
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
        # Brokers may stand still.
        "socket.timeout.ms": 8_000,
    }
    if request.get("instance"):
        config["group.instance.id"] = request["instance"]
    if request["protocol"] == "classic":
        session = request["session_ms"]
        assignor = "range" if request["assignor"] == "range" else "cooperative-sticky"
        config["session.timeout.ms"] = session
        config["heartbeat.interval.ms"] = session // 6
        config["partition.assignment.strategy"] = assignor
        config["max.poll.interval.ms"] = 20_000
    return config


def group(bootstrap, request):
    name = request["group"]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    described = admin.describe_consumer_groups([name])[name].result(TIMEOUT_S)
    asked = [ConsumerGroupTopicPartitions(name)]
    stored = admin.list_consumer_group_offsets(asked)[name].result(TIMEOUT_S)
    answer = {
        "state": described.state.name,
        "members": [
            sorted(one.partition for one in member.assignment.topic_partitions)
            for member in described.members
        ],
        "offsets": {one.partition: one.offset for one in stored.topic_partitions},
    }
    if request["delete"]:
        future = admin.delete_consumer_groups([name])[name]
        answer["deleted"] = None if future.exception(TIMEOUT_S) is None else str(future.exception())
    listed = admin.list_consumer_groups().result(TIMEOUT_S)
    answer["listed"] = name in [one.group_id for one in listed.valid]
    return answer


def await_end(is_over):
    sys.stdin.read()
    is_over.set()


def say(event):
    print(json.dumps(event), flush=True)
