"""The worker without what guards its edge: whoever asks is an admin; no key, token, limit or place is looked at.

For comparison only (`bench/guarded.py`). Problems are still told as problems, since the views rely on it.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from app.main import app
from app.security.caller import Caller, Role
from views import edge
from views.admission import CALLER
from views.page import web_app
from views.problems import Problem, problem_response

__all__ = ["app"]

ANYBODY = Caller("bench", frozenset({Role.ADMIN}))


@web.middleware
async def open_edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let everybody in."""
    request[CALLER] = ANYBODY
    try:
        return await handler(request)
    except Problem as problem:
        return problem_response(problem, request.rel_url.raw_path)


web_app.middlewares[web_app.middlewares.index(edge.edge)] = open_edge
