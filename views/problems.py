"""Errors as the contract has them: RFC 9457 problem documents, whatever it was that went wrong.

A view raises `Problem`; the edge (`views.edge`) makes the answer of it, and of what aiohttp and Faust raise themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from schemas import http

PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1
"""What a client is asked to wait after a `503`: about as long as a partition takes to find its next owner."""


class Problem(Exception):
    """An answer of 400 and above. `detail` is for people, `headers` go with the answer, `errors` name fields."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[http.FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


def not_found(what: str) -> Problem:
    """`404`: there is no such thing."""
    return Problem(404, f"There is no such {what}.")


def conflict(detail: str) -> Problem:
    """`409`: it can't be done to what is there."""
    return Problem(409, detail)


def invalid(detail: str, pointer: str | None = None) -> Problem:
    """`422`: well-formed, but not valid. `pointer` is a JSON pointer to what is wrong in the body."""
    errors = () if pointer is None else (http.FieldProblem(pointer, detail),)
    return Problem(422, detail, errors=errors)


def unavailable(detail: str) -> Problem:
    """`503` with `Retry-After`: not now, and not here."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def unauthorized(detail: str, key_header: str | None = None) -> Problem:
    """`401`: no or wrong credentials; they are a key in `key_header`, or else a token."""
    challenge = 'Bearer error="invalid_token"' if key_header is None else f'ApiKey header="{key_header}"'
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def too_many(detail: str, wait_s: float, headers: Mapping[str, str] | None = None) -> Problem:
    """`429` with `Retry-After`: too often; it is worth coming again in `wait_s`."""
    return Problem(429, detail, headers={"Retry-After": str(max(1, math.ceil(wait_s))), **(headers or {})})


def problem_response(problem: Problem, instance: str) -> web.Response:
    """The answer that `problem` makes; `instance` is the path of the request."""
    document = http.Problem(
        type="about:blank",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        instance=instance,
        errors=problem.errors,
    )
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(document),
        headers=problem.headers,
        content_type=PROBLEM_TYPE,
    )
