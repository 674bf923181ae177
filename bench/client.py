"""A small HTTP client that sends what it is told to and notes how long each answer took: `python -m bench.client`.

It is a process of its own, and speaks just enough HTTP/1.1 to cost less than what it measures: its own CPU is in the
report. With a rate, requests are sent when they are due, on as many connections as that takes; without, each connection
sends its next request when it has the answer to the last.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import cast

import uvloop

from bench.feed import products
from bench.figures import due_times, percentiles

DEMO = "x-api-key: demo"
CREATED = 201
MOST_CONNECTIONS = 500
"""Fewer than a worker answers at once."""


class Connection(asyncio.Protocol):
    """One kept-open connection, one request at a time."""

    def __init__(self) -> None:
        self.is_closed = False
        self._buffer = b""
        self._answered: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none of asyncio's

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error or ConnectionError("closed"))

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Send it; the future is the answer's status."""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered


class Requests:
    """The requests of one kind, one after the other, and when each was due and answered (seconds since 1970)."""

    def __init__(self, kind: str, prefix: str, known: int, port: int, headers: Sequence[str] = (DEMO,)) -> None:
        self._kind = kind
        self._headers = "".join(f"{header}\r\n" for header in ("Host: bench", *headers))
        self._prefix = prefix
        self._known = known
        self._port = port
        self._numbers = itertools.count()
        self._products = products(100)
        self.due: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.statuses: Counter[int] = Counter()
        self.ended: dict[str, int] = {}

    async def connect(self) -> Connection:
        """One more connection."""
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, "127.0.0.1", self._port))[1]

    async def one(self, connection: Connection, due_at: float) -> None:
        """Send the next request, and note its end."""
        name, request = self._next()
        self.due[name] = due_at
        self.ended[name] = status = await connection.send(request)
        self.statuses[status] += 1
        self.answered[name] = time.time()

    def _next(self) -> tuple[str, bytes]:
        number = next(self._numbers)
        if self._kind == "order":
            path = f"/v1/orders/{self._prefix}-{number % self._known:07d}"
        elif self._kind == "stock":
            path = f"/v1/inventory/{self._products[number % 100]}"
        else:
            order_id = f"{self._prefix}-post-{number:07d}"
            items = [{"productId": self._products[number % 100], "quantity": 1}]
            body = json.dumps({"orderId": order_id, "userId": "user-1", "items": items})
            head = f"POST /v1/orders HTTP/1.1\r\n{self._headers}content-type: application/json\r\n"
            return order_id, f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()
        return f"{number}", f"GET {path} HTTP/1.1\r\n{self._headers}\r\n".encode()


async def closed(requests: Requests, connections: int, seconds: float) -> None:
    """Each connection sends its next request when it has the answer to the last."""
    end = time.time() + seconds

    async def repeat() -> None:
        connection = await requests.connect()
        while (now := time.time()) < end:
            await requests.one(connection, now)

    await asyncio.gather(*(repeat() for _ in range(connections)))


async def opened(requests: Requests, rate_per_s: float, seconds: float, most: int = MOST_CONNECTIONS) -> None:
    """Each request is sent when it is due, whatever became of those before."""
    began, open_ones, free = time.time(), 0, list[Connection]()

    async def taken() -> Connection:
        """The connection that was used last, which the server has not closed as idle, or else a new one."""
        nonlocal open_ones
        while True:
            if free:
                connection = free.pop()
                if not connection.is_closed:
                    return connection
                open_ones -= 1
            elif open_ones < most:
                open_ones += 1
                return await requests.connect()
            else:
                await asyncio.sleep(0.001)

    async def send(due_at: float) -> None:
        connection = await taken()
        await requests.one(connection, due_at)
        free.append(connection)

    async with asyncio.TaskGroup() as sending:
        for due_s in due_times(rate_per_s, seconds):
            await asyncio.sleep(max(0.0, began + due_s - time.time()))
            sending.create_task(send(began + due_s))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("post", "order", "stock"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--prefix", required=True, help="of the order ids")
    parser.add_argument("--known", type=int, default=1, help="orders that are there to be read")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--most", type=int, default=MOST_CONNECTIONS, help="connections, with a rate")
    parser.add_argument("--header", action="append", help="instead of the demo key; may be given several times")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    options = parser.parse_args()
    prefix = options.prefix if options.kind == "order" else f"{options.prefix}-{options.seed}"
    requests = Requests(options.kind, prefix, options.known, options.port, options.header or (DEMO,))
    run = opened(requests, options.rate, options.seconds, options.most) if options.rate else None
    began_s, cpu_s = time.monotonic(), time.process_time()
    uvloop.run(run or closed(requests, options.connections, options.seconds))
    lasted_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    waited_ms = {name: (requests.answered[name] - at) * 1000 for name, at in requests.due.items()}
    by_status: defaultdict[int, list[float]] = defaultdict(list)
    for name, status in requests.ended.items():
        by_status[status].append(waited_ms[name])
    told = {
        "per_s": len(waited_ms) / lasted_s,
        "statuses": requests.statuses,
        "latency_ms": percentiles(list(waited_ms.values())),
        "latency_ms_of": {status: percentiles(ms) for status, ms in by_status.items()},
        "client_us": cpu_s / len(waited_ms) * 1e6,
        "due": requests.due if options.kind == "post" else {},
        "taken": [name for name, status in requests.ended.items() if status == CREATED and options.kind == "post"],
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
