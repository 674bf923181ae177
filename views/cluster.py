"""A look inside: every worker, what it holds, and how far it is. Any worker gathers it from all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from app.delivery import inside, workers
from app.main import access, app, settings
from schemas.cluster import (
    ClusterAnswer,
    PartitionAnswer,
    RecoveryAnswer,
    UnownedAnswer,
    WorkerAnswer,
)
from schemas.http import TableAnswer
from views.admission import credentials_of
from views.bodies import answer
from views.health import tables_state
from views.page import Page
from views.tables import TABLES, count

ASK_TIMEOUT_S: Final = 4.0
"""How long another worker may take: longer than it waits for Kafka itself."""

_started_s: Final = time.monotonic()


@app.page("/cluster", name="cluster")
class Cluster(Page):
    """All workers."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Show each worker, and the partitions that none holds."""
        others = [url for url in workers(app) if url != app.own_url]
        headers = credentials_of(request)
        connector = TCPConnector(ssl=access.client_tls())
        limit = ClientTimeout(total=ASK_TIMEOUT_S)
        async with ClientSession(timeout=limit, headers=headers, connector=connector) as session:
            told = await asyncio.gather(myself(), *(_ask(session, url) for url in others))
        found = sorted((it for it in told if it is not None), key=lambda it: it.url)
        silent = tuple(url for url, it in zip(others, told[1:], strict=True) if it is None)
        return answer(ClusterAnswer(tuple(found), silent, unowned(found)))


@app.page("/cluster/worker", name="cluster-worker")
class ClusterWorker(Page):
    """This worker."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Show what this worker holds, and how far it is."""
        return answer(await myself())


async def myself() -> WorkerAnswer:
    """This worker, as it is now."""
    recovered = inside.recovered(app)
    return WorkerAnswer(
        url=app.own_url,
        state=tables_state(),
        instance_id=settings.group_instance_id,
        generation=inside.generation(app),
        rebalances=app.rebalancing_count,
        up_s=int(time.monotonic() - _started_s),
        partitions=tuple(PartitionAnswer(*it, it.lag) for it in await inside.progress(app)),
        tables=tuple(TableAnswer(name, tuple(sorted(it.partitions_held)), count(it)) for name, it in TABLES.items()),
        recovery=RecoveryAnswer(*recovered),
    )


def unowned(told: Iterable[WorkerAnswer]) -> tuple[UnownedAnswer, ...]:
    """The partitions of the topics we read that none of these workers holds."""
    held = {(it.topic, it.partition) for worker in told for it in worker.partitions}
    missing = (
        UnownedAnswer(topic, tuple(it for it in range(app.partitions_of(topic)) if (topic, it) not in held))
        for topic in sorted(app.lanes)
    )
    return tuple(it for it in missing if it.partitions)


async def _ask(session: ClientSession, url: str) -> WorkerAnswer | None:
    try:
        async with session.get(f"{url}/cluster/worker") as told:
            return msgspec.json.decode(await told.read(), type=WorkerAnswer) if told.status == 200 else None
    except (ClientError, OSError, TimeoutError, msgspec.DecodeError):
        return None
