"""From the bytes of a request to a checked body, and from an answer to its bytes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from aiohttp.hdrs import CONTENT_ENCODING

from app.main import access
from schemas.http import Answer, FieldProblem, Request
from schemas.values import ID_PATTERN, IN_WORDS
from views.problems import Problem, not_found

B = TypeVar("B", bound=Request)

JSON_TYPE: Final = "application/json"
IDENTITY: Final = "identity"
"""A body as it is, by the name that HTTP has for it."""
_PLACE: Final = re.compile(r" - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`$")
_NAMED_FIELD: Final = re.compile(r"(?:missing required|unknown) field `(?P<name>[^`]*)`")
_FORMS: Final = {f"Expected `str` matching regex {pattern!r}": words for pattern, words in IN_WORDS.items()}
_ID: Final = re.compile(ID_PATTERN)


async def read_body(request: web.Request, kind: type[B]) -> B:
    """The body of a request, checked. Raises `Problem`: 400, 413, 415 or 422."""
    _must_be_plain(request)
    content = await content_of(request)
    if request.content_type != JSON_TYPE or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem(415, f"The body must be {JSON_TYPE} in UTF-8.", headers={"Accept": JSON_TYPE})
    return decode_body(content, kind)


async def read_optional_body(request: web.Request, kind: type[B]) -> B:
    """As `read_body`; an empty body stands for one that says nothing."""
    _must_be_plain(request)
    if not await content_of(request):
        empty: B = kind()
        return empty
    return await read_body(request, kind)


def _must_be_plain(request: web.Request) -> None:
    """Raises `Problem` (415) for a packed body: a few bytes of one can become gigabytes."""
    named = ",".join(request.headers.getall(CONTENT_ENCODING, ())).lower().split(",")
    if any(coding.strip() not in ("", IDENTITY) for coding in named):
        detail = "The body must not be packed: there is no Content-Encoding here but identity."
        raise Problem(415, detail, headers={"Accept-Encoding": IDENTITY})


async def content_of(request: web.Request) -> bytes:
    """All of the body, once it is here. Raises `Problem`: 400, 408; and as aiohttp does where it is too large."""
    try:
        async with asyncio.timeout(access.body_within_s):
            return await request.read()
    except TimeoutError as error:
        raise Problem(408, "The body did not come in time.", headers={"Connection": "close"}) from error
    except (web.RequestPayloadError, UnicodeError) as error:
        raise Problem(400, "The body can't be read: it is not what its headers say.") from error


def decode_body(content: bytes, kind: type[B]) -> B:
    """The body in these bytes. Raises `Problem`: 400 when they are not JSON, 422 when they are not this body."""
    try:
        body: B = _decoder(kind).decode(content)
    except msgspec.ValidationError as error:
        _must_be_json(content)  # a field may be wrong before the text ends badly
        raise Problem(422, "The body is not valid.", errors=(field_problem(str(error)),)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"The body is not JSON: {error}") from error
    _must_name_once(content)
    return body


@cache
def _decoder(kind: type[B]) -> msgspec.json.Decoder[B]:
    return msgspec.json.Decoder(kind)


def _must_be_json(content: bytes) -> None:
    """Raises `Problem` (400). A number may be larger than any that Python has a place for."""
    try:
        content.decode()
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"The body is not JSON: {error}") from error


def _must_name_once(content: bytes) -> None:
    """msgspec takes the last of several fields of one name; another reader may take the first."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise Problem(400, f"The field {name!r} stands more than once.")

    json.loads(content, object_pairs_hook=once)


def field_problem(message: str) -> FieldProblem:
    """What msgspec says of a body, with the place it speaks of as a JSON pointer."""
    place = _PLACE.search(message)
    detail = message[: place.start()] if place else message
    if detail in _FORMS:
        detail = f"Expected {'a name' if place and place['key'] else '`str`'} of {_FORMS[detail]}"
    path = place["path"] if place else ""
    pointer = "".join(f"/{step}" for step in re.findall(r"[^.\[\]]+", path) if step != "...")
    named = _NAMED_FIELD.search(detail)
    return FieldProblem(f"{pointer}/{named['name']}" if named else pointer, detail)


def is_id(text: str) -> bool:
    """Whether something can have this id."""
    return _ID.match(text) is not None


def checked_id(text: str, what: str) -> str:
    """An id from a path. One that nothing can have is not found: raises `Problem`."""
    if not is_id(text):
        raise not_found(what)
    return text


def answer(body: Answer, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer as JSON; times are RFC 3339 in UTC, with `Z`."""
    return web.Response(status=status, body=msgspec.json.encode(body), headers=headers, content_type=JSON_TYPE)
