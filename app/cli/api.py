"""The calls that the commands make to running workers, by the public HTTP contract."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson
from yarl import URL

BUSY: Final = frozenset({429, 503, 504})
"""Answers of a worker that can't take the call now, and may later; the call had no effect, or may be repeated.

So is a 409 that says when to come again: the same call, by its Idempotency-Key, is still under way.
"""

_CALL_TIMEOUT_S: Final = 20.0
_DEFAULT_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 5.0

Deadline = Callable[[], bool]
"""Says whether it is time to give up."""


class Failure(Exception):
    """The command can't do what it was told; the text says why, in one line."""


class Unreachable(Failure):
    """No answer came: nobody listens, the connection broke, or it took too long."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, and its body when that is JSON. A `busy` worker asks to come again in `retry_after_s`."""

    status: int
    body: Any
    retry_after_s: float = _DEFAULT_RETRY_S
    busy: bool = False

    @property
    def ok(self) -> bool:
        """Whether the call did what was asked."""
        return self.status < 400

    @property
    def problem(self) -> str:
        """What a refusal says of itself, with the fields at fault, in one line."""
        text = self.told("detail") or self.told("title") or "no reason given"
        fields = [f"{it.get('pointer')}: {it.get('detail')}" for it in self.told("errors") or ()]
        return " ".join(f"{self.status} {text} {'; '.join(fields)}".split())

    def told(self, name: str) -> Any:
        """This member of the body; None when there is none."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def expect(self) -> dict[str, Any]:
        """The JSON object of an answer below 400. Raises `Failure` for any other."""
        if not self.ok:
            raise Failure(self.problem)
        if not isinstance(self.body, dict):
            raise Failure("This is no answer of a worker: does --url name another server?")
        return self.body


class Api:
    """Workers at `urls`, called in turn with this API key over at most `connections` connections at once."""

    def __init__(self, urls: Sequence[str], api_key: str, connections: int = 16) -> None:
        self._urls = itertools.cycle([url.rstrip("/") for url in urls])
        self._headers = {"x-api-key": api_key, "accept": "application/json"}
        self._connections = connections
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _CALL_TIMEOUT_S,
        url: str | None = None,
    ) -> Reply:
        """Make one call, to the next worker or the one at `url`; `path` is sent as it is. Raises `Unreachable`."""
        at = url or next(self._urls)
        content = None if body is None else orjson.dumps(body)
        sent = {**(headers or {}), **({} if body is None else {"content-type": "application/json"})}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            target = URL(at + path, encoded=True)
            async with self._session.request(method, target, headers=sent, timeout=timeout, data=content) as response:
                raw = await response.read()
        except TimeoutError:
            raise Unreachable(f"{at} gave no answer within {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"No worker at {at} ({_cause(error)}): start one, or say where with --url") from None
        again = response.headers.get("Retry-After")
        busy = response.status in BUSY or (response.status == HTTPStatus.CONFLICT and again is not None)
        return Reply(response.status, _json(raw), _retry_after_s(again), busy)

    async def insist(
        self,
        method: str,
        path: str,
        give_up: Deadline,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _CALL_TIMEOUT_S,
        through_outages: bool = False,
        on_retry: Callable[[], None] = lambda: None,
    ) -> Reply:
        """Make a call that may be repeated, until somebody has time for it; the last answer, once `give_up` says so.

        With `through_outages`, calls without an answer are repeated too. Raises `Unreachable`.
        """
        while True:
            try:
                reply = await self.call(method, path, body, headers, timeout_s)
            except Unreachable:
                if not through_outages or give_up():
                    raise
                pause_s = _DEFAULT_RETRY_S
            else:
                if not reply.busy or give_up():
                    return reply
                pause_s = reply.retry_after_s
            on_retry()
            await asyncio.sleep(pause_s)


def after(timeout_s: float) -> Deadline:
    """A deadline that many seconds from now."""
    until_s = time.monotonic() + timeout_s
    return lambda: time.monotonic() > until_s


def _cause(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error) or type(error).__name__
    told = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
    return told.lower()


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _retry_after_s(value: str | None) -> float:
    if value is None or not value.isascii() or not value.isdigit():
        return _DEFAULT_RETRY_S
    return min(max(float(value), 0.05), _LONGEST_RETRY_S)
