"""What log lines look like: JSON, one object a line, or readable on a terminal; also Faust's, aiokafka's and aiohttp's.

A line carries what it is about in fields of its own, so that all lines of one order can be found: whoever logs gives
them as `extra=about(record)`, and a request or a call binds them once for all that is logged on its way (`bound`).
"""

from __future__ import annotations

import sys
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from structlog.typing import EventDict, Processor

from app.delivery import RepeatFilter

FORMS: Final = ("auto", "json", "text")
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FIELDS: Final = ("order_id", "trace_id", "request_id", "topic", "partition", "offset", "key", "held_back")
"""What a line may say of what it is about."""
MOST_OF_A_KIND: Final = 20
"""So many warnings and errors of one wording are written in ten seconds; the next one says how many there were."""


def logging_config(form: str, level: str, levels: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes. `form` is `json`, `text`, or `auto`: text if stdout is a terminal.

    `levels` are those of single loggers: `aiokafka=ERROR,app.delivery=DEBUG`. Raises `ValueError` for what is none.
    """
    if form not in FORMS:
        raise ValueError(f"{form!r} is no form of lines: {', '.join(FORMS)}")
    as_text = form == "text" or (form == "auto" and sys.stdout.isatty())
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
        if as_text
        else [structlog.processors.format_exc_info, _named, structlog.processors.JSONRenderer(_json)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    _with_what_is_bound,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(FIELDS),
                    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                ],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "filters": {"floods": {"()": RepeatFilter, "most": MOST_OF_A_KIND}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "lines",
                "filters": ["floods"],
            }
        },
        "root": {"level": _level(level), "handlers": ["stdout"]},
        "loggers": {name: {"level": told} for name, told in _levels(levels).items()},
    }


class bound:  # noqa: N801 - a context manager, as those of contextlib
    """All that is logged within the block, also in tasks that it starts, is about this.

    Each request and each call outside has such a block; with structlog's own it was 4% of what an order costs.
    """

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: str | int) -> None:
        self._fields = fields
        self._token: Token[dict[str, str | int]] | None = None

    def __enter__(self) -> None:
        around = _bound.get()
        self._token = _bound.set({**around, **self._fields} if around else self._fields)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._token is not None, "entered"
        _bound.reset(self._token)


_bound: Final[ContextVar[dict[str, str | int]]] = ContextVar("bound", default={})  # noqa: B039 - never changed, only replaced


def _with_what_is_bound(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {**_bound.get(), **event}


def _levels(text: str) -> dict[str, str]:
    parts = (part.partition("=") for part in text.replace(" ", "").split(",") if part)
    return {name: _level(level) for name, _, level in parts}


def _level(level: str) -> str:
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level of logging: {', '.join(LEVELS)}")
    return level


def _named(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The fields that every line has, first and in one order."""
    first = {"at": event.pop("at"), "level": event.pop("level"), "logger": event.pop("logger")}
    return {**first, "message": event.pop("event"), **event}


def _json(event: EventDict, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()
