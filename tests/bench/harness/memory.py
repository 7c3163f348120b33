"""Free memory that is really there.

A virtual machine may give memory that is free back to its host, and then pays ten microseconds for each page that it
touches again: 2.5 seconds of CPU for every 10⁹ bytes, charged to whoever writes them, which hides what a broker itself
costs. A machine that has been in use for a while has no free memory: its page cache has it.

So a process of its own, the keeper, holds what is free between the windows, and lets go of it piece by piece as others
need it: a page that was held a moment ago is there. It holds memory of its own and not the page cache, which a machine
may clean of whatever nobody has read for half a minute. If memory runs out after all, the keeper is the first to be killed.
"""

import contextlib
import mmap
import pathlib
import select
import subprocess
import sys

# What is free is kept between these two, as long as the keeper has anything to give. The host has most of it.
LEAST_FREE_BYTES = 3 << 28
MOST_FREE_BYTES = 1 << 30
PIECE_BYTES = 64 << 20
# Brokers may write 30 MB meanwhile.
LOOK_EVERY_S = 0.02
# madvise(2): fault in all pages, for writing (Linux 5.14).
MADV_POPULATE_WRITE = 23


class Memory:
    """What the harness asks of the keeper."""

    def __init__(self):
        self.keeper = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Interrupts are the harness' affair: the keeper ends when its input does.
            start_new_session=True,
        )

    def hold(self):
        """Takes what is free now; returns when that is done. Without a keeper, memory stays as it is."""
        with contextlib.suppress(BrokenPipeError):
            self.keeper.stdin.write(b"hold\n")
            self.keeper.stdin.flush()
            self.keeper.stdout.readline()


class Keeper:
    """Memory in pieces, the one that was taken last on top."""

    def __init__(self):
        self.pieces = []

    def run(self):
        while True:
            if select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
                if not sys.stdin.buffer.readline():
                    return
                self.take()
                sys.stdout.write("held\n")
                sys.stdout.flush()
            self.give()

    def take(self):
        while free_bytes() > MOST_FREE_BYTES:
            piece = mmap.mmap(-1, PIECE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self.pieces.append(piece)
            # Small pages: the kernel makes room for large ones by throwing out what others have in the page cache.
            piece.madvise(mmap.MADV_NOHUGEPAGE)
            try:
                piece.madvise(MADV_POPULATE_WRITE)
            except OSError:
                return

    def give(self):
        if free_bytes() < LEAST_FREE_BYTES:
            while self.pieces and free_bytes() < (LEAST_FREE_BYTES + MOST_FREE_BYTES) // 2:
                self.pieces.pop().close()


def free_bytes():
    with open("/proc/meminfo") as info:
        for line in info:
            if line.startswith("MemFree:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    with contextlib.suppress(BrokenPipeError):
        Keeper().run()
