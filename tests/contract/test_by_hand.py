"""Payments and shipping, by the contract: an order with manual steps waits for each, and takes it once."""

from tests.contract.api import Api

WAIT = {"Prefer": "wait=20"}


async def place(api: Api, order_id: str, **more: object) -> str:
    """Place an order for one piece that is there; returns its status once it rests."""
    await api.supply(order_id, 1)
    order = {"orderId": order_id, "userId": "u", "items": [{"productId": order_id, "quantity": 1}], **more}
    reply = await api.call("POST", "/v1/orders", order, headers=WAIT)
    assert reply.status == 201
    return str(reply.body["status"])


async def test_an_order_paid_and_shipped_by_hand(api: Api, fresh: str) -> None:
    body = {"orderId": fresh}
    manual = {"payment": {"mode": "manual"}, "shipping": {"mode": "manual"}}
    assert await place(api, fresh, **manual) == "AWAITING_PAYMENT"
    payment = (await api.call("GET", f"/v1/payments/{fresh}")).body
    assert (payment["status"], payment["amount"], payment["attempts"]) == ("PENDING", 250, 0)
    assert (await api.call("POST", "/v1/shipping", body)).status == 409

    paid = await api.call("POST", "/v1/payments", body)
    assert (paid.status, paid.body["orderId"]) == (202, fresh)
    waiting = await api.call("GET", f"/v1/orders/{fresh}", headers=WAIT)
    assert waiting.body["status"] == "AWAITING_SHIPMENT"
    again = await api.call("POST", "/v1/payments", body)
    assert (again.status, again.body["status"]) == (200, "AUTHORIZED")

    shipped = await api.call("POST", "/v1/shipping", {**body, "address": {"city": "Oslo"}})
    assert (shipped.status, shipped.body["orderId"]) == (202, fresh)
    done = await api.call("GET", f"/v1/orders/{fresh}", headers=WAIT)
    assert (done.body["status"], done.body["address"]) == ("SHIPPED", {"city": "Oslo"})
    again = await api.call("POST", "/v1/shipping", body)
    assert (again.status, again.body["status"], again.body["carrier"]) == (200, "BOOKED", "simulated")
    assert (await api.call("GET", f"/v1/shipping/{fresh}")).body == again.body
    paid = await api.call("POST", "/v1/payments", body)
    assert (paid.status, paid.body["status"], paid.body["attempts"] >= 2) == (200, "CAPTURED", True)
    assert (await api.call("GET", f"/v1/payments/{fresh}")).body == paid.body


async def test_a_payment_under_way_is_not_begun_again(api: Api, fresh: str) -> None:
    assert await place(api, fresh, payment={"mode": "manual"}) == "AWAITING_PAYMENT"
    slow = {"orderId": fresh, "method": "slow"}
    first = await api.call("POST", "/v1/payments", slow)
    second = await api.call("POST", "/v1/payments", slow)
    assert [(it.status, it.body["status"]) for it in (first, second)] == [(202, "PENDING")] * 2
    await api.call("GET", f"/v1/orders/{fresh}", headers=WAIT)
    payment = (await api.call("GET", f"/v1/payments/{fresh}")).body
    assert (payment["status"], payment["amount"]) == ("CAPTURED", 250)


async def test_an_order_that_was_called_back_is_past_paying_and_shipping(api: Api, fresh: str) -> None:
    await place(api, fresh, payment={"mode": "manual"})
    await api.call("PUT", f"/v1/orders/{fresh}/cancel", headers=WAIT)
    for path in ("/v1/payments", "/v1/shipping"):
        assert (await api.call("POST", path, {"orderId": fresh})).status == 409
    assert (await api.call("GET", f"/v1/payments/{fresh}")).body["status"] in ("PENDING", "VOIDED")


async def test_an_order_that_pays_by_itself_shows_its_payment(api: Api, fresh: str) -> None:
    assert await place(api, fresh) == "SHIPPED"
    reply = await api.call("POST", "/v1/payments", {"orderId": fresh})
    assert (reply.status, reply.body["status"], reply.body["gateway"]) == (200, "CAPTURED", "simulated")


async def test_there_is_nothing_to_pay_or_ship_without_an_order(api: Api, fresh: str) -> None:
    for path in ("/v1/payments", "/v1/shipping"):
        assert (await api.call("POST", path, {"orderId": fresh})).status == 404
        assert (await api.call("GET", f"{path}/{fresh}")).status == 404
