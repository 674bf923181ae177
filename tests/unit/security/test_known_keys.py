"""Keys that are known: fresh enough for a revocation, and there while the store is away."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.security import known_keys
from app.security.keys import ApiKey, new_key
from app.security.known_keys import AWAY_S, USE_NOTED_S, KnownKeys, StoreAway

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FRESH_S, KEPT_S = 2.0, 600.0


class Store:
    """Keeps keys, counts how often it is asked, and can be away."""

    def __init__(self, *keys: ApiKey) -> None:
        self.keys = {key.id: key for key in keys}
        self.asked = 0
        self.away = False
        self.stuck = False
        self.uses: list[str] = []

    async def find(self, key_id: str) -> ApiKey | None:
        self.asked += 1
        if self.stuck:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if self.away:
            raise StoreAway
        return self.keys.get(key_id)

    async def note_use(self, key_id: str, at: datetime) -> None:
        if self.away:
            raise StoreAway
        self.uses.append(key_id)


class World:
    def __init__(self) -> None:
        self.key = new_key("shop", frozenset(), None, NOW, None)[1]
        self.store = Store(self.key)
        self.now_s = 1000.0
        self.known = KnownKeys(self.store, FRESH_S, KEPT_S, lambda: self.now_s)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_key_is_looked_up_once_while_it_is_fresh(world: World) -> None:
    assert not world.known.is_at_hand(world.key.id)
    assert await asyncio.gather(*(world.known.find(world.key.id) for _ in range(20))) == [world.key] * 20
    assert (world.store.asked, world.known.is_at_hand(world.key.id)) == (1, True)
    world.now_s += FRESH_S
    await world.known.find(world.key.id)
    assert world.store.asked == 1


async def test_a_key_that_is_not_fresh_any_more_is_still_at_hand(world: World) -> None:
    """Else wrong keys of one client would lock out good ones of others at the same address, two seconds later."""
    await world.known.find(world.key.id)
    world.now_s += KEPT_S
    assert world.known.is_at_hand(world.key.id)
    world.now_s += 1
    assert not world.known.is_at_hand(world.key.id)


async def test_a_revocation_arrives_when_the_entry_is_not_fresh_any_more(world: World) -> None:
    await world.known.find(world.key.id)
    world.store.keys[world.key.id] = replace(world.key, revoked_at=NOW)
    world.now_s += FRESH_S + 0.01
    found = await world.known.find(world.key.id)
    assert found is not None
    assert found.revoked_at == NOW


async def test_a_key_that_is_not_there_is_remembered_as_well(world: World) -> None:
    for _ in range(3):
        assert await world.known.find("nobody") is None
    assert (world.store.asked, world.known.is_at_hand("nobody")) == (1, False)


async def test_while_the_store_is_away_known_keys_stay_for_a_bounded_time(world: World) -> None:
    await world.known.find(world.key.id)
    await world.known.find("nobody")
    world.store.away = True
    world.now_s += KEPT_S - 1
    assert await world.known.find(world.key.id) == world.key
    with pytest.raises(StoreAway):
        await world.known.find("nobody")
    world.now_s += 2
    with pytest.raises(StoreAway):
        await world.known.find(world.key.id)
    world.store.away = False
    world.now_s += AWAY_S
    assert await world.known.find(world.key.id) == world.key


async def test_a_store_that_is_away_is_left_alone_for_a_while(world: World) -> None:
    world.store.away = True
    for _ in range(5):
        with pytest.raises(StoreAway):
            await world.known.find(world.key.id)
    assert world.store.asked == 1
    world.now_s += AWAY_S
    with pytest.raises(StoreAway):
        await world.known.find(world.key.id)
    assert world.store.asked == 2


async def test_a_store_that_hangs_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "PATIENCE_S", 0.01)
    await world.known.find(world.key.id)
    world.store.stuck = True
    world.now_s += FRESH_S + 1
    assert await world.known.find(world.key.id) == world.key
    with pytest.raises(StoreAway):
        await world.known.find("nobody")


async def test_a_client_that_goes_away_takes_nobodys_answer_with_it(world: World) -> None:
    first = asyncio.create_task(world.known.find(world.key.id))
    second = asyncio.create_task(world.known.find(world.key.id))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == world.key


async def test_strangers_do_not_fill_the_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "MOST", 10)
    for number in range(50):
        await world.known.find(f"stranger-{number}")
    assert len(world.known._entries) == 10


async def test_the_use_of_a_key_is_noted_now_and_then(world: World) -> None:
    for _ in range(5):
        world.known.note_use(world.key.id)
    world.now_s += USE_NOTED_S
    world.known.note_use(world.key.id)
    world.store.away = False
    while world.known._notes:
        await asyncio.wait(world.known._notes)
        await asyncio.sleep(0)
    assert world.store.uses == [world.key.id] * 2
