"""Who may pass: the credentials of a request, the limit of its key, and the roles that its call asks for.

A worker that forwards a request passes its credentials on, and they are checked again where it arrives; a signed mark
only says that it has been counted.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION, METH_GET, METH_HEAD, X_FORWARDED_FOR
from multidict import istr

from app.main import access
from app.security.caller import Caller, Role
from app.security.failures import Failures, sender
from app.security.keys import DEMO, ApiKey, Verdict, demo_key, id_of
from app.security.known_keys import StoreAway
from app.security.known_tokens import KnownTokens
from app.security.lately import Lately
from app.security.limits import Limit
from app.security.marks import is_mark, make_mark
from app.security.quotas import Turn
from app.security.tokens import BadToken, Person
from app.wiring import known_keys, quotas, token_keys
from views.contract import CALLS, Call
from views.problems import Problem, too_many, unauthorized, unavailable

API_KEY: Final = istr("x-api-key")
FORWARDED: Final = istr("x-forwarded-to-owner")
"""Marks a request that was forwarded: two workers that each take the other for the owner don't pass it on for ever."""
FORWARDED_TO_KEEPER: Final = istr("x-forwarded-to-keeper")
"""Marks a request that was forwarded to the owner of its key, who may forward it to the owner of its order."""

_POLICY: Final = istr("RateLimit-Policy")
_LIMIT: Final = istr("RateLimit")

CALLER: Final = web.RequestKey("caller", Caller)
_RULES: Final[Mapping[tuple[str, str], Call]] = {(call.method, call.path): call for call in CALLS}
_BEARER: Final = re.compile(r"Bearer +([!-~]+)", re.IGNORECASE)
_DEMO: Final = demo_key(datetime.now(UTC))
_SAID_OF: Final = {
    Verdict.UNKNOWN: "is not known",
    Verdict.EXPIRED: "has expired",
    Verdict.REVOKED: "was revoked",
}

