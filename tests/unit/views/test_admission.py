"""Every call x every kind of credentials, through the real middleware: who passes, and how the others fail."""

import base64
import hashlib
import hmac
import itertools
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.security import lately
from app.security.caller import ALL_ROLES, Role
from app.security.failures import Failures
from app.security.keys import ApiKey, new_key
from app.security.known_keys import KnownKeys
from app.security.known_tokens import KnownTokens
from app.security.lately import Lately
from app.security.limits import Bucket, Grant, Limit
from app.security.marks import make_mark
from app.security.quotas import Quotas
from app.security.token_keys import PublishedKeys
from app.security.tokens import Expected, Person
from tests.unit.security.test_known_keys import Store
from tests.unit.security.test_tokens import PRIVATE, SECRET, claims, jwk, pem, raw, signed
from views import admission
from views.contract import CALLS, Call
from views.edge import edge

NOW = datetime.now(UTC)
ENDPOINT = "https://login.example"
Client = TestClient[web.Request, web.Application]


def key(*roles: Role, limit: Limit | None = None, **changed: Any) -> tuple[str, ApiKey]:
    presented, made = new_key("k", frozenset(roles), limit, NOW, None)
    return presented, replace(made, **changed)


OF_ROLE = {role: key(role) for role in Role}
NOBODY = key()
REVOKED = key(*Role, revoked_at=NOW)
EXPIRED = key(*Role, expires_at=NOW - timedelta(seconds=1))
LIMITED = key(Role.SUPPORT, limit=Limit(1, 3))
MADE = [*OF_ROLE.values(), NOBODY, REVOKED, EXPIRED, LIMITED]


def token(kid: str = "EdDSA", **changed: Any) -> str:
    return signed("EdDSA", {"kid": kid}, **changed)


