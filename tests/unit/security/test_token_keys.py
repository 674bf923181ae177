"""Published keys: fetched when they are needed, not more often than is polite, and kept through an outage."""

import asyncio
from typing import Any

import pytest

from app.security.known_keys import StoreAway
from app.security.token_keys import LEAST_PAUSE_S, REFRESHED_S, OneKey, PublishedKeys
from app.security.tokens import secret_key
from tests.unit.security.test_tokens import jwk


class Address:
    """Publishes keys, counts how often it is asked, and can be away."""

    def __init__(self) -> None:
        self.document: Any = {"keys": [jwk("EdDSA")]}
        self.asked = 0
        self.now_s = 5.0
        self.keys = PublishedKeys(self.fetch, lambda: self.now_s)

    async def fetch(self) -> object:
        self.asked += 1
        await asyncio.sleep(0)
        if self.document is None:
            raise StoreAway
        return self.document


@pytest.fixture
def address() -> Address:
    return Address()


async def test_keys_are_fetched_once_for_all_who_wait(address: Address) -> None:
    found = await asyncio.gather(*(address.keys.find("EdDSA") for _ in range(10)))
    assert all(key is not None and key.algorithm == "EdDSA" for key in found)
    assert await address.keys.find(None) == found[0]
    assert address.asked == 1


async def test_an_unknown_kid_is_looked_for_at_a_bounded_rate(address: Address) -> None:
    await address.keys.find("EdDSA")
    address.now_s += LEAST_PAUSE_S
    for _ in range(100):
        assert await address.keys.find("made-up") is None
    assert address.asked == 2
    address.document = {"keys": [jwk("EdDSA"), jwk("ES256")]}
    assert await address.keys.find("ES256") is None, "not yet"
    address.now_s += LEAST_PAUSE_S
    assert await address.keys.find("ES256") is not None
    assert await address.keys.find(None) is None, "which of the two?"


@pytest.mark.parametrize("broken", [None, {"keys": []}, "nonsense"])
async def test_the_last_good_keys_stay(address: Address, broken: Any) -> None:
    await address.keys.find("EdDSA")
    address.document = broken
    address.now_s += REFRESHED_S + 1
    assert await address.keys.find("EdDSA") is not None
    await asyncio.sleep(0.01)
    assert address.asked == 2
    with pytest.raises(StoreAway):
        await address.keys.find("new")
    address.now_s += REFRESHED_S + 1
    assert await address.keys.find("EdDSA") is not None


async def test_before_the_first_keys_nobody_can_say(address: Address) -> None:
    address.document = None
    for _ in range(3):
        with pytest.raises(StoreAway):
            await address.keys.find("EdDSA")
    assert address.asked == 1


async def test_old_keys_are_fetched_anew_beside_the_request(address: Address) -> None:
    await address.keys.find("EdDSA")
    address.now_s += REFRESHED_S
    assert await address.keys.find("EdDSA") is not None
    await asyncio.sleep(0.01)
    assert address.asked == 2
    assert await address.keys.find("EdDSA") is not None
    assert address.asked == 2


async def test_a_key_that_was_set_is_the_key() -> None:
    key = secret_key("s" * 32)
    assert await OneKey(key).find("any") is key
    assert await OneKey(key).find(None) is key
