"""Positions, by the contract: every write tells one, and every read may ask to be no older than one."""

import asyncio
import time
from typing import Any

import pytest
from confluent_kafka import Producer

from app.embedded.kafka import EmbeddedKafka
from schemas.codec import encode
from schemas.commands import CancelOrder
from tests.contract.api import Api, Reply

WAIT = {"Prefer": "wait=20"}
POSITION = "x-position"
FAR = 10**15


def order(order_id: str, user: str = "u") -> dict[str, Any]:
    return {"orderId": order_id, "userId": user, "items": [{"productId": order_id, "quantity": 1}]}


def split(reply: Reply) -> tuple[str, int, int]:
    topic, partition, offset = reply.headers[POSITION].split("-")
    return topic, int(partition), int(offset)


def reads_of(order_id: str) -> list[str]:
    return [
        f"/v1/orders/{order_id}",
        f"/v1/orders/status/{order_id}",
        f"/v1/orders/{order_id}/events",
        f"/v1/payments/{order_id}",
        f"/v1/shipping/{order_id}",
    ]


async def test_every_write_tells_a_position_and_every_read_takes_it(api: Api, fresh: str) -> None:
    body = {"productId": fresh, "quantity": 5, "price": 250}
    supplied = await api.call("PUT", "/v1/inventory/update", body)
    assert split(supplied)[0] == "inventory"
    product = await api.call("GET", f"/v1/inventory/{fresh}", headers={POSITION: supplied.headers[POSITION]})
    assert (product.body["onHand"], split(product)) == (5, split(supplied))

    manual = {"payment": {"mode": "manual"}, "shipping": {"mode": "manual"}}
    last = await api.call("POST", "/v1/orders", {**order(fresh), **manual}, headers=WAIT)
    topic, partition, _ = split(last)
    assert (topic, last.body["status"]) == ("orders", "AWAITING_PAYMENT")
    for method, path, sent in (
        ("POST", "/v1/orders", {**order(fresh), **manual}),
        ("POST", "/v1/payments", {"orderId": fresh}),
        ("POST", "/v1/shipping", {"orderId": fresh}),
        ("PUT", f"/v1/orders/{fresh}/cancel", None),
    ):
        if path == "/v1/shipping":
            await api.call("GET", f"/v1/orders/{fresh}", headers=WAIT)  # once it waits for that
        told = await api.call(method, path, sent)
        if told.status == 409:
            assert path.endswith("/cancel"), "it may have been shipped meanwhile"
            break
        assert split(told)[:2] == (topic, partition)
        assert split(told)[2] >= split(last)[2]
        for read in reads_of(fresh):
            seen = await api.call("GET", read, headers={POSITION: told.headers[POSITION]})
            assert (seen.status, split(seen)[:2]) == (200, (topic, partition))
        last = told


async def test_a_post_without_an_id_tells_the_position_of_its_order(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    unnamed = {"userId": "u", "items": [{"productId": fresh, "quantity": 1}]}
    placed = await api.call("POST", "/v1/orders", unnamed)
    history = await api.call("GET", placed.headers["Location"] + "/events")
    first = history.body["items"][0]
    assert split(placed) == ("orders", first["partition"], first["offset"])


async def test_the_first_answer_of_a_key_comes_again_with_its_position(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    first, again = [
        await api.call("POST", "/v1/orders", order(fresh), headers={"Idempotency-Key": fresh}) for _ in range(2)
    ]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers[POSITION] == first.headers[POSITION]


async def test_a_list_at_the_position_of_a_write_shows_it(api: Api, fresh: str) -> None:
    await api.supply(fresh, 50)
    user = fresh[:20]
    for number in range(15):
        placed = await api.call("POST", "/v1/orders", order(f"{fresh[:20]}-{number}", user))
        mine = await api.call("GET", "/v1/orders", query={"userId": user}, headers={POSITION: placed.headers[POSITION]})
        assert [it["orderId"] for it in mine.body["items"]][:1] == [placed.body["orderId"]]
        assert (mine.headers["x-read-source"], int(mine.headers["Age"]) <= 10) == ("projection", True)

        body = {"productId": fresh, "quantity": 100 + number}
        supplied = await api.call("PUT", "/v1/inventory/update", body)
        stock = await api.call(
            "GET", "/v1/inventory", query={"limit": "1000"}, headers={POSITION: supplied.headers[POSITION]}
        )
        assert {it["productId"]: it["onHand"] for it in stock.body["items"]}[fresh] == 100 + number


async def test_a_list_takes_several_positions(api: Api, fresh: str) -> None:
    await api.supply(fresh, 50)
    user = fresh[:20]
    placed = await asyncio.gather(
        *(api.call("POST", "/v1/orders", order(f"{fresh[:20]}-{number}", user)) for number in range(10))
    )
    positions = ", ".join(it.headers[POSITION] for it in placed)
    mine = await api.call("GET", "/v1/orders", query={"userId": user}, headers={POSITION: positions})
    assert {it["orderId"] for it in mine.body["items"]} == {it.body["orderId"] for it in placed}


async def test_a_message_that_changes_nothing_has_a_position_like_any_other(
    api: Api, fresh: str, kafka: EmbeddedKafka, environment: dict[str, str]
) -> None:
    await api.supply(fresh, 1)
    placed = await api.call("POST", "/v1/orders", order(fresh), headers=WAIT)
    assert placed.body["status"] == "SHIPPED"
    topic, partition, offset = split(placed)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    sent: list[int] = []
    producer.produce(
        f"{environment['TOPIC_PREFIX']}orders",
        encode(CancelOrder(fresh)),
        fresh,
        on_delivery=lambda _, message: sent.append(message.offset()),
    )
    assert producer.flush(10) == 0
    assert sent[0] > offset
    late = f"{topic}-{partition}-{sent[0]}"
    for path in ("/v1/orders", *reads_of(fresh)):
        assert (await api.call("GET", path, headers={POSITION: late})).status == 200


@pytest.mark.parametrize("text", ["", "x", "orders-1", "orders-1-x", "orders-1-2-3"])
async def test_what_is_no_position_is_refused(api: Api, fresh: str, text: str) -> None:
    for path in ("/v1/orders", "/v1/inventory", f"/v1/inventory/{fresh}", *reads_of(fresh)):
        assert (await api.call("GET", path, headers={POSITION: text})).status == 400


async def test_a_position_of_something_else_or_of_the_future_is_refused_at_once(api: Api, fresh: str) -> None:
    await api.supply(fresh, 1)
    placed = await api.call("POST", "/v1/orders", order(fresh), headers=WAIT)
    _, partition, offset = split(placed)
    began_s = time.monotonic()
    for path in reads_of(fresh):
        for wrong in (
            f"inventory-{partition}-0",
            f"orders-{(partition + 1) % 8}-0",
            f"orders-8-{offset}",
            f"orders-{partition}-{FAR}",
        ):
            assert (await api.call("GET", path, headers={POSITION: wrong})).status == 422, wrong
    for path, wrong in (
        ("/v1/orders", f"orders-0-{FAR}"),
        ("/v1/orders", "inventory-0-0"),
        ("/v1/inventory", f"inventory-0-{FAR}"),
        ("/v1/inventory", "orders-0-0"),
        (f"/v1/inventory/{fresh}", "orders-0-0"),
    ):
        assert (await api.call("GET", path, headers={POSITION: wrong})).status == 422, (path, wrong)
    assert time.monotonic() - began_s < 10, "none of them waited"