def forged() -> str:
    """HS256, with the public key for a secret."""
    unsigned = raw({"alg": "HS256", "kid": "RS256"}, claims(roles=["admin"])).rsplit(".", 1)[0]
    mac = hmac.new(pem(PRIVATE["RS256"]).encode(), unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


BAD_CREDENTIALS: dict[str, dict[str, str]] = {
    "no key": {},
    "an empty key": {"x-api-key": ""},
    "no key, but a token": {"Authorization": f"Bearer {token(roles=['admin'])}"},
    "a wrong key": {"x-api-key": OF_ROLE[Role.ADMIN][0][:-1]},
    "a wrong secret": {"x-api-key": OF_ROLE[Role.ADMIN][0].rsplit("_", 1)[0] + "_" + "x" * 43},
    "an unknown key": {"x-api-key": key(Role.ADMIN)[0]},
    "an expired key": {"x-api-key": EXPIRED[0]},
    "a revoked key": {"x-api-key": REVOKED[0]},
    "alg none": {"Authorization": f"Bearer {raw({'alg': 'none', 'kid': 'EdDSA'}, claims(roles=['admin']))}"},
    "HS256 with the public key": {"Authorization": f"Bearer {forged()}"},
    "HS256 with a secret": {"Authorization": f"Bearer {jwt.encode(claims(), SECRET, 'HS256', {'kid': 'EdDSA'})}"},
    "an expired token": {"Authorization": f"Bearer {token(exp=int(time.time()) - 60)}"},
    "a token for another audience": {"Authorization": f"Bearer {token(aud='shop')}"},
    "a token by another issuer": {"Authorization": f"Bearer {token(iss='https://elsewhere.example')}"},
    "a token with an unknown kid": {"Authorization": f"Bearer {token('other')}"},
    "a token with another key's kid": {"Authorization": f"Bearer {token('RS256')}"},
    "no Bearer": {"Authorization": "Basic YTpi"},
}
for _name, _headers in BAD_CREDENTIALS.items():
    if "Authorization" in _headers and _name != "no key, but a token":
        _headers["x-api-key"] = OF_ROLE[Role.ADMIN][0]


class System:
    """The middleware before pages that do nothing, with keys in a store that may go away."""

    def __init__(self) -> None:
        self.store = Store(*(made for _, made in MADE))
        self.granted = 0
        self.client: Client

    async def call(self, call: Call, headers: dict[str, str]) -> tuple[int, Any, Any]:
        path = re.sub(r"{\w+}", "x", call.path)
        async with self.client.request(call.method, path, headers=headers) as reply:
            return reply.status, reply.headers, await reply.read()

    async def grant(self, _key: str, limit: Limit, wanted: int) -> Grant:
        bucket = self.__dict__.setdefault("bucket", Bucket.full(limit, time.monotonic()))
        taken = min(wanted, int(bucket.tokens))
        bucket.tokens -= taken
        self.granted += taken
        return Grant(taken, bucket.tokens)


class CountedReads:
    """Counts how often a token is looked at."""

    def __init__(self, tokens: KnownTokens) -> None:
        self.tokens = tokens
        self.count = 0

    async def read(self, token: str) -> Person:
        self.count += 1
        return await self.tokens.read(token)


async def page(request: web.Request) -> web.Response:
    if "x-fail" in request.headers:
        raise RuntimeError("nobody has foreseen this")
    return web.Response(text="passed")


async def published() -> object:
    return {"keys": [jwk("EdDSA"), jwk("RS256")]}


@pytest.fixture
async def system(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[System]:
    made = System()
    known, quotas = KnownKeys(made.store, 60, 60), Quotas(made.grant)
    monkeypatch.setattr(admission, "known_keys", lambda: known)
    monkeypatch.setattr(admission, "quotas", lambda: quotas)
    monkeypatch.setattr(admission, "_failures", Failures(100))
    monkeypatch.setattr(admission, "_lately", Lately())
    keys = PublishedKeys(published)
    monkeypatch.setattr(admission, "_tokens", KnownTokens(keys, Expected(ENDPOINT, "orders")))
    served = web.Application(middlewares=[edge])
    for call in CALLS:
        served.router.add_route(call.method, call.path, page)
    served.router.add_get("/v1/forgotten", page)
    served.router.add_get("/forgotten", page)
    async with TestClient(TestServer(served)) as client:
        made.client = client
        yield made


CLOSED = [call for call in CALLS if call.who is not None]
OPEN = [call for call in CALLS if call.who is None]


def named(call: Call) -> str:
    return f"{call.method} {call.path}"


@pytest.mark.parametrize("call", OPEN, ids=named)
async def test_what_is_open_asks_nobody(system: System, call: Call) -> None:
    for headers in ({}, BAD_CREDENTIALS["a wrong key"]):
        assert (await system.call(call, headers))[0] == 200


@pytest.mark.parametrize("kind", BAD_CREDENTIALS)
@pytest.mark.parametrize("call", CLOSED, ids=named)
async def test_bad_credentials_pass_nowhere(system: System, call: Call, kind: str) -> None:
    headers = BAD_CREDENTIALS[kind]
    status, told, body = await system.call(call, headers)
    assert (status, told["Content-Type"]) == (401, "application/problem+json")
    assert told["WWW-Authenticate"].startswith(("ApiKey", "Bearer"))
    said = json.loads(body)
    assert said["instance"] == re.sub(r"{\w+}", "x", call.path)
    for secret in headers.values():
        assert not secret or secret.removeprefix("Bearer ") not in body.decode()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("call", CLOSED, ids=named)
async def test_each_role_passes_where_it_may(system: System, call: Call, role: Role) -> None:
    expected = 200 if role is Role.ADMIN or role in (call.who or ()) else 403
    by_key = {"x-api-key": OF_ROLE[role][0]}
    by_token = {"x-api-key": NOBODY[0], "Authorization": f"Bearer {token(roles=[str(role)])}"}
    for headers in (by_key, by_token):
        assert (await system.call(call, headers))[0] == expected


@pytest.mark.parametrize("call", CLOSED, ids=named)
async def test_without_a_role_nobody_passes(system: System, call: Call) -> None:
    for roles in ([], ["root"], ["Admin"]):
        headers = {"x-api-key": NOBODY[0], "Authorization": f"Bearer {token(roles=roles)}"}
        assert (await system.call(call, headers))[0] == 403
    assert (await system.call(call, {"x-api-key": NOBODY[0]}))[0] == 403


async def test_a_person_has_its_own_roles_and_not_those_of_the_application(system: System) -> None:
    update = next(call for call in CALLS if call.path == "/v1/inventory/update")
    headers = {"x-api-key": OF_ROLE[Role.ADMIN][0], "Authorization": f"Bearer {token(roles=['customer'])}"}
    assert (await system.call(update, headers))[0] == 403


async def test_what_nobody_has_a_rule_for_is_closed(system: System) -> None:
    for path in ("/v1/forgotten", "/forgotten"):
        async with system.client.get(path, headers={"x-api-key": OF_ROLE[Role.ADMIN][0]}) as reply:
            assert reply.status == 404


@pytest.mark.parametrize("name", ["x-api-key", "Authorization"])
async def test_of_two_credentials_none_counts(system: System, name: str) -> None:
    good = [("x-api-key", OF_ROLE[Role.ADMIN][0]), ("Authorization", f"Bearer {token(roles=['admin'])}")]
    both = [*good, *(it for it in good if it[0] == name)]
    for headers, expected in ((good, 200), (both, 401)):
        async with system.client.get("/v1/inventory", headers=headers) as reply:
            assert reply.status == expected


async def test_while_the_store_is_away_known_keys_pass_and_of_others_nobody_can_say(system: System) -> None:
    inventory = next(call for call in CALLS if named(call) == "GET /v1/inventory")
    known, unknown = {"x-api-key": OF_ROLE[Role.SUPPORT][0]}, {"x-api-key": OF_ROLE[Role.ADMIN][0]}
    assert (await system.call(inventory, known))[0] == 200
    system.store.away = True
    assert (await system.call(inventory, known))[0] == 200
    status, headers, _ = await system.call(inventory, unknown)
    assert (status, int(headers["Retry-After"]) >= 1) == (503, True)
    assert (await system.call(inventory, {"x-api-key": "nonsense"}))[0] == 401, "it can't be a key"


async def test_a_key_passes_as_often_as_its_limit_says(system: System) -> None:
    inventory = next(call for call in CALLS if named(call) == "GET /v1/inventory")
    replies = [await system.call(inventory, {"x-api-key": LIMITED[0]}) for _ in range(5)]
    assert [status for status, _, _ in replies] == [200] * 3 + [429] * 2
    assert [headers["RateLimit-Policy"] for _, headers, _ in replies] == ['"key";q=3;w=3'] * 5
    assert replies[0][1]["RateLimit"] == '"key";r=2;t=1'
    assert replies[4][1]["RateLimit"] == '"key";r=0;t=1'
    assert replies[4][1]["Retry-After"] == "1"


async def test_a_request_that_was_forwarded_is_counted_once(system: System) -> None:
    inventory = next(call for call in CALLS if named(call) == "GET /v1/inventory")
    mark = make_mark(admission.access.workers_secret, time.time(), admission.FORWARDED, "r-1", LIMITED[0])
    headers = {"x-api-key": LIMITED[0], "x-request-id": "r-1", admission.FORWARDED: mark}
    for _ in range(5):
        assert (await system.call(inventory, headers))[0] == 200
    assert system.granted == 0
    for changed in ({"x-request-id": "r-2"}, {"x-api-key": NOBODY[0]}, {admission.FORWARDED: "1"}):
        assert (await system.call(inventory, {**headers, **changed}))[0] == 400


async def test_who_fails_too_often_waits_and_known_keys_of_the_address_go_on(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_failures", Failures(3))
    inventory = next(call for call in CALLS if named(call) == "GET /v1/inventory")
    good = {"x-api-key": OF_ROLE[Role.SUPPORT][0]}
    assert (await system.call(inventory, good))[0] == 200
    statuses = [(await system.call(inventory, {"x-api-key": "guess"}))[0] for _ in range(6)]
    assert statuses == [401] * 3 + [429] * 3
    assert (await system.call(inventory, good))[0] == 200
    asked = system.store.asked
    status, headers, _ = await system.call(inventory, {"x-api-key": OF_ROLE[Role.ADMIN][0]})
    assert (status, int(headers["Retry-After"]) >= 1, system.store.asked) == (429, True, asked)


async def test_the_address_that_fails_is_what_the_last_line_of_forwarded_for_says(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy may add a line of its own below that of the client, who could write any address into it."""
    monkeypatch.setattr(admission, "_failures", Failures(3))
    monkeypatch.setattr(admission, "access", replace(admission.access, trusted_proxies=1))
    statuses = []
    for number in range(6):
        heard = [("X-Forwarded-For", f"198.51.100.{number}"), ("X-Forwarded-For", f"192.0.2.1:{4711 + number}")]
        async with system.client.get("/v1/inventory", headers=[("x-api-key", "guess"), *heard]) as reply:
            statuses.append(reply.status)
    assert statuses == [401] * 3 + [429] * 3


async def test_production_knows_no_demo_key(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = next(call for call in CALLS if named(call) == "GET /v1/inventory")
    assert (await system.call(inventory, {"x-api-key": "demo"}))[0] == 200
    monkeypatch.setattr(admission, "access", replace(admission.access, app_env="production"))
    monkeypatch.setattr(admission, "_lately", Lately())  # a worker's mode never changes
    assert (await system.call(inventory, {"x-api-key": "demo"}))[0] == 401


async def test_credentials_that_were_good_a_moment_ago_are_not_looked_at_again_and_then_they_are(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = next(call for call in CALLS if named(call) == "GET /v1/inventory")
    good = {"x-api-key": OF_ROLE[Role.ADMIN][0], "Authorization": f"Bearer {token(roles=['admin'])}"}
    now = itertools.count(step=lately.MOMENT_S / 4)
    monkeypatch.setattr(admission, "_lately", Lately(lambda: next(now)))
    read = CountedReads(admission._tokens)
    monkeypatch.setattr(admission, "_tokens", read)
    for _ in range(12):
        assert (await system.call(inventory, good))[0] == 200
    assert 1 < read.count < 12
    assert (await system.call(inventory, {**good, "Authorization": good["Authorization"][:-2]}))[0] == 401


async def test_no_credential_is_logged(system: System, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    inventory = next(call for call in CALLS if named(call) == "GET /v1/inventory")
    good = {"x-api-key": OF_ROLE[Role.ADMIN][0], "Authorization": f"Bearer {token(roles=['admin'])}"}
    for headers in (good, *BAD_CREDENTIALS.values()):
        await system.call(inventory, headers)
    system.store.away = True
    await system.call(inventory, {"x-api-key": OF_ROLE[Role.SUPPORT][0]})
    assert (await system.call(inventory, {**good, "x-fail": "1"}))[0] == 500
    for headers in (good, *BAD_CREDENTIALS.values()):
        for secret in filter(None, headers.values()):
            assert secret.removeprefix("Bearer ") not in caplog.text
    assert "nobody has foreseen this" in caplog.text


def test_there_is_a_rule_for_every_call_and_each_role_opens_something() -> None:
    opened = [set(call.who or ()) for call in CALLS if call.who != ALL_ROLES]
    assert set().union(*opened) == ALL_ROLES
    assert all(call.who is None or call.who for call in CALLS)
