"""The headers that tell browsers to be careful, and which pages of others may call (CORS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from multidict import CIMultiDict, istr

from app.main import access

HARDENED: Final[Mapping[str, str]] = {
    istr("Server"): "order-processor",
    istr("X-Content-Type-Options"): "nosniff",
    istr("X-Frame-Options"): "DENY",
    istr("Referrer-Policy"): "no-referrer",
    istr("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
    istr("Cross-Origin-Resource-Policy"): "same-origin",
    istr("Cache-Control"): "no-store",
}
"""Of every answer, where it does not say otherwise itself."""

_HSTS: Final = {"Strict-Transport-Security": "max-age=31536000"}
_ALLOWED_HEADERS: Final = "authorization, content-type, idempotency-key, prefer, x-api-key, x-position, x-request-id"
_TOLD_HEADERS: Final = (
    "Age, Idempotent-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, "
    "WWW-Authenticate, x-position, x-read-source, x-request-id"
)
_KEPT_S: Final = 600


def harden(request: web.Request, headers: CIMultiDict[str]) -> None:
    """Add what is missing to the headers of an answer."""
    headers.merge(HARDENED)
    if access.tls_certificate_file:
        headers.update(_HSTS)
    if not access.cors_origins:
        return
    headers["Vary"] = "Origin"
    origin = _allowed_origin(request)
    if origin is not None:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = _TOLD_HEADERS
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def preflight(request: web.Request) -> web.Response | None:
    """The answer to a browser that asks by `OPTIONS` before it calls; None when that is not what this is."""
    asks = "Access-Control-Request-Method" in request.headers
    if not asks or _allowed_origin(request) is None:
        return None
    headers = {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT",
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(_KEPT_S),
    }
    return web.Response(status=204, headers=headers)


def _allowed_origin(request: web.Request) -> str | None:
    origin = request.headers.get("Origin")
    return origin if origin in access.origins else None
