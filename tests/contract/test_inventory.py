"""Inventory, by the contract: set, adjusted, never below what live orders hold."""

import asyncio

from tests.contract.api import Api

UPDATE = "/v1/inventory/update"


async def test_a_new_product_takes_the_defaults_for_what_is_not_given(api: Api, fresh: str) -> None:
    made = await api.call("PUT", UPDATE, {"productId": fresh, "quantity": 7})
    assert made.status == 200
    assert made.body.pop("updatedAt").endswith("Z")
    assert made.body == {
        "productId": fresh, "name": fresh, "onHand": 7, "reserved": 0, "available": 7, "price": 1000,
        "currency": "USD", "version": 1,
    }  # fmt: skip


async def test_set_and_adjust(api: Api, fresh: str) -> None:
    described = {"productId": fresh, "quantity": 5, "price": 99, "currency": "EUR", "name": "A mug"}
    await api.call("PUT", UPDATE, described)
    changed = await api.call("PUT", UPDATE, {"productId": fresh, "quantity": -2, "mode": "adjust"})
    assert (changed.body["onHand"], changed.body["price"], changed.body["currency"]) == (3, 99, "EUR")
    changed = await api.call("PUT", UPDATE, {"productId": fresh, "quantity": 9, "mode": "set"})
    assert (changed.body["onHand"], changed.body["name"], changed.body["version"]) == (9, "A mug", 3)
    assert (await api.call("GET", f"/v1/inventory/{fresh}")).body == changed.body


async def test_on_hand_cannot_fall_below_what_live_orders_hold(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    held = {"userId": "u", "items": [{"productId": fresh, "quantity": 4}], "payment": {"mode": "manual"}}
    await api.call("POST", "/v1/orders", held, headers={"Prefer": "wait=20"})
    assert await api.stock(fresh) == (5, 4)
    refused = await api.call("PUT", UPDATE, {"productId": fresh, "quantity": 3})
    assert (refused.status, await api.stock(fresh)) == (409, (5, 4))
    assert (await api.call("PUT", UPDATE, {"productId": fresh, "quantity": -2, "mode": "adjust"})).status == 409
    assert (await api.call("PUT", UPDATE, {"productId": fresh, "quantity": 4})).status == 200


async def test_nothing_can_be_taken_from_a_product_nobody_knows(api: Api, fresh: str) -> None:
    assert (await api.call("PUT", UPDATE, {"productId": fresh, "quantity": -1, "mode": "adjust"})).status == 409
    assert (await api.call("GET", f"/v1/inventory/{fresh}")).status == 404


async def test_a_change_with_a_key_is_made_once(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    change = {"productId": fresh, "quantity": 5, "mode": "adjust"}
    key = {"Idempotency-Key": f'"{fresh}"'}
    replies = await asyncio.gather(*(api.call("PUT", UPDATE, change, headers=key) for _ in range(5)))
    assert {reply.status for reply in replies} <= {200, 409}, "409: the first is not answered yet"
    replies.append(await api.call("PUT", UPDATE, change, headers=key))
    assert {reply.body["onHand"] for reply in replies if reply.status == 200} == {6}
    assert (await api.call("PUT", UPDATE, change, headers={"Idempotency-Key": f"{fresh}-2"})).body["onHand"] == 11


async def test_a_refused_change_stays_refused(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    change, key = {"productId": fresh, "quantity": -2, "mode": "adjust"}, {"Idempotency-Key": fresh}
    assert (await api.call("PUT", UPDATE, change, headers=key)).status == 409
    await api.supply(fresh, 10)
    assert (await api.call("PUT", UPDATE, change, headers=key)).status == 409
    assert await api.stock(fresh) == (10, 0)


async def test_a_key_must_be_one(api: Api, fresh: str) -> None:
    for key in ("", '""', "x" * 201):
        reply = await api.call("PUT", UPDATE, {"productId": fresh, "quantity": 1}, headers={"Idempotency-Key": key})
        assert reply.status == 400
    assert (await api.call("GET", f"/v1/inventory/{fresh}")).status == 404


async def test_the_catalogue_goes_on_from_its_cursor(api: Api, fresh: str) -> None:
    ours = [f"{fresh}-{number}" for number in range(5)]
    for product_id in ours:
        await api.supply(product_id, 1)
    async with asyncio.timeout(20):
        while [it for it in await _catalogue(api) if it.startswith(fresh)] != ours:
            await asyncio.sleep(0.05)


async def _catalogue(api: Api) -> list[str]:
    """All products, by pages of two."""
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = (await api.call("GET", "/v1/inventory", query=query)).body
        seen += [it["productId"] for it in page["items"]]
        if page["nextCursor"] is None:
            assert seen == sorted(set(seen))
            return seen
        query["cursor"] = page["nextCursor"]
