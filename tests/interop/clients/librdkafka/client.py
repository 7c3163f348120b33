"""librdkafka, through confluent-kafka. See ../../README.md for what a client program does."""

import base64
import hashlib
import json
import pathlib
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

import member

TIMEOUT_S = 30
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def codecs(_bootstrap, _request):
    return CODECS


def create(bootstrap, request):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [NewTopic(name, request["partitions"], 1) for name in request["topics"]]
    return {name: outcome(done) for name, done in admin.create_topics(topics).items()}


def outcome(future):
    try:
        future.result(TIMEOUT_S)
    except Exception as error:
        return str(error)


def produce(bootstrap, request):
    records = [json.loads(line) for line in open(request["records"])]
    return {
        topic: produce_all(bootstrap, topic, request["partition"], codec, records)
        for topic, codec in request["topics"].items()
    }


def produce_all(bootstrap, topic, partition, codec, records):
    errors = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": codec,
            "enable.idempotence": True,
            "linger.ms": 20,
            "delivery.timeout.ms": TIMEOUT_S * 1000,
        }
    )
    for record in records:
        producer.produce(
            topic,
            partition=partition,
            key=unpack(record["key"]),
            value=unpack(record["value"]),
            headers=[(name, unpack(value)) for name, value in record["headers"]],
            timestamp=record["timestamp"],
            on_delivery=lambda error, _message: error and errors.append(str(error)),
        )
    left = producer.flush(TIMEOUT_S)
    return f"{left} records are not acknowledged" if left else errors[0] if errors else None


def consume(bootstrap, request):
    return {
        topic: consume_all(bootstrap, topic, request["partition"], count, request["out"])
        for topic, count in request["topics"].items()
    }


def consume_all(bootstrap, topic, partition, count, out):
    consumer = new_consumer(bootstrap)
    consumer.assign([TopicPartition(topic, partition, 0)])
    deadline = time.monotonic() + TIMEOUT_S
    seen = 0
    with open(pathlib.Path(out) / topic, "w") as lines:
        while seen < count and time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                return str(message.error())
            seen += 1
            headers = [[name, pack(value)] for name, value in message.headers() or []]
            line = {
                "offset": message.offset(),
                "timestamp": message.timestamp()[1],
                "key": pack(message.key()),
                "value": pack(message.value()),
                "headers": headers,
            }
            lines.write(json.dumps(line) + "\n")
    consumer.close()


def offsets(bootstrap, request):
    consumer = new_consumer(bootstrap)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    partition = request["partition"]
    answer = {}
    for topic in request["topics"]:
        earliest, latest = consumer.get_watermark_offsets(
            TopicPartition(topic, partition), TIMEOUT_S, cached=False
        )
        at = [TopicPartition(topic, partition, time) for time in request["timestamps"]]
        found = [consumer.offsets_for_times([one], TIMEOUT_S)[0].offset for one in at]
        query = {TopicPartition(topic, partition): OffsetSpec.max_timestamp()}
        newest = next(iter(admin.list_offsets(query).values())).result(TIMEOUT_S)
        answer[topic] = {
            "earliest": earliest,
            "latest": latest,
            # librdkafka says "end" where nothing is found.
            "timestamps": [-1 if offset < 0 else offset for offset in found],
            "max_timestamp": newest.offset,
        }
    return answer


def new_consumer(bootstrap):
    # A group id must be set; with assign() and without commits no group is made.
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "none",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
            "check.crcs": True,
        }
    )


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
