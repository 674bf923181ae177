"""What all commands share: how they reach workers, how they end, and how they say what went wrong.

Faust would run a command inside a worker of its own, with signal handling, logging and a traceback for whatever fails.
These are clients of what runs elsewhere, so they run on a plain event loop and end with an exit code: 0 done, 1 failed
or not at rest, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import click
from faust.cli import AppCommand, option

from app.cli.api import Api, Failure
from app.cli.output import Output
from app.main import settings

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130


class UrlType(click.ParamType):
    """The address of a worker, such as `http://127.0.0.1:6066`."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address; `BadParameter` when it is none."""
        try:
            parts = urlsplit(str(value))
            is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # brackets that don't close, or a port that is none
            is_address = False
        if not is_address:
            self.fail(f"{value!r} is not an address such as http://127.0.0.1:6066", param, ctx)
        return str(value)


AS_JSON: Final = option(
    "--json", "as_json", is_flag=True, show_default=False, help="Print JSON for machines instead of tables."
)
"""The option of every command."""

CONNECTION: Final = (
    option(
        "--url",
        "urls",
        type=UrlType(),
        default=(settings.url,),
        multiple=True,
        help="Where a worker is; several take turns.",
    ),
    option("--api-key", envvar="API_KEY", default="demo", help="Sent as x-api-key; better told by API_KEY."),
    AS_JSON,
)
"""The options of every command that speaks to workers."""


class ClientCommand(AppCommand):
    """A command whose `run` returns the exit code; it gets its own options only."""

    abstract = True

    out: Output

    def __call__(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Run, with the options that click has read, to the end of the process."""
        options: dict[str, Any] = dict(self.kwargs)
        self.out = Output(as_json=options.pop("as_json") or self.json)
        sys.exit(self._exit_code(options))

    def take(self, options: dict[str, Any]) -> None:
        """Take out of the options those that are not for `run`. May raise `click.UsageError`."""

    def _exit_code(self, options: dict[str, Any]) -> int:
        try:
            _check_text(tuple(options.values()))
            self.take(options)
            return int(asyncio.run(self.run(**options)))
        except click.UsageError as error:
            error.ctx = error.ctx or self.ctx
            error.show()
            return WRONG_USE
        except Failure as error:
            self.out.error(str(error))
            return FAILED
        except ExceptionGroup as group:
            failures = group.subgroup(Failure)
            if failures is None:
                raise
            self.out.error(str(_first(failures)))  # calls made side by side mostly fail for one reason
            return FAILED
        except KeyboardInterrupt:
            self.out.error("Interrupted.")
            return INTERRUPTED


class HttpCommand(ClientCommand):
    """A command whose `run` makes HTTP calls."""

    abstract = True

    def take(self, options: dict[str, Any]) -> None:
        """Take the options of `CONNECTION`."""
        self._urls: tuple[str, ...] = options.pop("urls")
        self._api_key: str = options.pop("api_key")
        if not self._api_key.isprintable():
            raise click.UsageError("The API key holds what no header can, such as the end of a line.")

    def api(self, connections: int = 16) -> Api:
        """The workers that the user named."""
        return Api(self._urls, self._api_key, connections)


def _check_text(value: object) -> None:
    """Raise `click.UsageError` for bytes on the command line that are no text: nothing could be sent with them."""
    if isinstance(value, tuple):
        for part in value:
            _check_text(part)
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"{value!a} is no text in UTF-8.") from None


def _first(group: ExceptionGroup[Failure]) -> Failure:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner
