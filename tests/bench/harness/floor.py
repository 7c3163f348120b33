"""The floor of the machine: the least CPU that brokers of this shape can take for a byte."""

import json
import subprocess

# Pieces that are appended, in bytes, and whether to blocks that were reserved before.
WRITES = {
    "write_256k": (256 << 10, 0),
    "write_256k_reserved": (256 << 10, 1),
    "write_64k": (64 << 10, 0),
    "write_64k_reserved": (64 << 10, 1),
    "write_16k": (16 << 10, 0),
    "write_16k_reserved": (16 << 10, 1),
}


def calibrate(load, folder, memory):
    """Each writes to memory that was just let go of: see memory.py."""

    def measured(*arguments):
        command = [load, "calibrate", "--dir", folder, *map(str, arguments)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    found = {}
    for name, (piece, is_reserved) in WRITES.items():
        memory.hold()
        found[name] = measured("--append", piece, "--reserved", is_reserved)
    memory.hold()
    return found | measured()


def of(calibration, replicas=3):
    """CPU seconds of all brokers for each 10⁹ bytes.

    Producing: every replica receives and writes, the leader sends to the others and checks once.
    Consuming: sent once, from a file.
    """
    stream = calibration["tcp_256k"]
    # Whichever is cheaper here; runs of before have only the first.
    write = min(
        (calibration[name] for name in ("write_256k", "write_256k_reserved") if name in calibration),
        key=lambda figures: figures["cpu_s_per_gb"],
    )
    crc, file = calibration["crc32c_256k"], calibration["sendfile_256k"]
    produce = (
        replicas * (stream["receive_cpu_s_per_gb"] + write["cpu_s_per_gb"])
        + (replicas - 1) * stream["send_cpu_s_per_gb"]
        + crc["cpu_s_per_gb"]
    )
    return {"produce": produce, "consume": file["send_cpu_s_per_gb"]}


def table(calibration):
    """What was measured without a broker."""
    out = ["| moved | CPU s/GB | of it sending | over the same pages again | MB/s |", "|---|---|---|---|---|"]
    for name, figures in calibration.items():
        if "cpu_s_per_gb" in figures:
            names = ("cpu_s_per_gb", "send_cpu_s_per_gb", "again_cpu_s_per_gb")
            cells = [f"{figures[one]:.3f}" if one in figures else "" for one in names]
            out.append(f"| {name} | {' | '.join(cells)} | {figures['mb_s']:.0f} |")
    wakeup, sync, least = calibration["wakeup"], calibration["fdatasync_64k"], of(calibration)
    out += [
        "",
        f"One wakeup of a thread: {wakeup['cpu_us']:.1f} µs of CPU, after {wakeup['latency_us']:.1f} µs. "
        f"One fdatasync of 64 KiB: {sync['p50_us']} µs (p50), {sync['p99_us']} µs (p99). "
        f"Floor: producing to three replicas {least['produce']:.2f} s/GB, "
        f"consuming {least['consume']:.2f} s/GB.",
    ]
    return "\n".join(out)
