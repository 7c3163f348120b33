"""The floor of the machine: the least CPU that brokers of this shape can take for a byte."""


def of(calibration, replicas=3):
    """CPU seconds of all brokers for each 10⁹ bytes.

    Producing: every replica receives and writes, the leader sends to the others and checks once.
    Consuming: sent once, from a file.
    """
    stream, write = calibration["tcp_256k"], calibration["write_256k"]
    crc, file = calibration["crc32c_256k"], calibration["sendfile_256k"]
    produce = (
        replicas * (stream["receive_cpu_s_per_gb"] + write["cpu_s_per_gb"])
        + (replicas - 1) * stream["send_cpu_s_per_gb"]
        + crc["cpu_s_per_gb"]
    )
    return {"produce": produce, "consume": file["send_cpu_s_per_gb"]}


def table(calibration):
    """What was measured without a broker."""
    out = ["| moved | CPU s/GB | of it sending | MB/s |", "|---|---|---|---|"]
    for name, figures in calibration.items():
        if "cpu_s_per_gb" in figures:
            sending = figures.get("send_cpu_s_per_gb")
            sending = "" if sending is None else f"{sending:.3f}"
            out.append(f"| {name} | {figures['cpu_s_per_gb']:.3f} | {sending} | {figures['mb_s']:.0f} |")
    wakeup, sync, least = calibration["wakeup"], calibration["fdatasync_64k"], of(calibration)
    out += [
        "",
        f"One wakeup of a thread: {wakeup['cpu_us']:.1f} µs of CPU, after {wakeup['latency_us']:.1f} µs. "
        f"One fdatasync of 64 KiB: {sync['p50_us']} µs (p50), {sync['p99_us']} µs (p99). "
        f"Floor: producing to three replicas {least['produce']:.2f} s/GB, "
        f"consuming {least['consume']:.2f} s/GB.",
    ]
    return "\n".join(out)
