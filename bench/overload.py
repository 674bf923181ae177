"""Twice as many orders as it can do, for minutes: `python -m bench.overload`.

First what it can do, from `POST` to shipped at 64 connections, and how quickly it answers when it is calm. Then an open
rate of twice as many, on as many connections as that takes. Of the answers `201` and `503` are told apart; each order
that got `201` must be shipped in the end. Then how long it takes until all is at rest, and until it answers as before.
"""

from __future__ import annotations

import argparse
import threading
import time
from typing import Any

from bench.beside import beside
from bench.house import System, open_house
from bench.processes import memory_bytes
from bench.web import ask, shipped_at, stocked

CONNECTIONS = 256
CALM_PER_S = 50.0
CALM_S = 2.0
MOST_CONNECTIONS = 3000
SETTLE_S = 300.0
AS_BEFORE = 3.0
"""Calm again: its p99 is at most so many times what it was."""


def capacity(system: System, seconds: float) -> float:
    """Orders a second from `POST` to shipped: until the last of them is."""
    began_at = time.time()
    told = ask(system, "post", "--seconds", str(seconds), "--connections", str(CONNECTIONS))
    shipped = shipped_at(system, set(told["taken"]), SETTLE_S)
    return len(shipped) / (max(shipped.values()) - began_at)


def calm(system: System) -> dict[str, float]:
    """How quickly a few orders are answered, in milliseconds."""
    told = ask(system, "post", "--rate", str(CALM_PER_S), "--seconds", str(CALM_S))
    latency_ms: dict[str, float] = told["latency_ms"]
    return latency_ms


def overload(system: System, rate: float, seconds: float) -> tuple[dict[str, Any], list[float]]:
    """The client's report, and the worker's memory in MB, once a second."""
    pid, memory_mb = system.workers[0].pid, list[float]()

    def watch(over: threading.Event) -> None:
        while not over.wait(1.0):
            memory_mb.append(memory_bytes(pid) / 1e6)

    with beside(watch):
        most = ("--most", str(MOST_CONNECTIONS))
        return ask(system, "post", "--rate", str(rate), "--seconds", str(seconds), *most), memory_mb


def main() -> None:
    """Print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    options = parser.parse_args()
    with open_house() as house, stocked(house) as (system, _):
        capacity(system, 5.0)  # warms it up
        can = capacity(system, 10.0)
        quiet_ms = calm(system)
        print(f"it can do {can:.0f} orders/s; calm, POST is answered in {_shown(quiet_ms)}", flush=True)
        told, memory_mb = overload(system, 2 * can, options.seconds)
        ended_at = time.time()
        again_s = None
        while again_s is None and time.time() - ended_at < SETTLE_S:
            if calm(system)["p99"] <= AS_BEFORE * quiet_ms["p99"]:
                again_s = time.time() - ended_at - CALM_S  # when that look began
        shipped = shipped_at(system, set(told["taken"]), SETTLE_S)
        print(f"at {2 * can:.0f}/s for {options.seconds:.0f} s: {told['statuses']}")
        for status, latency_ms in told["latency_ms_of"].items():
            print(f"  {status} after {_shown(latency_ms)}")
        print(f"  memory {memory_mb[0]:.0f} MB at first, {max(memory_mb):.0f} at most, {memory_mb[-1]:.0f} at the end")
        print(f"  of {len(told['taken'])} taken {len(shipped)} were shipped, the last {_after(shipped, ended_at)}")
        print(f"  answered as before {'never' if again_s is None else f'{max(0.0, again_s):.1f} s after the end'}")


def _shown(latency_ms: dict[str, float]) -> str:
    return ", ".join(f"{name} {ms:.0f} ms" for name, ms in latency_ms.items())


def _after(shipped: dict[str, float], ended_at: float) -> str:
    return f"{max(shipped.values()) - ended_at:.1f} s after the end"


if __name__ == "__main__":
    main()
