"""Members of each client join, share, die, leave and come back; its admin client looks at the group.

Records are written by franz-go, whatever client is tried. Every step goes on from the one before;
the first that fails ends the client's row.
"""

import concurrent.futures
import dataclasses
import json
import os

from . import corpus
from .matrix import ask, first
from .member import SESSION_MS, Member, Problem, until

PARTITIONS = 4
MIXED_PARTITIONS = 8
# Records per partition at a time.
BATCH = 10
# Members wait most of the time, so that several rows go at once.
ROWS_AT_ONCE = 3

# By protocol; kafkajs has none of the two and uses its own.
ASSIGNORS = {"classic": ["range", "cooperative"], "consumer": [None]}
HAS_CONSUMER_PROTOCOL = ["java", "librdkafka", "franz-go"]
# kafkajs does not know them; franz-go tells a coordinator of the consumer protocol nothing when a
# static member goes, so that its place is not free before its session ends.
HAS_NO_STATIC_MEMBERS = [("kafkajs", "classic"), ("franz-go", "consumer")]


def run(target, clients, writer, work, report):
    rows = []
    for client in clients:
        protocols = ["classic", *(["consumer"] if client.name in HAS_CONSUMER_PROTOCOL else [])]
        for protocol in protocols:
            for assignor in ASSIGNORS[protocol]:
                if client.name != "kafkajs" or assignor == "range":
                    rows.append(Row(target, client, writer, work, report, protocol, assignor))
    by_name = {client.name: client for client in clients}
    with concurrent.futures.ThreadPoolExecutor(ROWS_AT_ONCE) as pool:
        done = [pool.submit(row.run) for row in rows]
        if len(clients) > 1:
            done.append(pool.submit(Mixed(target, by_name, writer, work, report).run))
            done.append(pool.submit(Upgrade(target, by_name, writer, work, report).run))
        for one in done:
            one.result()


