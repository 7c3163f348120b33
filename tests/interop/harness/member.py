"""A client program as a member of a group: a process that says, line by line, what happens to it."""

import json
import subprocess
import threading
import time

from .matrix import last_lines

# A slow machine, a rebalance and a session that must end before it.
WITHIN_S = 60
SESSION_MS = 6000


class Problem(Exception):
    """Something did not happen, or something else did."""


class Member:
    """Events are kept as they come; whoever waits for something says for what."""

    def __init__(self, target, client, request):
        command = [str(part) for part in [*client.command, "member", target.bootstrap]]
        self.name = f"{client.name} {request.get('instance') or ''}".strip()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        self.changed = threading.Condition()
        self.events = []
        self.stderr = []
        self.readers = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=lambda: self.stderr.extend(self.process.stderr), daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def _listen(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.events.append({"ended": True})
            self.changed.notify_all()

    @property
    def owns(self):
        """The partitions it has now, as it was told last."""
        owned = [event["owns"] for event in list(self.events) if "owns" in event]
        return owned[-1] if owned else []

    @property
    def records(self):
        """All it has read: (partition, offset, value)."""
        return [tuple(one) for event in list(self.events) for one in event.get("read", [])]

    @property
    def committed(self):
        """The last offset that it has committed in each partition."""
        last = {}
        for event in list(self.events):
            last.update({int(p): offset for p, offset in event.get("committed", {}).items()})
        return last

    def leave(self):
        """The clean end."""
        self.process.stdin.close()
        self.process.wait(WITHIN_S)
        for reader in self.readers:
            reader.join()
        if self.process.returncode != 0 or {"left": True} not in self.events:
            raise Problem(f"{self.name} did not leave: {self.said()}")

    def kill(self):
        """No end at all."""
        self.process.kill()
        self.process.wait()

    def said(self):
        events = " ".join(json.dumps(event)[:100] for event in list(self.events)[-6:])
        return f"{events} {last_lines(''.join(self.stderr))}"


def until(members, what, is_so):
    """Waits until `is_so()`; if a member ends, or says that something is wrong, that is a problem."""
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        for member in members:
            bad = [event for event in member.events if "error" in event or "ended" in event]
            if bad:
                raise Problem(f"{what}: {member.name} said {bad[0]}: {member.said()}")
        if time.monotonic() > deadline:
            said = "; ".join(f"{one.name} owns {one.owns}: {one.said()}" for one in members)
            raise Problem(f"not within {WITHIN_S} s: {what}: {said}")
        with members[0].changed:
            members[0].changed.wait(0.05)
