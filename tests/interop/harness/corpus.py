"""The records that every client writes, and how they must come back.

A field is base64; in what clients read, one above 1024 bytes is `sha256:` and its digest.
"""

import base64
import hashlib
import json
import random
import time

PARTITION = 1
PARTITIONS = 3
LARGE_BYTES = 900_000
SMALL_COUNT = 150


def make():
    """A fixed set of fields; the timestamps begin a minute ago, as brokers limit them."""
    start = int(time.time() * 1000) - 60_000
    noise = random.Random(7)
    records = [
        record(start, "clave-ñ", "valor-🦀", ("trace", "aé"), ("trace", "again"), ("empty", "")),
        record(start + 10, None, "no key"),
        record(start + 20, "no value", None, ("why", "tombstone")),
        # Earlier than the two before: only an exact search by timestamp passes over it.
        record(start + 5, "", ""),
        record(start + 40, bytes(range(256)), bytes(reversed(range(256)))),
    ]
    for i in range(SMALL_COUNT):
        value = f"value {i} " * noise.randrange(20)
        records.append(record(start + 100 + i, f"key {i}", value, ("i", str(i))))
    # Both codecs' extremes: what does not compress, and what does very well.
    records.append(record(start + 1000, "noise", noise.randbytes(LARGE_BYTES)))
    records.append(record(start + 1000, "zeros", bytes(LARGE_BYTES)))
    return records


def record(timestamp, key, value, *headers):
    return {
        "timestamp": timestamp,
        "key": pack(key),
        "value": pack(value),
        "headers": [[name, pack(text)] for name, text in headers],
    }


def write(records, path):
    path.write_text("".join(json.dumps(one) + "\n" for one in records))


def expected(records):
    """The records as clients must report them from offset 0 on."""
    return [
        {**one, "offset": offset, "key": digest(one["key"]), "value": digest(one["value"])}
        for offset, one in enumerate(records)
    ]


def timestamp_questions(records):
    """Timestamps to search for, and the offset of the first record at or after each, or -1."""
    times = [one["timestamp"] for one in records]
    asked = [times[0] - 1000, times[0] + 1, times[1] + 1, times[4] + 1, times[-1], times[-1] + 1]
    answers = [next((o for o, t in enumerate(times) if t >= ask), -1) for ask in asked]
    return asked, answers


def pack(field):
    if field is None:
        return None
    raw = field.encode() if isinstance(field, str) else field
    return base64.b64encode(raw).decode()


def digest(packed):
    if packed is None:
        return None
    raw = base64.b64decode(packed)
    return packed if len(raw) <= 1024 else "sha256:" + hashlib.sha256(raw).hexdigest()
