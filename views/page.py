"""aiohttp's application, and the Faust view that the pages of this project are made of."""

from __future__ import annotations

from typing import Final, cast

from aiohttp import web
from faust.web import View
from faust.web.drivers.aiohttp import Web

from app.main import app

web_app: Final[web.Application] = cast(Web, app.web).web_app
"""What Faust's web server serves."""


class Page(View):
    """Faust's view, which offers `HEAD` everywhere: here only where there is something to get.

    So a method that is not offered is refused by aiohttp, which says what is.
    """

    def get_methods(self) -> set[str]:
        """The methods to make routes for."""
        methods: set[str] = super().get_methods()
        return methods if "GET" in methods else methods - {"HEAD"}
