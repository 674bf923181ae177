"""`Idempotency-Key` on any POST or PUT: a request that is repeated has its first answer again.

The key stands under a hash of the caller, the call and the key itself; the worker that owns this hash in the topic
`answers` takes the request first, wherever its order or product lies. Before it is done, its body's fingerprint is
claimed through the log, and before it is answered, so is its answer. What then stands in the row is what the client is
told: two workers that both take themselves for the owner read one log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from aiohttp import web

from app import topics
from app.delivery import Moved
from schemas.http import Request
from schemas.idempotency import AnswerRow, ClaimKey, KeepAnswer, KeptAnswer
from tables import answers
from views.admission import FORWARDED, FORWARDED_TO_KEEPER, caller_of
from views.owner import on_owner
from views.position import POSITION
from views.problems import RETRY_AFTER_S, Problem, invalid, problem_response
from views.rows import tell

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
LONGEST_KEY: Final = 200
_KEY: Final = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")
_KEPT_HEADERS: Final = ("Content-Type", "Location", POSITION)

NOT_BEGUN: Final = frozenset({400, 401, 403, 408, 413, 415, 429, 431})
"""What says that a request was not even begun, as another worker may of one that it was forwarded: a token may have
expired meanwhile."""

_under_way: Final[dict[str, str]] = {}
"""The requests with a key that this worker is at: what the key stands under, and the body's fingerprint."""

Do = Callable[[], Awaitable[web.StreamResponse]]


async def once(request: web.Request, body: Request, do: Do) -> web.StreamResponse:
    """Answer by `do`; if the request has a key and was answered before, by that answer.

    `body` is the request's, checked: how it was written makes no difference. Raises `Problem`: 400 for a key that is
    none, 409 while the first request is under way, 422 if it had another body, 503; and what `do` raises.
    """
    key = key_of(request)
    if key is None or FORWARDED in request.headers:  # the owner of the key has it in hand, and sent it here
        return await do()
    fingerprint = fingerprint_of(body)

    async def here(partition: int) -> web.Response:
        with _alone(key, fingerprint):
            return await _first_answer(request, partition, key, fingerprint, do)

    return await on_owner(request, topics.ANSWERS, key, here, mark=FORWARDED_TO_KEEPER)


def key_of(request: web.Request) -> str | None:
    """What the request's key stands under, 32 hex digits; None if it has no key. Raises `Problem` (400)."""
    given = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not given:
        return None
    key = given[0].strip().removeprefix('"').removesuffix('"')  # the draft writes it as a quoted string
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise Problem(400, f"The header {IDEMPOTENCY_KEY} must have 1 to {LONGEST_KEY} visible ASCII characters.")
    caller = caller_of(request)
    named = "\0".join((caller.application, caller.person or "", request.method, request.path, key))
    return hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()[:32]


def fingerprint_of(body: Request) -> str:
    """Stands for a checked body, however it was written: SHA-256, in hex."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


@contextmanager
def _alone(key: str, fingerprint: str) -> Iterator[None]:
    """Let one request a key in at a time. Raises `Problem`: 409, 422."""
    before = _under_way.get(key)
    if before is not None and before != fingerprint:
        raise _another_body()
    if before is not None:
        detail = f"The first request with this {IDEMPOTENCY_KEY} is not answered yet."
        raise Problem(409, detail, headers={"Retry-After": str(RETRY_AFTER_S)})
    _under_way[key] = fingerprint
    try:
        yield
    finally:
        del _under_way[key]


async def _first_answer(request: web.Request, partition: int, key: str, fingerprint: str, do: Do) -> web.Response:
    """The answer that the log has for this key; if it has none, `do` makes it. Raises `Moved`, and as `once`."""
    row: AnswerRow | None = answers.rows_of(partition).get(key)
    if row is None:
        await tell(topics.ANSWERS, key, ClaimKey(key, fingerprint=fingerprint))
        row = _row(partition, key)
    if row.fingerprint != fingerprint:
        raise _another_body()
    if row.answer is not None:
        return _again(row.answer)
    response = await _done(request, do)
    if response.status >= 500 or response.status in NOT_BEGUN:
        return response  # it may go otherwise the next time; to repeat what was done does no harm
    kept = await tell(topics.ANSWERS, key, KeepAnswer(key, fingerprint=fingerprint, answer=_to_keep(response)))
    row = _row(partition, key)
    if row.answer is None:
        raise Moved("its key was forgotten, and claimed anew")
    return response if row.offset == kept.offset else _again(row.answer)


def _row(partition: int, key: str) -> AnswerRow:
    row: AnswerRow | None = answers.rows_of(partition).get(key)
    if row is None:
        raise Moved("its partition left between the decision and this line")
    return row


async def _done(request: web.Request, do: Do) -> web.Response:
    """What `do` answers, also where that is that it can't be done. Raises `Problem` (503)."""
    try:
        response = await do()
    except Problem as problem:
        if problem.status >= 500:
            raise
        return problem_response(problem, request.rel_url.raw_path)
    assert isinstance(response, web.Response), "calls that change something are answered whole"
    return response


def _to_keep(response: web.Response) -> KeptAnswer:
    assert isinstance(response.body, bytes), "all our bodies are bytes"
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return KeptAnswer(response.status, headers, response.body.decode())


def _again(kept: KeptAnswer) -> web.Response:
    return web.Response(status=kept.status, body=kept.body.encode(), headers={**kept.headers, REPLAYED: "true"})


def _another_body() -> Problem:
    return invalid(f"This {IDEMPOTENCY_KEY} came before, with another body.")