_Headers: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""All that a request says in `API_KEY`, and in `AUTHORIZATION`."""


class _Known(NamedTuple):
    """Who calls, the limit of its key, and how it is told."""

    caller: Caller
    limit: Limit | None
    policy: str


_failures: Final = Failures(access.failures_per_min)
_lately: Final = Lately[_Known]()
"""By the headers of good credentials. To find them tells nothing of others: Python hashes a text with a secret."""
_tokens: Final = KnownTokens(token_keys(), access.expected)


def rule_of(request: web.Request) -> Call | None:
    """The call that the request makes; None where there is none. Raises `Problem` (404) for a route without a rule."""
    matched = request.match_info
    return None if matched.http_exception is not None else _rule(matched.route)


@cache
def _rule(route: web.AbstractRoute) -> Call:
    method = METH_GET if route.method == METH_HEAD else route.method
    rule = _RULES.get((method, route.resource.canonical)) if route.resource is not None else None
    if rule is None:
        raise Problem(404, "There is nothing at this address.")  # nobody has said who may go there
    return rule


async def admit(request: web.Request, rule: Call | None, request_id: str, told: dict[str, str]) -> None:
    """Let the caller in, or raise `Problem`: 400, 401, 403, 429, 503. `told` gets the headers that tell of its limit.

    Without a rule, where there is nothing, any credentials will do.
    """
    if rule is not None and rule.who is None:
        return
    said = request.headers
    headers = tuple(said.getall(API_KEY, ())), tuple(said.getall(AUTHORIZATION, ()))
    caller, limit, policy = _lately.get(headers) or await _identified(request, headers)
    request[CALLER] = caller
    counts = (rule is None or rule.counts) and not _forwarded(request, request_id)
    if counts and limit is not None:
        counted, key_id = quotas(), caller.application
        turn = counted.take_at_hand(key_id, limit) or await counted.take(key_id, limit)
        told[_POLICY], told[_LIMIT] = policy, _limit_told(turn, limit, policy)
    if rule is not None and rule.who is not None and not caller.may(rule.who):
        raise Problem(403, f"This call is for {', '.join(sorted({*rule.who, 'admin'}))}.")


def caller_of(request: web.Request) -> Caller:
    """Who makes the request, once it was admitted."""
    return request[CALLER]


def roles_of_call(request: web.Request) -> Collection[Role]:
    """Whom the call is for that the request makes; admin may make it, too."""
    rule = rule_of(request)
    return () if rule is None or rule.who is None else rule.who


def credentials_of(request: web.Request) -> dict[str, str]:
    """The headers that say who calls, to call another worker for the same caller."""
    return {name: request.headers[name] for name in (API_KEY, AUTHORIZATION) if name in request.headers}


def mark_of(request: web.Request, mark: str, request_id: str) -> str:
    """What the header `mark` says when this worker forwards the request under this id."""
    key = request.headers.get(API_KEY, "")
    return make_mark(access.workers_secret, time.time(), mark, request_id, key)


def _forwarded(request: web.Request, request_id: str) -> bool:
    """Whether a worker of ours has forwarded it. Raises `Problem` (400) when somebody else says so."""
    headers = request.headers
    if FORWARDED not in headers and FORWARDED_TO_KEEPER not in headers:
        return False
    for name in (FORWARDED, FORWARDED_TO_KEEPER):
        marks = headers.getall(name, [])
        key = headers.get(API_KEY, "")
        if any(not is_mark(mark, access.workers_secret, time.time(), name, request_id, key) for mark in marks):
            raise Problem(400, f"Only workers of this system send {name}.")
    return True


async def _identified(request: web.Request, headers: _Headers) -> _Known:
    """Who calls by the credentials in these headers. Of an address that failed too often, only known ones are seen."""
    heard = ",".join(request.headers.getall(X_FORWARDED_FOR, ()))
    address = sender(request.remote or "", heard, access.trusted_proxies)
    presented, token = _credentials(*headers)
    wait_s = _failures.wait_s(address)
    if wait_s and not _is_at_hand(presented, token):
        raise too_many("Too many wrong credentials have come from this address.", wait_s)
    try:
        key, person = await _key(presented), await _person(token)
    except StoreAway as error:
        raise unavailable("Whether these credentials are good can't be told now.") from error
    except Problem as problem:
        if problem.status == 401:
            _failures.count(address)
        raise
    caller = Caller(key.id, key.roles) if person is None else Caller(key.id, person.roles, person.subject)
    known = _Known(caller, key.limit, _policy(key.limit))
    _lately.note(headers, known)
    return known


def _credentials(keys: Sequence[str], given: Sequence[str]) -> tuple[str, str | None]:
    """The key and the token in these headers. Raises `Problem` (401) where they are missing, or more than one."""
    if len(keys) != 1 or not keys[0]:
        raise unauthorized(f"The header {API_KEY} must name the calling application.", API_KEY)
    if not given:
        return keys[0], None
    bearer = _BEARER.fullmatch(given[0])
    if len(given) > 1 or bearer is None:
        raise unauthorized("The header Authorization must hold one Bearer token.")
    return keys[0], bearer[1]


def _is_at_hand(presented: str, token: str | None) -> bool:
    key_id = id_of(presented)
    key_at_hand = _is_demo(presented) or (key_id is not None and known_keys().is_at_hand(key_id))
    return key_at_hand and (token is None or _tokens.is_at_hand(token))


def _is_demo(presented: str) -> bool:
    return access.is_development and presented == DEMO


async def _key(presented: str) -> ApiKey:
    """The key that was presented. Raises `Problem` (401), `StoreAway`."""
    if _is_demo(presented):
        return _DEMO
    key_id = id_of(presented)
    key = None if key_id is None else await known_keys().find(key_id)
    verdict = Verdict.UNKNOWN if key is None else key.verdict(presented, datetime.now(UTC))
    if key is None or verdict is not Verdict.GOOD:
        raise unauthorized(f"The key in {API_KEY} {_SAID_OF[verdict]}.", API_KEY)
    known_keys().note_use(key.id)
    return key


async def _person(token: str | None) -> Person | None:
    """Whom the token names. Raises `Problem` (401), `StoreAway`."""
    if token is None:
        return None
    try:
        return await _tokens.read(token)
    except BadToken as error:
        raise unauthorized(f"The token lets nobody in: {error}.") from error


def _policy(limit: Limit | None) -> str:
    return "" if limit is None else f'"key";q={limit.burst};w={limit.window_s}'


def _limit_told(turn: Turn, limit: Limit, policy: str) -> str:
    """What is left, and when all of it is back. Raises `Problem` (429) when nothing is left."""
    if not turn.passed:
        wait_s = max(1, math.ceil(turn.wait_s))
        left: dict[str, str] = {_POLICY: policy, _LIMIT: f'"key";r=0;t={wait_s}'}
        raise too_many("This key has made its requests for now.", turn.wait_s, left)
    fills_s = max(0, math.ceil((limit.burst - turn.remaining) / limit.rate_per_s))
    return f'"key";r={turn.remaining};t={fills_s}'
