"""A member of a group, until its standard input ends, and what the admin client says of a group."""

import json
import sys
import threading

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

ASSIGNORS = {"range": RangePartitionAssignor, "cooperative": CooperativeStickyAssignor}


class Listener(ConsumerRebalanceListener):
    def __init__(self, consumer):
        self.consumer = consumer
        # Read, and not committed yet: what a rebalance refuses is committed after it.
        self.open = {}

    def on_partitions_assigned(self, _added):
        self.own(self.consumer.assignment())

    def on_partitions_revoked(self, removed):
        for partition in removed:
            self.open.pop(partition, None)
        self.own(set(self.consumer.assignment()) - set(removed))

    def own(self, partitions):
        metadata = self.consumer.group_metadata()
        say(
            {
                "owns": sorted(one.partition for one in partitions),
                "member": metadata.member_id,
                "generation": metadata.generation_id,
            }
        )


def run(bootstrap, request):
    is_over = threading.Event()
    threading.Thread(target=await_end, args=(is_over,), daemon=True).start()
    session = request["session_ms"]
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=request["group"],
        group_instance_id=request.get("instance"),
        session_timeout_ms=session,
        heartbeat_interval_ms=session // 6,
        max_poll_interval_ms=20_000,
        partition_assignment_strategy=[ASSIGNORS[request["assignor"]]],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    listener = Listener(consumer)
    consumer.subscribe([request["topic"]], listener=listener)
    while not is_over.is_set():
        turn(consumer, listener.open)
    consumer.close()
    say({"left": True})


def turn(consumer, open):
    polled = consumer.poll(100, max_records=100)
    for partition, messages in polled.items():
        open[partition] = OffsetAndMetadata(messages[-1].offset + 1, "", messages[-1].leader_epoch)
    if polled:
        say({"read": [[m.partition, m.offset, m.value.decode()] for ms in polled.values() for m in ms]})
    if open:
        commit(consumer, open)


def commit(consumer, open):
    offsets = dict(open)
    try:
        consumer.commit(offsets)
    except KafkaError as error:
        # Nothing unusual while members come and go.
        say({"uncommitted": str(error)})
    else:
        open.clear()
        say({"committed": {partition.partition: one.offset for partition, one in offsets.items()}})


def group(bootstrap, request):
    name = request["group"]
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    described = admin.describe_groups([name])[name]
    stored = admin.list_group_offsets(name)[name]
    answer = {
        "state": described["group_state"],
        "members": [partitions(member) for member in described["members"]],
        "offsets": {one.partition: offset.offset for one, offset in stored.items()},
    }
    if request["delete"]:
        error = admin.delete_groups([name])[name]
        answer["deleted"] = None if error in (None, "OK") else str(error)
    answer["listed"] = name in [one["group_id"] for one in admin.list_groups()]
    return answer


def partitions(member):
    topics = member["member_assignment"]["assigned_partitions"]
    return sorted(partition for topic in topics for partition in topic["partitions"])


def await_end(is_over):
    sys.stdin.read()
    is_over.set()


def say(event):
    print(json.dumps(event), flush=True)
