"""A request with an Idempotency-Key is done once, whatever happens between, and whoever takes itself for its owner."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from faust import Record

from app import topics
from app.delivery import Delivered, Unavailable
from app.participants.answers import decide
from app.security.caller import ALL_ROLES, Caller
from schemas.codec import encode
from schemas.http import CancelRequest
from schemas.idempotency import AnswerRow, KeepAnswer
from tests.unit.participants.test_answers import Told
from views import idempotency
from views.admission import CALLER, FORWARDED
from views.bodies import decode_body
from views.idempotency import REPLAYED, key_of, once
from views.problems import Problem, conflict, unavailable

BODY = CancelRequest()


def request(
    key: str | None = "k-1",
    app: str = "shop",
    method: str = "PUT",
    path: str = "/v1/x",
    person: str | None = None,
    **more: str,
) -> Any:
    named = {} if key is None else {"Idempotency-Key": key}
    made = make_mocked_request(method, path, headers={**named, **more})
    made[CALLER] = Caller(app, ALL_ROLES, person)
    return made


def test_a_key_is_the_callers_own_for_one_call() -> None:
    one = key_of(request())
    assert one is not None
    assert len(bytes.fromhex(one)) == 16
    assert key_of(request('"k-1"')) == one
    others = [request("k-2"), request(app="other"), request(method="POST"), request(path="/v1/y")]
    others.append(request(person="u-1"))
    assert len({one, *map(key_of, others)}) == 6
    assert key_of(request(None)) is None


@pytest.mark.parametrize("key", ["", '""', " ", "x" * 201, "a b", "é", "a\tb"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Problem) as refused:
        key_of(request(key))
    assert refused.value.status == 400


class Log:
    """One partition of `answers`, with the rows that every reader makes of it. The next send of `lost` fails."""

    def __init__(self) -> None:
        self.rows: dict[str, AnswerRow] = {}
        self.lost: type[Record] | None = None
        self._end = 0

    def rows_of(self, _partition: int) -> dict[str, AnswerRow]:
        return self.rows

    async def tell(self, topic: str, key: str, message: Record) -> Delivered:
        assert topic == topics.ANSWERS
        if self.lost is type(message):
            self.lost = None
            raise Unavailable("Kafka is away")
        await asyncio.sleep(0)
        offset, self._end = self._end, self._end + 1
        self.rows |= decide(self.rows, Told(encode(message), offset, key.encode())).rows
        return Delivered(0, offset, 0)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()

    async def on_owner(
        _request: Any, _topic: str, _key: str, here: Callable[[int], Awaitable[Any]], **_more: Any
    ) -> Any:
        try:
            return await here(0)
        except Unavailable as error:
            raise unavailable("Kafka is away") from error

    monkeypatch.setattr(idempotency, "on_owner", on_owner)
    monkeypatch.setattr(idempotency, "tell", made.tell)
    monkeypatch.setattr(idempotency, "answers", made)
    return made


class Work:
    """What a request asks for; counts how often it is done. Answers with that number, or with the `outcomes` first."""

    def __init__(self, *outcomes: Problem) -> None:
        self.done = 0
        self._outcomes = list(outcomes)

    async def __call__(self) -> web.Response:
        self.done += 1
        number = self.done
        await asyncio.sleep(0)
        if self._outcomes:
            raise self._outcomes.pop(0)
        headers = {"Location": f"/{number}", "Age": "7"}
        return web.Response(status=201, body=b"%d" % number, headers=headers, content_type="application/json")


def told(response: Any) -> tuple[int, bytes, str | None, str | None]:
    return response.status, response.body, response.headers.get("Location"), response.headers.get(REPLAYED)


async def refused(work: Awaitable[Any]) -> Problem:
    with pytest.raises(Problem) as raised:
        await work
    return raised.value


async def test_the_first_answer_is_given_again(log: Log) -> None:
    work = Work()
    assert told(await once(request(), BODY, work)) == (201, b"1", "/1", None)
    again = await once(request(), BODY, work)
    assert told(again) == (201, b"1", "/1", "true")
    assert (again.content_type, "Age" in again.headers, work.done) == ("application/json", False, 1)


async def test_without_a_key_or_once_its_owner_has_it_in_hand_nothing_is_kept(log: Log) -> None:
    work = Work()
    for it in (request(None), request(None), request(**{FORWARDED: "1"}), request(**{FORWARDED: "1"})):
        await once(it, BODY, work)
    assert (work.done, log.rows) == (4, {})


async def test_another_body_is_refused_and_another_way_to_write_it_is_not(log: Log) -> None:
    work = Work()
    bodies = [decode_body(text, CancelRequest) for text in (b'{"reason":"a"}', b'{ "reason": "\\u0061" }', b"{}")]
    assert told(await once(request(), bodies[0], work))[3] is None
    assert told(await once(request(), bodies[1], work))[3] == "true"
    assert (await refused(once(request(), bodies[2], work))).status == 422
    assert work.done == 1


async def test_while_the_first_is_under_way_it_is_told_to_come_back(log: Log) -> None:
    work = Work()
    first = asyncio.create_task(once(request(), BODY, work))
    while not work.done:
        await asyncio.sleep(0)
    early = await refused(once(request(), BODY, work))
    assert (early.status, early.headers["Retry-After"]) == (409, "1")
    assert (await refused(once(request(), CancelRequest("other"), work))).status == 422
    assert told(await first)[:2] == (201, b"1")
    assert told(await once(request(), BODY, work))[3] == "true"


async def test_a_definite_no_is_kept_and_not_now_is_not(log: Log) -> None:
    work = Work(unavailable("Kafka is away"), conflict("Too late."))
    assert (await refused(once(request(), BODY, work))).status == 503
    first = await once(request(), BODY, work)
    again = await once(request(), BODY, work)
    assert (first.status, first.content_type) == (again.status, again.content_type) == (409, "application/problem+json")
    assert (again.headers[REPLAYED], work.done) == ("true", 2)


@pytest.mark.parametrize("status", [400, 401, 403, 408, 413, 415, 429, 431])
async def test_that_it_was_not_begun_is_not_kept(log: Log, status: int) -> None:
    """As another worker says of what it was forwarded, once the token has expired."""
    answers = [web.Response(status=status), web.Response(status=201, body=b"done")]

    async def forwarded() -> web.Response:
        return answers.pop(0)

    assert (await once(request(), BODY, forwarded)).status == status
    assert told(await once(request(), BODY, forwarded))[:2] == (201, b"done")
    assert told(await once(request(), BODY, forwarded))[3] == "true"


async def test_an_answer_that_could_not_be_kept_is_not_given(log: Log) -> None:
    work = Work()
    log.lost = KeepAnswer
    assert (await refused(once(request(), BODY, work))).status == 503
    assert (await refused(once(request(), CancelRequest("other"), work))).status == 422
    assert told(await once(request(), BODY, work)) == (201, b"2", "/2", None)


async def at_once(monkeypatch: pytest.MonkeyPatch, *bodies: CancelRequest) -> tuple[list[Any], list[Work]]:
    """The same key at as many workers, all of which take themselves for its owner."""
    monkeypatch.setattr(idempotency, "_alone", lambda *_: nullcontext())  # none knows what the others are at
    works = [Work() for _ in bodies]
    asked = (once(request(), body, work) for body, work in zip(bodies, works, strict=True))
    return await asyncio.gather(*asked, return_exceptions=True), works


async def test_two_that_take_themselves_for_the_owner_give_one_answer(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies, works = await at_once(monkeypatch, BODY, BODY, BODY)
    assert [told(it)[:3] for it in replies] == [told(replies[0])[:3]] * 3
    assert sorted(told(it)[3] or "" for it in replies) == ["", "true", "true"]
    assert sum(work.done for work in works) > 1, "nothing was shown: only one took itself for the owner"


async def test_of_two_bodies_at_two_such_owners_only_one_is_done(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    replies, works = await at_once(monkeypatch, CancelRequest("a"), CancelRequest("b"))
    assert sorted(it.status for it in replies) == [201, 422]
    assert sorted(work.done for work in works) == [0, 1]
