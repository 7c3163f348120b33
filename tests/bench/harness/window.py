"""Runs a client against a cluster and reads what the brokers used while it measured."""

import json
import subprocess
import threading
import time

from .proc import Machine


class Window:
    """What brokers, client and machine used between `open` and `close`."""

    def __init__(self, cluster, profiler=None):
        self.cluster, self.profiler = cluster, profiler
        self.recording = None
        self.result = {}

    def open(self):
        if self.profiler:
            self.recording = self.profiler.start(self.cluster.pids())
        self.began = time.monotonic()
        self.machine, self.brokers = Machine.now(), self.cluster.cpu()

    def close(self):
        took = time.monotonic() - self.began
        brokers, machine = self.cluster.cpu() - self.brokers, Machine.now()
        self.result = {
            "window_s": took,
            "broker_cpu_s": brokers,
            "broker_cores": brokers / took,
            # The client, the kernel's writeback, and whatever else runs here.
            "other_cores": (machine.busy - self.machine.busy - brokers) / took,
            "steal_cores": (machine.steal - self.machine.steal) / took,
            "rss_mb": max(self.cluster.rss_mb(), default=0),
            "rss_sum_mb": sum(self.cluster.rss_mb()),
        }
        self.end_profile()

    def end_profile(self):
        if self.recording:
            recording, self.recording = self.recording, None
            self.profiler.stop(recording)


def load(binary, window, kind, timeout=300, on_start=None, **arguments):
    """One run of the load generator: what it measured, and what the window saw."""
    command = [str(binary), kind, "--bootstrap", window.cluster.bootstrap]
    for name, value in arguments.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    return run(command, window, timeout, on_start)


def run(command, window, timeout=300, on_start=None):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(timeout, process.kill)
    watchdog.start()
    measured = None
    try:
        for line in process.stdout:
            if line.startswith("MARK start"):
                window.open()
                if on_start:
                    on_start()
            elif line.startswith("MARK end"):
                window.close()
            elif line.startswith("{"):
                measured = json.loads(line)
        complaint = process.stderr.read()
        process.wait()
    finally:
        watchdog.cancel()
        window.end_profile()
        if process.poll() is None:
            process.kill()
            process.wait()
    if measured is None or process.returncode:
        raise RuntimeError(f"{' '.join(command[1:3])}: {complaint[-1500:]}")
    return figures(measured, window.result)


def figures(measured, window):
    """The two put together, and what follows from them."""
    row = {**measured, **window}
    seconds = row.get("secs") or row.get("window_s")
    if row.get("bytes"):
        row["mb_s"] = row["bytes"] / 1e6 / seconds
        if "broker_cpu_s" in row:
            row["cpu_s_per_gb"] = row["broker_cpu_s"] / (row["bytes"] / 1e9)
    if row.get("records"):
        row["records_s"] = row["records"] / seconds
        if "broker_cpu_s" in row:
            row["cpu_us_per_record"] = row["broker_cpu_s"] * 1e6 / row["records"]
    for name in ("ack_us", "e2e_us"):
        for quantile in ("p50", "p99", "p999", "max"):
            if quantile in row.get(name, {}):
                row[f"{name[:3]}_{quantile}_ms"] = row[name][quantile] / 1e3
    return row
