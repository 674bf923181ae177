"""Who is let in, on a real worker: keys from MongoDB, tokens, and each customer's own orders only."""

import asyncio
from typing import Any

from app.security.caller import Role
from app.security.limits import Limit
from tests.contract.api import Api, Reply
from tests.contract.credentials import Keys, bearer

NEVER_MADE = f"ok_{'a' * 12}_{'x' * 43}"
WAIT = {"Prefer": "wait=20"}


def order(order_id: str, user_id: str) -> dict[str, Any]:
    return {"orderId": order_id, "userId": user_id, "items": [{"productId": order_id, "quantity": 1}]}


async def test_a_key_is_known_by_its_secret_and_not_by_its_id(api: Api, keys: Keys) -> None:
    good = await keys.make({Role.SUPPORT})
    assert (await api.call("GET", "/v1/inventory", key=good)).status == 200
    for wrong in (NEVER_MADE, good[:-1] + ("x" if good[-1] != "x" else "y"), good.upper(), f"{good}x", "chaos", "é"):
        reply = await api.call("GET", "/v1/inventory", key=wrong)
        assert (reply.status, "x-api-key" in reply.headers["WWW-Authenticate"]) == (401, True)
        assert wrong not in str(reply.body)


async def test_a_key_that_was_revoked_or_has_expired_lets_nobody_in(api: Api, keys: Keys) -> None:
    revoked, expired = await keys.make({Role.SUPPORT}), await keys.make({Role.SUPPORT}, good_for_s=-1)
    assert (await api.call("GET", "/v1/inventory", key=revoked)).status == 200
    assert (await api.call("GET", "/v1/inventory", key=expired)).status == 401
    await keys.revoke(revoked)
    async with asyncio.timeout(10):
        while (await api.call("GET", "/v1/inventory", key=revoked)).status != 401:
            await asyncio.sleep(0.1)


async def test_the_use_of_a_key_is_kept(api: Api, keys: Keys) -> None:
    presented = await keys.make({Role.SUPPORT})
    await api.call("GET", "/v1/inventory", key=presented)
    key_id = presented.split("_")[1]
    async with asyncio.timeout(10):
        while (key := await keys.store.find(key_id)) is None or key.used_at is None:
            await asyncio.sleep(0.05)


async def test_a_customer_has_its_own_orders_only(api: Api, keys: Keys, fresh: str) -> None:
    shop = await keys.make(set())
    alice, mallory = bearer(f"a-{fresh}", Role.CUSTOMER), bearer(f"m-{fresh}", Role.CUSTOMER)
    support = bearer("s", Role.SUPPORT)

    async def call(who: dict[str, str], method: str, path: str, body: Any = None, **query: str) -> Reply:
        return await api.call(method, path, body, headers={**who, **WAIT}, key=shop, query=query)

    await api.supply(fresh, 5)
    assert (await call(mallory, "POST", "/v1/orders", order(fresh, f"a-{fresh}"))).status == 403
    assert (await call(alice, "POST", "/v1/orders", order(fresh, f"a-{fresh}"))).status == 201
    assert (await call(support, "POST", "/v1/orders", order(fresh, f"a-{fresh}"))).status == 403

    views = [f"/v1/orders/{fresh}", f"/v1/orders/status/{fresh}", f"/v1/orders/{fresh}/events"]
    views += [f"/v1/payments/{fresh}", f"/v1/shipping/{fresh}"]
    for path in views:
        told = await call(mallory, "GET", path)
        assert told.status == 404
        assert told.body["detail"] == (await call(mallory, "GET", path.replace(fresh, "none"))).body["detail"]
        assert [(await call(who, "GET", path)).status for who in (alice, support)] == [200, 200]
    assert (await call(mallory, "PUT", f"/v1/orders/{fresh}/cancel")).status == 404
    assert (await call(alice, "PUT", f"/v1/orders/{fresh}/cancel")).status == 409, "it has been shipped"

    async with asyncio.timeout(10):
        while not (await call(alice, "GET", "/v1/orders")).body["items"]:
            await asyncio.sleep(0.1)
    for who, query, seen in (
        (alice, {}, True),
        (alice, {"userId": f"a-{fresh}"}, True),
        (alice, {"userId": f"m-{fresh}"}, False),
        (mallory, {}, False),
        (mallory, {"userId": f"a-{fresh}"}, False),
        (support, {"userId": f"a-{fresh}"}, True),
    ):
        listed = (await call(who, "GET", "/v1/orders", **query)).body["items"]
        assert [it["orderId"] for it in listed] == ([fresh] if seen else [])


