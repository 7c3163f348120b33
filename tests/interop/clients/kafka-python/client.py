"""kafka-python. See ../../README.md for what a client program does."""

import base64
import hashlib
import json
import pathlib
import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

import member

TIMEOUT_S = 30
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def codecs(_bootstrap, _request):
    return CODECS


def create(bootstrap, request):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    return {
        name: attempt(admin.create_topics, [NewTopic(name, request["partitions"], 1)])
        for name in request["topics"]
    }


def produce(bootstrap, request):
    records = [json.loads(line) for line in open(request["records"])]
    return {
        topic: attempt(produce_all, bootstrap, topic, request["partition"], codec, records)
        for topic, codec in request["topics"].items()
    }


def produce_all(bootstrap, topic, partition, codec, records):
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        compression_type=None if codec == "none" else codec,
        enable_idempotence=True,
        linger_ms=20,
    )
    sent = [
        producer.send(
            topic,
            partition=partition,
            key=unpack(record["key"]),
            value=unpack(record["value"]),
            headers=[(name, unpack(value)) for name, value in record["headers"]],
            timestamp_ms=record["timestamp"],
        )
        for record in records
    ]
    producer.flush(TIMEOUT_S)
    for future in sent:
        future.get(TIMEOUT_S)
    producer.close()


def consume(bootstrap, request):
    return {
        topic: attempt(
            consume_all, bootstrap, topic, request["partition"], count, request["out"]
        )
        for topic, count in request["topics"].items()
    }


def consume_all(bootstrap, topic, partition, count, out):
    consumer = new_consumer(bootstrap)
    consumer.assign([TopicPartition(topic, partition)])
    consumer.seek(TopicPartition(topic, partition), 0)
    deadline = time.monotonic() + TIMEOUT_S
    seen = 0
    with open(pathlib.Path(out) / topic, "w") as lines:
        while seen < count and time.monotonic() < deadline:
            for messages in consumer.poll(1000).values():
                seen += len(messages)
                for message in messages:
                    lines.write(json.dumps(line(message)) + "\n")
    consumer.close()


def line(message):
    return {
        "offset": message.offset,
        "timestamp": message.timestamp,
        "key": pack(message.key),
        "value": pack(message.value),
        "headers": [[name, pack(value)] for name, value in message.headers],
    }


def offsets(bootstrap, request):
    consumer = new_consumer(bootstrap)
    answer = {}
    for topic in request["topics"]:
        partition = TopicPartition(topic, request["partition"])
        found = [consumer.offsets_for_times({partition: t})[partition] for t in request["timestamps"]]
        answer[topic] = {
            "earliest": consumer.beginning_offsets([partition])[partition],
            "latest": consumer.end_offsets([partition])[partition],
            "timestamps": [-1 if one is None else one.offset for one in found],
        }
    return answer


def new_consumer(bootstrap):
    return KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=100
    )


def attempt(action, *arguments):
    try:
        action(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def pack(field):
    if field is None:
        return None
    if len(field) > 1024:
        return "sha256:" + hashlib.sha256(field).hexdigest()
    return base64.b64encode(field).decode()


def unpack(text):
    return None if text is None else base64.b64decode(text)


def main():
    request = json.loads(sys.stdin.readline())
    if sys.argv[1] == "member":
        return member.run(sys.argv[2], request)
    steps = {step.__name__: step for step in (codecs, create, produce, consume, offsets, member.group)}
    print(json.dumps(steps[sys.argv[1]](sys.argv[2], request)))


main()
