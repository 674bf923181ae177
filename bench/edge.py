"""What the edge costs: CPU of the server for a `GET`, with credentials, roles and limits checked, and without.

    .venv/bin/python -m bench.edge

The page answers at once with a product's stock, the least that any call does, so a real call's ratio is smaller. Keys
come from a store in memory: MongoDB is asked every two seconds, whatever the load.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from datetime import UTC, datetime

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ed25519

from app.security.caller import Role
from app.security.keys import ApiKey, new_key
from app.security.known_keys import KnownKeys
from app.security.known_tokens import KnownTokens
from app.security.limits import Grant, Limit
from app.security.quotas import Quotas
from app.security.token_keys import OneKey
from app.security.tokens import Expected, VerificationKey
from schemas.http import StockAnswer
from views import admission
from views.bodies import answer
from views.edge import edge
from views.serving import Runner

PORT = 7391
REQUESTS = 20_000
CONNECTIONS = 32
ROUNDS = 3
STOCK = StockAnswer("789", "Kettle", 10, 1, 9, 1999, "USD", 7, datetime.now(UTC))
PRIVATE = ed25519.Ed25519PrivateKey.generate()
FAR = Limit(1_000_000, 2_000_000)
FREE, LIMITED = (new_key("k", frozenset({Role.SUPPORT}), limit, datetime.now(UTC), None) for limit in (None, FAR))
TOKEN = jwt.encode({"sub": "u", "roles": ["support"], "exp": time.time() + 3600}, PRIVATE, "EdDSA")
CALLERS = {
    "the demo key": {"x-api-key": "demo"},
    "a key": {"x-api-key": FREE[0]},
    "a key with a limit": {"x-api-key": LIMITED[0]},
    "a key with a limit, and a token": {"x-api-key": LIMITED[0], "Authorization": f"Bearer {TOKEN}"},
}


class Store:
    async def find(self, key_id: str) -> ApiKey | None:
        return {it[1].id: it[1] for it in (FREE, LIMITED)}.get(key_id)

    async def note_use(self, key_id: str, at: datetime) -> None:
        pass


async def grant(_key: str, limit: Limit, wanted: int) -> Grant:
    return Grant(wanted, limit.burst)


async def page(_request: web.Request) -> web.Response:
    return answer(STOCK)


async def cost_us(middlewares: list[object], headers: dict[str, str]) -> float:
    """CPU microseconds of this process a request."""
    served = web.Application(middlewares=middlewares)  # type: ignore[arg-type]
    served.router.add_get("/v1/inventory/{product_id}", page)
    runner = Runner(served)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", PORT).start()
    client = multiprocessing.get_context("spawn").Process(target=ask, args=(headers,))
    client.start()
    while not runner.server or not runner.server.requests_count:  # noqa: ASYNC110 - it starts up
        await asyncio.sleep(0.01)
    began_s, before = time.process_time(), runner.server.requests_count
    await asyncio.to_thread(client.join)
    spent_s, done = time.process_time() - began_s, runner.server.requests_count - before
    await runner.cleanup()
    return spent_s / done * 1e6


def ask(headers: dict[str, str]) -> None:
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET /v1/inventory/789 HTTP/1.1\r\nHost: x\r\n{told}\r\n".encode()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        for _ in range(REQUESTS // CONNECTIONS):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))

    asyncio.run(all_of_them())


async def main() -> None:
    known, quotas = KnownKeys(Store(), 2.0, 60.0), Quotas(grant)
    admission.known_keys = lambda: known  # type: ignore[assignment]
    admission.quotas = lambda: quotas  # type: ignore[assignment]
    admission._tokens = KnownTokens(OneKey(VerificationKey("EdDSA", PRIVATE.public_key())), Expected())
    off = min([await cost_us([], {"x-api-key": "demo"}) for _ in range(ROUNDS)])
    print(f"{'off':34} {off:6.1f} us")
    for name, headers in CALLERS.items():
        on = min([await cost_us([edge], headers) for _ in range(ROUNDS)])
        print(f"{name:34} {on:6.1f} us  x{on / off:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
