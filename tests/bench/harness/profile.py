"""Where the brokers spend their CPU time while a workload is measured: `perf`, as a short table of text.

It samples the brokers' threads 499 times for each second of CPU they use, which costs them a percent or two: figures
of a run with --profile say so.
"""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import signal
import subprocess

HERTZ = 499
SYMBOLS, THREADS = 25, 8
# What does not count: less than this share of the samples, in percent.
LEAST = 0.4
COMPILED = re.compile(r"\[JIT\]|perf-\d+\.map|//anon|\[anon|memfd:")
JAVA = re.compile(r"^java$|lib(jvm|java|nio|net|jimage|zip)\.so|" + COMPILED.pattern)


@dataclasses.dataclass
class Profiler:
    """Writes FOLDER/NAME.txt for everything that is profiled; `name` is set by whoever knows it."""

    folder: pathlib.Path
    name: str = "unnamed"

    @contextlib.contextmanager
    def over(self, pids):
        """While the block runs."""
        recording = self.start(pids)
        try:
            yield
        finally:
            self.stop(recording)

    def start(self, pids):
        self.folder.mkdir(parents=True, exist_ok=True)
        data = self.folder / f"{self.name}.data"
        command = ["perf", "record", "--quiet", "-N", "-B", "-e", "cpu-clock", "-F", str(HERTZ)]
        command += ["-o", str(data), "-p", ",".join(map(str, pids))]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return data, subprocess.Popen(command, **silent)

    def stop(self, recording):
        data, process = recording
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        if process.poll() is None:
            process.kill()
            process.wait()
        if data.exists():
            (self.folder / f"{self.name}.txt").write_text(self.text(data))
            data.unlink()

    def text(self, data):
        symbols = shares(data, "dso,sym")
        sums = {}
        for share, fields in symbols:
            owner = belongs_to(fields[0])
            sums[owner] = sums.get(owner, 0) + share
        parts = sorted(sums.items(), key=lambda part: -part[1])
        out = [self.name, "", ", ".join(f"{owner} {share:.1f} %" for owner, share in parts), ""]
        out += ["  share  where, what"]
        out += [
            f"{share:6.2f} %  {owner}: {symbol}"
            for share, (owner, symbol) in together(symbols)[:SYMBOLS]
            if share >= LEAST
        ]
        out += ["", "  share  thread"]
        out += [f"{share:6.2f} %  {fields[0]}" for share, fields in shares(data, "comm")[:THREADS]]
        return "\n".join(out) + "\n"


def profiler(folder):
    """`None` where there is no perf."""
    return Profiler(folder) if shutil.which("perf") else None


def together(symbols):
    """What has no name, as all that a JVM has compiled, is one line for each place: addresses say nothing."""
    sums = {}
    for share, (dso, symbol) in symbols:
        if COMPILED.search(dso):
            dso, symbol = "java", "compiled code"
        elif re.search(r"0x[0-9a-f]{6,}|\[unknown\]", symbol):
            symbol = dso
        sums[belongs_to(dso), symbol] = sums.get((belongs_to(dso), symbol), 0) + share
    return sorted(((share, place) for place, share in sums.items()), reverse=True)


def shares(data, keys):
    """Percent of the samples and what they have in common, the largest first."""
    command = ["perf", "report", "-i", data, "--stdio", "--quiet", "--no-children", "-s", keys]
    # Widths cut nothing off, and a separator that is in no symbol.
    done = subprocess.run([*command, "-t", "\x1f"], capture_output=True, text=True, errors="replace")
    found = []
    for line in done.stdout.splitlines():
        share, _, rest = line.partition("\x1f")
        with contextlib.suppress(ValueError):
            fields = [re.sub(r"^\[[.k]\] ", "", field.strip()) for field in rest.split("\x1f")]
            found.append((float(share.strip().rstrip("%")), fields))
    return found


def belongs_to(dso):
    if JAVA.search(dso):
        return "java"
    if dso.startswith("[") and dso not in ("[unknown]", "[vdso]"):
        return "kernel"
    if dso.startswith(("libc.", "libc-", "ld-", "libpthread")):
        return "libc"
    return dso
