"""`Idempotency-Key`, by the contract: repeated, a request has its first answer again, and nothing is done twice."""

import asyncio
from typing import Any

import pytest

from app.security.caller import Role
from tests.contract.api import Api, Reply
from tests.contract.credentials import Keys

WAIT = {"Prefer": "wait=20"}
MANUAL = {"payment": {"mode": "manual"}, "shipping": {"mode": "manual"}}
UPDATE = "/v1/inventory/update"
REPLAYED = "Idempotent-Replayed"


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **more}


def order(product_id: str, **more: Any) -> dict[str, Any]:
    return {"userId": product_id[:20], "items": [{"productId": product_id, "quantity": 1}], **more}


def same(first: Reply, again: Reply) -> bool:
    """Whether the second answer is the first one given again."""
    assert REPLAYED not in first.headers
    return again.headers.get(REPLAYED) == "true" and (
        (again.status, again.body, again.headers.get("Location"), again.headers["Content-Type"])
        == (first.status, first.body, first.headers.get("Location"), first.headers["Content-Type"])
    )


async def test_an_order_is_taken_in_once_and_answered_as_it_then_was(api: Api, fresh: str) -> None:
    await api.supply(fresh, 10)
    for body in (order(fresh), order(fresh, orderId=fresh)):
        key = f"named-{'orderId' in body}"
        first = await api.call("POST", "/v1/orders", body, headers=keyed(key))
        assert (first.status, first.headers["Location"]) == (201, f"/v1/orders/{first.body['orderId']}")
        end = await api.call("GET", first.headers["Location"], headers=WAIT)
        assert (end.body["status"], end.body == first.body) == ("SHIPPED", False)
        for more in ({}, WAIT):
            assert same(first, await api.call("POST", "/v1/orders", body, headers=keyed(key, **more)))
    assert await api.stock(fresh) == (8, 0)


