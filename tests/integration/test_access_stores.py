"""What is kept in MongoDB of keys and limits."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.adapters import mongo as adapter
from app.adapters.api_keys import ApiKeys, NameTaken
from app.adapters.shared_buckets import SharedBuckets
from app.embedded.mongod import EmbeddedMongod
from app.security.caller import Role
from app.security.keys import Verdict, new_key, rotated
from app.security.known_keys import KnownKeys, StoreAway
from app.security.limits import Limit
from app.security.quotas import Quotas

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def database(mongo: EmbeddedMongod) -> AsyncIterator[adapter.Database]:
    made = adapter.database(mongo.url, f"access-{uuid.uuid4().hex[:8]}")
    yield made
    await made.client.drop_database(made.name)
    made.client.close()


@pytest.fixture
async def nowhere(free_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[adapter.Database]:
    monkeypatch.setattr(adapter, "AWAY_AFTER_MS", 50)
    made = adapter.database(f"mongodb://127.0.0.1:{free_port}", "none")
    yield made
    made.client.close()


async def test_a_key_comes_back_as_it_was_kept_and_its_secret_is_not_there(database: adapter.Database) -> None:
    keys = ApiKeys(database)
    presented, key = new_key("shop", frozenset({Role.SUPPORT}), Limit(5, 10), NOW, NOW + timedelta(days=1))
    await keys.add(key)
    assert await keys.find(key.id) == await keys.named("shop") == key
    assert await keys.find("other") is None
    assert presented.split("_", 2)[2] not in str(await database["api_keys"].find_one())

    new, changed = rotated(key, NOW, timedelta(hours=1))
    await keys.note_use(key.id, NOW)
    await keys.change(replace(changed, limit=None))
    found = await keys.find(key.id)
    assert found is not None
    assert (found.used_at, found.limit, found.verdict(new, NOW)) == (NOW, None, Verdict.GOOD)
    await keys.note_use(key.id, NOW - timedelta(hours=1))
    assert (await keys.all())[0].used_at == NOW, "an earlier use takes nothing back"


async def test_a_name_is_one_keys(database: adapter.Database) -> None:
    keys = ApiKeys(database)
    for name in ("b", "a"):
        await keys.add(new_key(name, frozenset(), None, NOW, None)[1])
    with pytest.raises(NameTaken):
        await keys.add(new_key("a", frozenset(), None, NOW, None)[1])
    assert [key.name for key in await keys.all()] == ["a", "b"]


async def test_without_mongodb_nobody_can_say(nowhere: adapter.Database) -> None:
    with pytest.raises(StoreAway):
        await ApiKeys(nowhere).find("any")
    with pytest.raises(StoreAway):
        await SharedBuckets(nowhere).take("any", Limit(1, 1), 1)


async def test_a_revocation_arrives_at_every_worker(database: adapter.Database) -> None:
    keys = ApiKeys(database)
    presented, key = new_key("shop", frozenset(), None, NOW, None)
    await keys.add(key)
    workers = [KnownKeys(ApiKeys(database), 0.2, 60) for _ in range(3)]
    for worker in workers:
        found = await worker.find(key.id)
        assert found is not None
        assert found.verdict(presented, NOW) is Verdict.GOOD
    await keys.change(replace(key, revoked_at=NOW))
    async with asyncio.timeout(5):
        for worker in workers:
            while (found := await worker.find(key.id)) is None or found.verdict(presented, NOW) is Verdict.GOOD:
                await asyncio.sleep(0.02)


async def test_a_bucket_gives_what_it_has_and_fills(database: adapter.Database) -> None:
    buckets, limit = SharedBuckets(database), Limit(20, 10)
    assert (await buckets.take("k", limit, 4)).taken == 4
    assert (await buckets.take("k", limit, 40)).taken == 6
    began_s = time.monotonic()
    while not (await buckets.take("k", limit, 1)).taken:
        await asyncio.sleep(0.005)
    assert time.monotonic() - began_s < 1
    assert (await buckets.take("other", limit, 40)).taken == 10


async def test_a_bucket_made_by_many_at_once_is_one(database: adapter.Database) -> None:
    buckets = SharedBuckets(database)
    grants = await asyncio.gather(*(buckets.take("k", Limit(0.001, 30), 10) for _ in range(10)))
    assert sum(grant.taken for grant in grants) == 30


async def test_two_workers_let_through_together_what_one_may(database: adapter.Database) -> None:
    """One key limited to 50 a second, 200 a second sent to both: 45 to 60 a second pass."""
    limit = Limit(50, 50)
    workers = [Quotas(SharedBuckets(database).take) for _ in range(2)]
    passed: list[float] = []

    async def send(worker: Quotas, until_s: float) -> None:
        while time.monotonic() < until_s:
            if (await worker.take("k", limit)).passed:
                passed.append(time.monotonic())
            await asyncio.sleep(1 / 200)

    began_s = time.monotonic()
    await asyncio.gather(*(send(worker, began_s + 5) for worker in workers))
    steady = [at_s for at_s in passed if at_s > began_s + 1.5]  # the burst is over
    assert 45 <= len(steady) / 3.5 <= 60
    assert all(worker.is_shared for worker in workers)
