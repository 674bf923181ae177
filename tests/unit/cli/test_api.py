"""Calls to workers: what is sent, what is tried again, and what is said when it fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from app.cli.api import Api, Failure, Reply, Unreachable, after
from app.embedded.ports import free_port
from tests.unit.cli.stub_worker import stub_worker, told


async def test_a_call_carries_the_key_the_body_and_the_path_as_they_are() -> None:
    seen: list[tuple[str, str, str, Any]] = []

    async def answer(request: web.Request, body: Any) -> web.Response:
        seen.append((request.method, request.raw_path, request.headers["x-api-key"], body))
        return told({"done": True}, 201)

    async with stub_worker(answer) as url, Api([url + "/"], "my-key") as api:
        reply = await api.call("POST", "/tables/inventory/789%2Forder%2F1?limit=5", {"a": 1})

    assert (reply.status, reply.body) == (201, {"done": True})
    assert seen == [("POST", "/tables/inventory/789%2Forder%2F1?limit=5", "my-key", {"a": 1})]


async def test_workers_take_turns() -> None:
    async def first(_request: web.Request, _body: Any) -> web.Response:
        return told("first")

    async def second(_request: web.Request, _body: Any) -> web.Response:
        return told("second")

    async with stub_worker(first) as one, stub_worker(second) as two, Api([one, two], "k") as api:
        assert [(await api.call("GET", "/")).body for _ in range(3)] == ["first", "second", "first"]
        assert (await api.call("GET", "/", url=one)).body == "first"


async def test_a_busy_worker_is_asked_again_with_the_same_body_after_the_time_it_names() -> None:
    bodies: list[Any] = []
    retried: list[None] = []

    async def answer(_request: web.Request, body: Any) -> web.Response:
        bodies.append(body)
        return told({"title": "Unavailable"}, 503, Retry_After="0") if len(bodies) < 3 else told({"ok": 1}, 201)

    async with stub_worker(answer) as url, Api([url], "k") as api:
        reply = await api.insist(
            "POST", "/v1/orders", after(30), {"orderId": "1"}, on_retry=lambda: retried.append(None)
        )

    assert reply.status == 201
    assert bodies == [{"orderId": "1"}] * 3
    assert len(retried) == 2


async def test_a_busy_worker_is_not_asked_for_ever() -> None:
    async def answer(_request: web.Request, _body: Any) -> web.Response:
        return told({"detail": "Kafka does not take messages now."}, 503, Retry_After="0")

    async with stub_worker(answer) as url, Api([url], "k") as api:
        reply = await api.insist("POST", "/v1/orders", after(0.2), {})

    with pytest.raises(Failure, match=r"^503 Kafka does not take messages now\.$"):
        reply.expect()


async def test_the_same_call_under_way_is_waited_for() -> None:
    answers = iter([told({"detail": "under way"}, 409, Retry_After="0"), told({"onHand": 5}, 200)])

    async def answer(_request: web.Request, _body: Any) -> web.Response:
        return next(answers)

    async with stub_worker(answer) as url, Api([url], "k") as api:
        assert (await api.insist("PUT", "/", after(30))).expect() == {"onHand": 5}


async def test_a_refusal_is_not_repeated() -> None:
    calls: list[None] = []

    async def answer(_request: web.Request, _body: Any) -> web.Response:
        calls.append(None)
        return told({"detail": "no"}, 409)

    async with stub_worker(answer) as url, Api([url], "k") as api:
        assert (await api.insist("PUT", "/", after(30))).status == 409
    assert len(calls) == 1


async def test_nobody_listening_is_said_in_one_line_with_what_to_do() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with Api([url], "k") as api:
        with pytest.raises(Unreachable) as raised:
            await api.insist("GET", "/", after(30))
    assert str(raised.value) == f"No worker at {url} (connection refused): start one, or say where with --url"


async def test_an_outage_is_sat_out_where_that_is_asked_for() -> None:
    async def answer(_request: web.Request, _body: Any) -> web.Response:
        return told("back")

    async with stub_worker(answer) as url, Api([f"http://127.0.0.1:{free_port()}", url], "k") as api:
        assert (await api.insist("GET", "/", after(30), through_outages=True)).body == "back"


async def test_a_worker_that_does_not_answer_in_time_is_unreachable() -> None:
    over = asyncio.Event()

    async def answer(_request: web.Request, _body: Any) -> web.Response:
        await over.wait()
        return told(None)

    async with stub_worker(answer) as url, Api([url], "k") as api:
        with pytest.raises(Unreachable, match=r"gave no answer within 0\.1 s"):
            await api.call("GET", "/", timeout_s=0.1)
        over.set()


@pytest.mark.parametrize("body", [None, "ok", [1]])
def test_another_server_is_told_from_a_worker(body: Any) -> None:
    with pytest.raises(Failure, match="does --url name another server"):
        Reply(200, body).expect()


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"title": "Conflict", "detail": "It has left."}, "409 It has left."),
        ({"title": "Conflict"}, "409 Conflict"),
        (
            {"detail": "Not valid.", "errors": [{"pointer": "/items/0", "detail": "too\nmany"}]},
            "409 Not valid. /items/0: too many",
        ),
        (None, "409 no reason given"),
        ([1], "409 no reason given"),
    ],
)
def test_a_problem_is_told_in_one_line(body: Any, line: str) -> None:
    assert Reply(409, body).problem == line
