"""What it costs to be seen: orders a second and CPU with logs, metrics and traces, against without.

    .venv/bin/python -m bench.observed

A collector in a process of its own takes the spans over OTLP; `/metrics` is read every five seconds.
Each variant runs once a round, so that a busy machine slows all of them.
"""

from __future__ import annotations

import multiprocessing
import threading
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rich.console import Console
from rich.table import Table

from app.embedded.ports import free_port
from bench import throughput
from bench.beside import beside
from bench.figures import ratio, spread
from bench.house import House, System, open_house
from bench.throughput import Load, Rate

ROUNDS, SECONDS = 3, 12.0
SCRAPE_EVERY_S = 5.0
QUIET = {"LOG_LEVEL": "WARNING"}


class Collector(BaseHTTPRequestHandler):
    """Takes all that comes, and looks at nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def collect(port: int) -> None:
    ThreadingHTTPServer(("127.0.0.1", port), Collector).serve_forever()


def scraping(system: System) -> AbstractContextManager[None]:
    """Read the worker's metrics until the end of the body."""

    def scrape(over: threading.Event) -> None:
        while not over.wait(SCRAPE_EVERY_S):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{system.port}/metrics", timeout=5).read()
            except OSError:
                return  # the worker ends when it has been measured

    return beside(scrape)


def observed(house: House, traced: float, environment: Mapping[str, str]) -> Rate:
    """All on, with a share of the orders `traced`."""
    with ExitStack() as stack:
        load = Load(seconds=SECONDS, traced=traced)
        return throughput.ours(house, load, lambda system: stack.enter_context(scraping(system)), environment)


def main() -> None:
    port = free_port()
    collector = multiprocessing.get_context("spawn").Process(target=collect, args=(port,), daemon=True)
    collector.start()
    otlp = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{port}/v1/traces",
    }
    measured: dict[str, list[Rate]] = {}
    with open_house() as house:
        for _ in range(ROUNDS):
            for name, run in {
                "off": lambda: throughput.ours(house, Load(seconds=SECONDS), environment=QUIET),
                "logs and metrics": lambda: observed(house, 0.0, {}),
                "and one order of 100 traced": lambda: observed(house, 0.01, otlp),
                "and every order traced": lambda: observed(house, 1.0, otlp),
            }.items():
                measured.setdefault(name, []).append(run())
    collector.terminate()
    table = Table("seen by", "orders/s", "low-high", "of off", "worker µs", "of off")
    off = measured["off"]
    for name, runs in measured.items():
        rate, cpu = (spread([getattr(it, part) for it in runs]) for part in ("orders_per_s", "worker_us"))
        of_rate = ratio(rate, spread([it.orders_per_s for it in off]))
        of_cpu = ratio(cpu, spread([it.worker_us for it in off]))
        table.add_row(
            *(name, f"{rate.median:.0f}", f"{rate.low:.0f}-{rate.high:.0f}", f"{of_rate:.2f}"),
            *(f"{cpu.median:.0f}", f"{of_cpu:.2f}"),
        )
    Console(highlight=False, width=120).print(table)


if __name__ == "__main__":
    main()