@dataclasses.dataclass
class Base:
    """A topic, a group, and its members."""

    target: object
    clients: object
    writer: object
    work: object
    report: object

    def prepare(self, name, partitions):
        self.name = name
        self.topic = f"groups-{os.getpid()}-{name.replace(' ', '-')}"
        self.partitions = list(range(partitions))
        self.written = []
        self.members = []
        request = {"topics": [self.topic], "partitions": partitions}
        created, failure = ask(self.target, self.writer, "create", request)
        if failure or first(created):
            raise Problem(failure or first(created))

    def steps(self, steps):
        """Runs them until one fails."""
        for step in steps:
            label = step.__name__.replace("_", " ")
            try:
                step()
            except Problem as problem:
                self.report.add(self.name, label, str(problem))
                break
            self.report.add(self.name, label, None)
        for member in self.members:
            member.kill()

    def join(self, client, **more):
        request = {
            "group": self.topic,
            "topic": self.topic,
            "session_ms": SESSION_MS,
            "assignor": "range",
            **more,
        }
        member = Member(self.target, client, request)
        self.members.append(member)
        return member

    def leave(self, member):
        self.members.remove(member)
        member.leave()

    def write(self):
        """A batch for each partition."""
        begin = len(self.written) // len(self.partitions)
        for partition in self.partitions:
            lines = [
                corpus.record(1_700_000_000_000, None, f"{partition}-{begin + i}") for i in range(BATCH)
            ]
            path = self.work / f"{self.topic}.{partition}"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            request = {"topics": {self.topic: "none"}, "partition": partition, "records": str(path)}
            produced, failure = ask(self.target, self.writer, "produce", request)
            if failure or first(produced):
                raise Problem(f"writing: {failure or first(produced)}")
            self.written += [(partition, begin + i, f"{partition}-{begin + i}") for i in range(BATCH)]

    @property
    def ends(self):
        return {partition: len(self.written) // len(self.partitions) for partition in self.partitions}

    def until_shared(self, members):
        """Each has something, together they have everything, none twice."""

        def is_shared():
            owned = [member.owns for member in members]
            return all(owned) and sorted(sum(owned, [])) == self.partitions

        until(members, f"{len(members)} members share {self.partitions}", is_shared)

    def until_read(self, members, since=()):
        """All that is written was read and committed by these, beside what was read before."""
        wanted = set(self.written) - set(since)

        def is_read():
            read = {record for member in members for record in member.records}
            committed = {}
            for member in members:
                for partition, offset in member.committed.items():
                    committed[partition] = max(offset, committed.get(partition, 0))
            return wanted <= read and committed == self.ends

        until(members, "everything is read and committed", is_read)
        strange = {record for member in members for record in member.records} - set(self.written)
        if strange:
            raise Problem(f"nobody has written {sorted(strange)[:3]}")

    def look(self, client, protocol, delete=False):
        request = {"group": self.topic, "topic": self.topic, "protocol": protocol, "delete": delete}
        answer, failure = ask(self.target, client, "group", request)
        if failure:
            raise Problem(failure)
        return answer


@dataclasses.dataclass
class Row(Base):
    """One client with one protocol."""

    protocol: str
    assignor: str

    def run(self):
        self.client = self.clients
        words = [self.client.name, self.protocol, self.assignor or ""]
        try:
            self.prepare(" ".join(words).strip(), PARTITIONS)
        except Problem as problem:
            self.report.add(" ".join(words), "join and read", str(problem))
            return
        steps = [self.join_and_read, self.share, self.look_at_two, self.take_over, self.resume, self.delete]
        has_none = (self.client.name, self.protocol) in HAS_NO_STATIC_MEMBERS
        if not has_none and self.assignor != "cooperative":
            steps.append(self.come_back)
        self.steps(steps)

    def join(self, **more):
        return super().join(self.client, protocol=self.protocol, assignor=self.assignor, **more)

    def join_and_read(self):
        self.write()
        self.one = self.join()
        self.until_shared([self.one])
        self.until_read([self.one])

    def share(self):
        self.two = self.join()
        self.until_shared([self.one, self.two])
        before = set(self.written)
        self.write()
        self.until_read([self.one, self.two], since=before)

    def look_at_two(self):
        answer = self.look(self.client, self.protocol, delete=True)
        members = sorted([self.one.owns, self.two.owns])
        expect("state", answer["state"].lower(), "stable")
        expect("members", sorted(answer["members"]), members)
        expect("offsets", {int(p): o for p, o in answer["offsets"].items()}, self.ends)
        expect("listed", answer["listed"], True)
        if answer["deleted"] is None:
            raise Problem("a group with members was deleted")

    def take_over(self):
        """From one that dies without a word."""
        self.two.kill()
        self.members.remove(self.two)
        self.until_shared([self.one])
        before = set(self.written)
        self.write()
        self.until_read([self.one], since=before)

    def resume(self):
        """What was written in between, and nothing else."""
        self.leave(self.one)
        before = set(self.written)
        self.write()
        three = self.join()
        self.until_shared([three])
        self.until_read([three], since=before)
        again = before & set(three.records)
        if again:
            raise Problem(f"read again: {sorted(again)[:3]} and so on, {len(again)} in all")
        self.leave(three)

    def delete(self):
        answer = self.look(self.client, self.protocol, delete=True)
        expect("state", answer["state"].lower(), "empty")
        expect("offsets", {int(p): o for p, o in answer["offsets"].items()}, self.ends)
        expect("error of the deletion", answer["deleted"], None)
        expect("listed", answer["listed"], False)

    def come_back(self):
        """A static member goes and comes back before its session ends: nobody else notices. With the
        classic protocol it may even die; the other needs its word that it will be back."""
        one, two = self.join(instance="one"), self.join(instance="two")
        self.until_shared([one, two])
        owned, told = one.owns, len(two.events)
        self.members.remove(one)
        one.kill() if self.protocol == "classic" else one.leave()
        again = self.join(instance="one")
        self.until_shared([again, two])
        expect("its partitions", again.owns, owned)
        news = [event for event in two.events[told:] if "owns" in event]
        expect("what the other was told", news, [])
        self.leave(again)
        self.leave(two)


class Mixed(Base):
    """One group of four clients, each of which may have to lead it."""

    def run(self):
        self.prepare("all in one group", MIXED_PARTITIONS)
        self.steps([self.gather, self.leave_one_by_one])

    def gather(self):
        names = ["kafka-python", "java", "franz-go", "librdkafka"]
        self.write()
        self.all = []
        for name in names:
            self.all.append(self.join(self.clients[name], protocol="classic"))
            self.until_shared(self.all)
        self.until_read(self.all)

    def leave_one_by_one(self):
        """One after the other, the leader first."""
        while len(self.all) > 1:
            self.leave(self.all.pop(0))
            self.until_shared(self.all)
        before = set(self.written)
        self.write()
        self.until_read(self.all, since=before)


class Upgrade(Base):
    """A group goes from one protocol to the other and back while it reads."""

    def run(self):
        self.prepare("upgrade", PARTITIONS)
        self.steps([self.upgrade, self.downgrade])

    def upgrade(self):
        self.write()
        old = self.join(self.clients["librdkafka"], protocol="classic", assignor="cooperative")
        self.until_read([old])
        self.new = self.join(self.clients["java"], protocol="consumer")
        self.until_shared([old, self.new])
        before = set(self.written)
        self.write()
        self.until_read([old, self.new], since=before)
        self.leave(old)
        self.until_shared([self.new])
        expect("state", self.look(self.clients["java"], "consumer")["state"].lower(), "stable")

    def downgrade(self):
        old = self.join(self.clients["librdkafka"], protocol="classic", assignor="cooperative")
        self.until_shared([old, self.new])
        self.leave(self.new)
        self.until_shared([old])
        before = set(self.written)
        self.write()
        self.until_read([old], since=before)
        expect("members", self.look(self.clients["java"], "classic")["members"], [self.partitions])


def expect(what, seen, good):
    if seen != good:
        raise Problem(f"{what}: {seen}, not {good}")
