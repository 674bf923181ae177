"""`/api-docs`: the API, browsable, with nothing from any outside host."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from aiohttp import web
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]  # has no types

from app.main import app
from views import openapi
from views.bodies import JSON_TYPE
from views.page import Page
from views.problems import not_found

PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Order processor API</title>
<link rel="icon" type="image/png" href="/api-docs/favicon-32x32.png">
<link rel="stylesheet" href="/api-docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/api-docs/swagger-ui-bundle.js"></script>
<script src="/api-docs/start.js"></script>
</body>
</html>
"""

# Left to itself, Swagger UI shows a badge of a validator on the Internet.
START: Final = """\
SwaggerUIBundle({url: "/api-docs/openapi.json", dom_id: "#api", validatorUrl: null, persistAuthorization: true});
"""

TYPES: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

ONLY_FROM_HERE: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
}


@app.page("/api-docs", name="api-docs")
class ApiDocs(Page):
    """The page."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Show it."""
        return web.Response(text=PAGE, content_type="text/html", headers=ONLY_FROM_HERE)


@app.page("/api-docs/openapi.json", name="openapi")
class OpenApi(Page):
    """The document."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Give it."""
        return web.Response(body=openapi.document(), content_type=JSON_TYPE)


@app.page("/api-docs/{name}", name="api-docs-part")
class ApiDocsPart(Page):
    """What the page is made of."""

    async def get(self, _request: web.Request, name: str) -> web.StreamResponse:
        """Give it."""
        if name == "start.js":
            return web.Response(text=START, content_type="text/javascript")
        if name not in TYPES:
            raise not_found("part of this page")
        # Nothing of it is kept by clients, so none asks for a part of it, nor whether it has changed, as aiohttp's own
        # answer for files lets them: that says what is wrong with such a question in plain text.
        return web.Response(body=BytesIO(_file(name)), content_type=TYPES[name])


@cache
def _file(name: str) -> bytes:
    return Path(swagger_ui_path, name).read_bytes()
