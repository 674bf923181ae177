"""Where an order's time goes: `python -m bench.profile`. Needs py-spy, and the right to trace a child process.

The kernel says what each thread of the worker used; py-spy says what the threads that run Python were doing. Of
each stack the innermost frame that is of a layer counts, and of threads those that hold the interpreter.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.house import System, open_house
from bench.throughput import Load, ours

RATE_PER_S = 200
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

LAYERS = {
    "orders: the saga": ("app/domain/saga", "app/domain/legs", "app/domain/order", "app/domain/money"),
    "decisions of the others": ("app/domain/",),
    "participants: messages to decisions and back": ("app/participants/",),
    "codec: records from and to bytes": ("schemas/", "faust/models/"),
    "delivery: timers": ("app/delivery/timers", "app/domain/deadlines"),
    "delivery: calls beside the stream": ("app/delivery/calls", "app/adapters/outcome", "agents/"),
    "delivery: sending": tuple(f"app/delivery/{name}" for name in ("draft", "sink", "sender", "batch", "produce")),
    "delivery: reading": tuple(f"app/delivery/{name}" for name in ("reader", "read.py", "fetch", "handing", "intake")),
    "Kafka's connections (aiokafka)": ("app/delivery/brokers", "/aiokafka/", "asyncio/streams"),
    "delivery: slices": ("app/delivery/",),
    "MongoDB: what is written": ("app/adapters/", "app/projection/"),
    "MongoDB: its client": ("/pymongo/", "/motor/", "/bson/"),
    "Faust": ("/faust/", "/mode/"),
    "HTTP": ("/aiohttp/", "views/"),
    "asyncio": ("/asyncio/", "/concurrent/futures/"),
}


def layer_of(frames: Iterable[str]) -> str:
    """The layer of a stack whose innermost frame comes first; a library's frames belong to it as soon as they begin."""
    for frame in frames:
        for layer, parts in LAYERS.items():
            if any(part in frame for part in parts):
                return layer
    return "other"


def by_layer(raw: str) -> dict[str, Counter[str]]:
    """py-spy's raw lines as samples by thread and layer."""
    found: dict[str, Counter[str]] = {}
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        name = "main" if "MainThread" in thread else "others"
        found.setdefault(name, Counter())[layer_of(reversed(frames))] += int(count)
    return found


def threads_s(pid: int) -> Counter[str]:
    """CPU seconds that the process's threads have used so far, by their names."""
    used: Counter[str] = Counter()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        head, _, tail = stat.read_text().rpartition(")")
        fields = tail.split()
        name = "main" if stat.parent.name == str(pid) else head.partition("(")[2]
        used["librdkafka" if name.startswith("rdk:") else name] += (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return used


class Sampler:
    """Watches the worker of a system with this py-spy, from when it is told to, for `seconds`."""

    def __init__(self, py_spy: str, seconds: float) -> None:
        self._py_spy = py_spy
        self._seconds = seconds
        self.raw = Path(tempfile.mkdtemp(prefix="bench-")) / "raw"
        self.used: Counter[str] = Counter()
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, system: System) -> None:
        pid = system.workers[0].pid
        began = threads_s(pid)
        threading.Timer(self._seconds, lambda: self.used.update(threads_s(pid) - began)).start()
        command = [self._py_spy, "record", "--gil", "-t", "-F", "-f", "raw", "-r", str(RATE_PER_S)]
        command += ["-d", str(round(self._seconds)), "-o", str(self.raw), "--pid", str(pid)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def samples(self) -> str:
        """What it has seen."""
        assert self._process is not None
        self._process.wait(60)
        return self.raw.read_text()


def main() -> None:
    """Print a table of layers, in microseconds of CPU an order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--lines", type=int, default=1)
    parser.add_argument("--keep", help="a file for py-spy's raw samples")
    options = parser.parse_args()
    py_spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if py_spy is None:
        parser.error("py-spy is not installed: `.venv/bin/uv pip install py-spy` puts it beside this Python")
    sampler = Sampler(py_spy, options.seconds)
    with open_house() as house:
        rate = ours(house, Load(lines=options.lines, seconds=options.seconds), sampler)
    raw = sampler.samples()
    if options.keep:
        Path(options.keep).write_text(raw)
    shutil.rmtree(sampler.raw.parent)
    found = by_layer(raw)
    total = sum(sum(layers.values()) for layers in found.values())
    print(f"{time.strftime('%Y-%m-%d')}: {rate.orders_per_s:.0f} orders/s, worker {rate.worker_us:.0f} us an order")
    for thread, layers in sorted(found.items(), key=lambda it: -sum(it[1].values())):
        print(f"{thread}: {sum(layers.values()) / total:.0%}")
        for layer, count in layers.most_common():
            print(f"  {layer:50} {count / total:6.1%}")
    print("CPU by threads, as the kernel counts it:")
    for thread, cpu_s in sampler.used.most_common():
        print(f"  {thread:50} {cpu_s / sampler.used.total():6.1%}")


if __name__ == "__main__":
    main()
