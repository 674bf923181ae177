"""How people write letters' names and moments on the command line, and who they are."""

from __future__ import annotations

import getpass
import os
import re
import time
from datetime import UTC, datetime
from typing import Any, Final

import click

from app.cli.letters import Name

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NAME: Final = re.compile(r"(.+)-([0-9]{1,9})-([0-9]{1,18})")
_AGE: Final = re.compile(r"(\d{1,9})([smhd])")


class TimeType(click.ParamType):
    """A moment: ISO 8601, in UTC unless it says otherwise, or how long ago (`15m`, `2h`, `3d`)."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The milliseconds since 1970; `BadParameter` when it is no moment."""
        age = _AGE.fullmatch(str(value))
        if age:
            return int((time.time() - int(age[1]) * _UNITS_S[age[2]]) * 1000)
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a time such as 2026-01-31T12:00 nor an age such as 15m", param, ctx)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class NameType(click.ParamType):
    """What a letter is called: TOPIC-PARTITION-OFFSET."""

    name = "LETTER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Name:
        """The name; `BadParameter` when it is none."""
        parts = _NAME.fullmatch(str(value))
        if parts is None:
            self.fail(f"{value!r} is not TOPIC-PARTITION-OFFSET, as `dlq list` prints it", param, ctx)
        return Name(parts[1], int(parts[2]), int(parts[3]))


def user() -> str:
    """Who types: the user's name, or, where that has none, as in a container, `uid 10001`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # which of them depends on Python's version
        return f"uid {os.getuid()}"