async def test_the_steps_of_an_order_are_taken_once(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    await api.call("POST", "/v1/orders", order(fresh, orderId=fresh, **MANUAL), headers=WAIT)
    for path, then in (("/v1/payments", "AWAITING_SHIPMENT"), ("/v1/shipping", "SHIPPED")):
        first = await api.call("POST", path, {"orderId": fresh}, headers=keyed("step"))
        assert first.status == 202
        assert (await api.call("GET", f"/v1/orders/{fresh}", headers=WAIT)).body["status"] == then
        assert same(first, await api.call("POST", path, {"orderId": fresh}, headers=keyed("step")))
        assert (await api.call("POST", path, {"orderId": fresh}, headers=keyed("another"))).status == 200
    payment = (await api.call("GET", f"/v1/payments/{fresh}")).body
    assert (payment["status"], payment["amount"]) == ("CAPTURED", 250)


async def test_an_order_is_called_back_once(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    await api.call("POST", "/v1/orders", order(fresh, orderId=fresh, **MANUAL), headers=WAIT)
    path = f"/v1/orders/{fresh}/cancel"
    first = await api.call("PUT", path, headers=keyed("back"))
    assert first.status == 202
    assert (await api.call("PUT", path, headers=WAIT)).body["status"] == "CANCELLED"
    assert same(first, await api.call("PUT", path, {}, headers=keyed("back")))
    assert (await api.call("PUT", path, {"reason": "other"}, headers=keyed("back"))).status == 422
    assert await api.stock(fresh) == (5, 0)


async def test_stock_is_changed_once_and_another_body_is_refused(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    change = {"productId": fresh, "quantity": 5, "mode": "adjust"}
    first = await api.call("PUT", UPDATE, change, headers=keyed(fresh))
    assert (first.status, first.body["onHand"]) == (200, 6)
    await api.supply(fresh, 3)
    assert same(first, await api.call("PUT", UPDATE, change, headers=keyed(f'"{fresh}"')))
    for other in ({"quantity": 6}, {"mode": "set"}, {"productId": f"{fresh}-2"}, {"price": 250}):
        assert (await api.call("PUT", UPDATE, change | other, headers=keyed(fresh))).status == 422
    assert await api.stock(fresh) == (3, 0)
    assert (await api.call("GET", f"/v1/inventory/{fresh}-2")).status == 404


async def test_a_key_is_the_applications_own(api: Api, keys: Keys, fresh: str) -> None:
    await api.supply(fresh, 1)
    a, b = [await keys.make({Role.ADMIN}) for _ in range(2)]
    change = {"productId": fresh, "quantity": 5, "mode": "adjust"}
    replies = [await api.call("PUT", UPDATE, change, headers=keyed(fresh), key=app) for app in (a, b, a)]
    assert [(it.body["onHand"], it.headers.get(REPLAYED)) for it in replies] == [(6, None), (11, None), (6, "true")]
    orders = [await api.call("POST", "/v1/orders", order(fresh), headers=keyed(fresh), key=app) for app in (a, b)]
    assert len({it.body["orderId"] for it in orders}) == 2


@pytest.mark.parametrize("named", [True, False])
async def test_another_order_under_the_key_is_refused_and_not_placed(api: Api, fresh: str, named: bool) -> None:
    await api.supply(fresh, 9)
    body = order(fresh, orderId=fresh) if named else order(fresh)
    first = await api.call("POST", "/v1/orders", body, headers=keyed(fresh))
    more = [{"quantity": 2}, {"productId": "other", "quantity": 1}]
    others = [*(body | {"items": [item]} for item in more), body | {"orderId": f"{fresh}-2"}, body | {"userId": "v"}]
    for other in others:
        refused = await api.call("POST", "/v1/orders", other, headers=keyed(fresh))
        assert (refused.status, REPLAYED in refused.headers) == (422, False)
    assert (await api.call("GET", f"/v1/orders/{fresh}-2")).status == 404
    end = await api.call("GET", first.headers["Location"], headers=WAIT)
    assert (end.body["status"], await api.stock(fresh)) == ("SHIPPED", (8, 0))
    assert same(first, await api.call("POST", "/v1/orders", dict(reversed(body.items())), headers=keyed(fresh)))


async def test_while_the_first_is_not_answered_a_second_is_told_to_come_back(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    slow = order(fresh, payment={"method": "slow"})
    first = asyncio.create_task(api.call("POST", "/v1/orders", slow, headers=keyed(fresh, **WAIT)))
    async with asyncio.timeout(10):
        while (await api.stock(fresh))[1] == 0:
            await asyncio.sleep(0.01)
    early = await api.call("POST", "/v1/orders", slow, headers=keyed(fresh))
    assert (early.status, int(early.headers["Retry-After"])) == (409, 1)
    other = await api.call("POST", "/v1/orders", order(fresh), headers=keyed(fresh))
    assert (other.status, "Retry-After" in other.headers) == (422, False)
    assert ((await first).status, (await first).body["status"]) == (201, "SHIPPED")
    assert same(await first, await api.call("POST", "/v1/orders", slow, headers=keyed(fresh)))
    assert await api.stock(fresh) == (4, 0)


async def test_what_could_not_be_done_stays_so_under_its_key(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    too_many = {"productId": fresh, "quantity": -2, "mode": "adjust"}
    pay, other = {"orderId": fresh}, order(fresh, orderId=fresh, metadata={"is": "another"})
    refused = [
        await api.call("PUT", UPDATE, too_many, headers=keyed(fresh)),
        await api.call("POST", "/v1/payments", pay, headers=keyed(fresh)),
    ]
    await api.supply(fresh, 10)
    await api.call("POST", "/v1/orders", order(fresh, orderId=fresh), headers=WAIT)
    refused.append(await api.call("POST", "/v1/orders", other, headers=keyed(fresh)))
    assert [it.status for it in refused] == [409, 404, 409]
    assert same(refused[0], await api.call("PUT", UPDATE, too_many, headers=keyed(fresh)))
    assert same(refused[1], await api.call("POST", "/v1/payments", pay, headers=keyed(fresh)))
    assert same(refused[2], await api.call("POST", "/v1/orders", other, headers=keyed(fresh)))
    assert (await api.call("POST", "/v1/payments", pay)).status == 200


async def test_a_body_that_was_not_valid_may_be_mended_under_the_same_key(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    body = order(fresh)
    for bad in ({**body, "colour": "red"}, {**body, "items": body["items"] * 2}):
        assert (await api.call("POST", "/v1/orders", bad, headers=keyed(fresh))).status == 422
    assert (await api.call("POST", "/v1/orders", body, headers=keyed(fresh))).status == 201


@pytest.mark.parametrize("key", ["", '""', "x" * 201, "é", "a b"])
async def test_what_is_no_key_is_refused_everywhere(api: Api, fresh: str, key: str) -> None:
    bodies: list[tuple[str, str, Any]] = [
        ("POST", "/v1/orders", order(fresh)),
        ("PUT", f"/v1/orders/{fresh}/cancel", {}),
        ("PUT", UPDATE, {"productId": fresh, "quantity": 1}),
        ("POST", "/v1/payments", {"orderId": fresh}),
        ("POST", "/v1/shipping", {"orderId": fresh}),
    ]
    for method, path, body in bodies:
        assert (await api.call(method, path, body, headers=keyed(key))).status == 400
    assert (await api.call("GET", f"/v1/inventory/{fresh}")).status == 404
