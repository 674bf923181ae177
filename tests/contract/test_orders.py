"""Orders, by the contract: taken in once, shown at once, called back as long as they have not left."""

import asyncio
import re
from typing import Any

import pytest

from tests.contract.api import Api, Reply

WAIT = {"Prefer": "wait=20"}


def order(order_id: str | None, product_id: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    named = {} if order_id is None else {"orderId": order_id}
    return {**named, "userId": "456", "items": [{"productId": product_id, "quantity": quantity}], **more}


async def test_the_sample_order_works_as_it_is(api: Api) -> None:
    await api.supply("789", 10)
    sample = b'{"orderId":"123","userId":"456","items":[{"productId":"789","quantity":1}]}'
    taken = await api.call("POST", "/v1/orders", data=sample)
    assert (taken.status, taken.headers["Location"]) == (201, "/v1/orders/123")
    assert (taken.body["orderId"], taken.body["userId"], taken.body["version"] >= 1) == ("123", "456", True)

    shipped = await api.call("GET", "/v1/orders/123", headers=WAIT)
    assert (shipped.status, shipped.headers["Preference-Applied"]) == (200, "wait=20")
    assert (shipped.body["status"], shipped.body["total"], shipped.body["currency"]) == ("SHIPPED", 250, "USD")
    assert (shipped.body["paymentStatus"], shipped.body["shippingStatus"]) == ("CAPTURED", "BOOKED")
    assert await api.stock("789") == (9, 0)


async def test_an_order_without_an_id_is_given_one_and_is_there_at_once(api: Api, fresh: str) -> None:
    await api.supply(fresh, 50)
    for _ in range(20):
        taken = await api.call("POST", "/v1/orders", order(None, fresh))
        assert (taken.status, taken.body["status"], taken.body["version"]) == (201, "PENDING", 1)
        found = await api.call("GET", taken.headers["Location"])
        assert (found.status, found.body["orderId"]) == (200, taken.body["orderId"])
        assert found.body["createdAt"] == taken.body["createdAt"]


@pytest.mark.parametrize("named", [True, False])
async def test_a_client_may_wait_for_the_end_with_the_post(api: Api, fresh: str, named: bool) -> None:
    await api.supply(fresh, 5)
    taken = await api.call("POST", "/v1/orders", order(fresh if named else None, fresh), headers=WAIT)
    assert (taken.status, taken.body["status"]) == (201, "SHIPPED")
    assert taken.headers["Preference-Applied"] == "wait=20"
    assert await api.stock(fresh) == (4, 0)


async def test_the_same_order_at_once_and_later_is_one_order(api: Api, fresh: str) -> None:
    await api.supply(fresh, 30)
    replies: list[Reply] = await asyncio.gather(
        *(api.call("POST", "/v1/orders", order(fresh, fresh, 2)) for _ in range(20))
    )
    assert sorted(reply.status for reply in replies) == [200] * 19 + [201]
    later = await api.call("POST", "/v1/orders", order(fresh, fresh, 2), headers=WAIT)
    assert (later.status, later.body["status"]) == (200, "SHIPPED")
    assert await api.stock(fresh) == (28, 0)


async def test_another_order_under_the_same_id_is_refused_at_once_and_later(api: Api, fresh: str) -> None:
    await api.supply(fresh, 30)
    replies = await asyncio.gather(
        *(api.call("POST", "/v1/orders", order(fresh, fresh, quantity)) for quantity in (1, 2, 3))
    )
    assert sorted(reply.status for reply in replies) == [201, 409, 409]
    taken = next(reply for reply in replies if reply.status == 201).body["items"][0]["quantity"]
    assert (await api.call("POST", "/v1/orders", order(fresh, fresh, 4))).status == 409
    await api.call("GET", f"/v1/orders/{fresh}", headers=WAIT)
    assert await api.stock(fresh) == (30 - taken, 0)


async def test_an_order_that_cannot_be_filled_says_why(api: Api, fresh: str) -> None:
    unknown = await api.call("POST", "/v1/orders", order(None, fresh), headers=WAIT)
    assert (unknown.body["status"], unknown.body["reason"]) == ("REJECTED", "UNKNOWN_PRODUCT")
    await api.supply(fresh, 1)
    short = await api.call("POST", "/v1/orders", order(None, fresh, 2), headers=WAIT)
    assert (short.body["status"], short.body["reason"]) == ("REJECTED", "OUT_OF_STOCK")
    declined = await api.call("POST", "/v1/orders", order(None, fresh, payment={"method": "declined"}), headers=WAIT)
    assert (declined.body["status"], declined.body["reason"]) == ("REJECTED", "PAYMENT_DECLINED")
    assert await api.stock(fresh) == (1, 0)


async def test_the_status_and_the_history_of_an_order(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    whole = (await api.call("POST", "/v1/orders", order(fresh, fresh), headers=WAIT)).body
    status = (await api.call("GET", f"/v1/orders/status/{fresh}")).body
    assert status == {name: whole[name] for name in ("orderId", "status", "reason", "version", "updatedAt")}

    history = (await api.call("GET", f"/v1/orders/{fresh}/events")).body["items"]
    assert [it["status"] for it in history] == ["PENDING", "RESERVED", "PAID", "SHIPPED"]
    assert [it["version"] for it in history] == [1, 2, 3, 4]
    assert (history[0]["at"], history[-1]["at"]) == (whole["createdAt"], whole["updatedAt"])
    assert [it["offset"] for it in history] == sorted({it["offset"] for it in history})
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", it["at"]) for it in history)


async def test_the_history_names_what_caused_each_change_and_its_trace(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    traced = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", **WAIT}
    for headers, expected in ((traced, trace_id), ({**WAIT, "traceparent": "none"}, None)):
        placed = await api.call("POST", "/v1/orders", order(None, fresh), headers=headers)
        history = (await api.call("GET", f"/v1/orders/{placed.body['orderId']}/events")).body["items"]
        assert [it["cause"] for it in history] == [
            "order.place.v1",
            "stock.reserved.v1",
            "payment.authorized.v1",
            "payment.captured.v1",
        ]
        assert {it["traceId"] for it in history} == {expected}


async def test_a_wait_ends_when_its_time_is_over(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    slow = order(fresh, fresh, payment={"method": "slow"})
    early = await api.call("POST", "/v1/orders", slow, headers={"Prefer": "wait=1"})
    assert (early.status, early.headers["Preference-Applied"]) == (201, "wait=1")
    assert early.body["status"] in ("PENDING", "RESERVED")
    assert (await api.call("GET", f"/v1/orders/{fresh}", headers=WAIT)).body["status"] == "SHIPPED"


async def test_an_order_called_back_while_it_is_paid_gives_everything_back(api: Api, fresh: str) -> None:
    await api.supply(fresh, 5)
    await api.call("POST", "/v1/orders", order(fresh, fresh, payment={"method": "slow"}))
    async with asyncio.timeout(10):
        while (await api.call("GET", f"/v1/orders/{fresh}")).body["status"] != "RESERVED":
            await asyncio.sleep(0.01)
    begun = await api.call("PUT", f"/v1/orders/{fresh}/cancel", {"reason": "changed my mind"})
    assert (begun.status, begun.body["status"], begun.body["reason"]) == (202, "CANCELLING", "changed my mind")
    again = await api.call("PUT", f"/v1/orders/{fresh}/cancel")
    assert (again.status, again.body["version"]) == (202, begun.body["version"])

    done = await api.call("PUT", f"/v1/orders/{fresh}/cancel", headers=WAIT)
    assert (done.status, done.body["status"], done.body["paymentStatus"]) == (200, "CANCELLED", "VOIDED")
    assert await api.stock(fresh) == (5, 0)


async def test_it_is_too_late_to_call_back_what_has_ended_otherwise(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    await api.call("POST", "/v1/orders", order(fresh, fresh), headers=WAIT)
    assert (await api.call("PUT", f"/v1/orders/{fresh}/cancel")).status == 409
    rejected = (await api.call("POST", "/v1/orders", order(None, fresh), headers=WAIT)).body["orderId"]
    assert (await api.call("PUT", f"/v1/orders/{rejected}/cancel")).status == 409
    assert await api.stock(fresh) == (0, 0)


@pytest.mark.parametrize("path", ["", "/events"])
async def test_an_order_nobody_placed_is_not_found(api: Api, fresh: str, path: str) -> None:
    assert (await api.call("GET", f"/v1/orders/{fresh}{path}")).status == 404
    assert (await api.call("GET", f"/v1/orders/status/{fresh}")).status == 404
    assert (await api.call("PUT", f"/v1/orders/{fresh}/cancel")).status == 404


async def test_the_list_neither_skips_nor_repeats_while_orders_arrive(api: Api, fresh: str) -> None:
    await api.supply(fresh, 100)
    user = fresh[:20]

    async def place() -> str:
        taken = await api.call("POST", "/v1/orders", {**order(None, fresh), "userId": user}, headers=WAIT)
        return str(taken.body["orderId"])

    placed = [await place() for _ in range(7)]
    await _listed(api, user, len(placed))
    seen, query = [], {"userId": user, "limit": "2"}
    while True:
        page = (await api.call("GET", "/v1/orders", query=query)).body
        seen += [it["orderId"] for it in page["items"]]
        await place()  # newer than all that is still to come
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == placed[::-1]

    assert (await api.call("GET", "/v1/orders", query={"userId": user, "status": "REJECTED"})).body["items"] == []


async def _listed(api: Api, user: str, count: int) -> None:
    """Wait until the read model has this many shipped orders of a user."""
    async with asyncio.timeout(20):
        while True:
            query = {"userId": user, "status": "SHIPPED", "limit": "1000"}
            if len((await api.call("GET", "/v1/orders", query=query)).body["items"]) == count:
                return
            await asyncio.sleep(0.05)