async def test_a_customer_with_another_role_has_its_own_orders_only_where_that_role_opens_nothing(
    api: Api, keys: Keys, fresh: str
) -> None:
    shop = await keys.make(set())
    await api.supply(fresh, 5)
    assert (await api.call("POST", "/v1/orders", order(fresh, f"a-{fresh}"))).status == 201
    reads = [f"/v1/{path}/{fresh}" for path in ("orders", "orders/status", "payments", "shipping")]
    for role, opens in ((Role.INVENTORY, None), (Role.PAYMENTS, "payments"), (Role.FULFILMENT, "shipping")):
        both = bearer(f"m-{fresh}", Role.CUSTOMER, role)
        for path in reads:
            expected = 200 if opens is not None and opens in path else 404
            assert (await api.call("GET", path, key=shop, headers=both)).status == expected, (role, path)
        cancel = await api.call("PUT", f"/v1/orders/{fresh}/cancel", key=shop, headers=both)
        place = await api.call("POST", "/v1/orders", order(f"{fresh}-2", f"a-{fresh}"), key=shop, headers=both)
        listed = await api.call("GET", "/v1/orders", key=shop, headers=both, query={"userId": f"a-{fresh}"})
        assert (cancel.status, place.status, listed.body["items"]) == (404, 403, [])
    back_end = bearer(f"s-{fresh}", Role.CUSTOMER, Role.SUPPORT)
    placed = await api.call("POST", "/v1/orders", order(f"{fresh}-2", f"a-{fresh}"), key=shop, headers=back_end)
    assert placed.status == 201


async def test_one_customer_is_not_given_what_another_was_answered(api: Api, keys: Keys, fresh: str) -> None:
    """The same Idempotency-Key of the same application, and the same body."""
    shop = await keys.make(set())
    await api.supply(fresh, 5)
    await api.call("POST", "/v1/orders", order(fresh, "alice"), key=shop, headers=bearer("alice", Role.CUSTOMER))
    cancels = [
        await api.call(
            "PUT", f"/v1/orders/{fresh}/cancel", {}, key=shop,
            headers={"Idempotency-Key": fresh, **WAIT, **bearer(who, Role.CUSTOMER)},
        )
        for who in ("alice", "mallory")
    ]  # fmt: skip
    assert cancels[0].status in (200, 202, 409)
    assert cancels[1].status == 404


async def test_a_key_passes_as_often_as_its_limit_says(api: Api, keys: Keys) -> None:
    limited = await keys.make({Role.SUPPORT}, Limit(0.5, 5))
    replies = [await api.call("GET", "/v1/inventory", key=limited) for _ in range(7)]
    assert [it.status for it in replies] == [200] * 5 + [429] * 2
    for reply in replies:
        assert reply.headers["RateLimit-Policy"] == '"key";q=5;w=10'
        assert reply.headers["RateLimit"].startswith('"key";r=')
    assert int(replies[-1].headers["Retry-After"]) == 2
    assert (await api.call("GET", "/v1/inventory")).status == 200, "another key has its own limit"


async def test_only_workers_say_that_a_request_was_forwarded(api: Api) -> None:
    for name in ("x-forwarded-to-owner", "x-forwarded-to-keeper"):
        for mark in ("1", "", "9999999999.00"):
            assert (await api.call("GET", "/v1/orders/none", headers={name: mark})).status == 400
