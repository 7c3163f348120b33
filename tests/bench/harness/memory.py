"""Free memory that is really there.

A virtual machine may give memory that is free back to its host, and then pays ten microseconds for each page that it
touches again: 2.5 seconds of CPU for every 10⁹ bytes, charged to whoever writes them, which hides what a broker itself
costs. A machine that has been in use for a while has no free memory: its page cache has it.

So we keep it in the page cache between the windows, by reading a file that is one large hole, and let go of as much
as a workload needs right before it begins.
"""

import os

# What stays free for everybody else.
SPARE_BYTES = 3 << 29
PIECE_BYTES = 1 << 20
STEP_BYTES = 64 << 20
# What three brokers may write in a second.
BYTES_PER_SECOND = 800_000_000


class Memory:
    """The hole is read forward; what is held is from `start` to `end`, but for what the kernel took for others."""

    def __init__(self, folder):
        path = folder / "hole"
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        path.unlink()
        os.ftruncate(self.file, 1 << 42)
        self.start = self.end = 0
        self.piece = bytearray(PIECE_BYTES)

    def hold(self):
        """Whatever is free now."""
        last = self.end + os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        while free_bytes() > SPARE_BYTES and self.end < last:
            for _ in range(STEP_BYTES // PIECE_BYTES):
                os.preadv(self.file, [self.piece], self.end)
                self.end += PIECE_BYTES

    def release(self, seconds):
        """As much as brokers may write in that time."""
        wanted = SPARE_BYTES + seconds * BYTES_PER_SECOND
        while free_bytes() < wanted and self.start < self.end:
            os.posix_fadvise(self.file, self.start, STEP_BYTES, os.POSIX_FADV_DONTNEED)
            self.start += STEP_BYTES


def free_bytes():
    with open("/proc/meminfo") as info:
        for line in info:
            if line.startswith("MemFree:"):
                return int(line.split()[1]) * 1024
    return 0
