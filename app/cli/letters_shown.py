"""Dead letters for people and for machines: bytes as JSON or text where they are that, as hex where not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from app.cli.letters import Letter
from app.cli.output import Cell, Column, Output
from schemas.dead_letters import bytes_of

COLUMNS: Final = (
    Column("letter", whole=True),
    Column("key"),
    Column("kind"),
    Column("state"),
    Column("parked"),
    Column("replays", number=True),
    Column("error"),
)


def time_of(at_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def text_of(raw: bytes | None) -> str | None:
    """Bytes as text where all of it can be printed, as hex otherwise."""
    if raw is None:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return f"0x{raw.hex()}"
    return text if text.isprintable() else f"0x{raw.hex()}"


def content_of(raw: bytes | None) -> dict[str, Any]:
    """Bytes under the name of what they are: `json`, `hex`, or `nothing`."""
    if raw is None:
        return {"nothing": True}
    try:
        return {"json": orjson.loads(raw)}
    except orjson.JSONDecodeError:
        return {"hex": raw.hex()}


def cells(letter: Letter) -> list[Cell]:
    """The row of `COLUMNS`."""
    parked = letter.parked
    error = parked.error if len(parked.error) <= 120 else f"{parked.error[:119]}…"
    key, when = text_of(letter.key), None if letter.is_gone else time_of(letter.parked_ms)
    return [str(letter.name), key, parked.kind, letter.state, when, letter.replays, error]


def document(letter: Letter) -> dict[str, Any]:
    """All there is to know of a letter, in JSON's types."""
    parked = letter.parked
    return {
        "letter": str(letter.name),
        "topic": parked.topic,
        "partition": parked.partition,
        "offset": parked.offset,
        "key": text_of(letter.key),
        "kind": parked.kind,
        "state": letter.state,
        "parkedAt": None if letter.is_gone else time_of(letter.parked_ms),
        "error": parked.error,
        "attempts": parked.attempt,
        "replays": letter.replays,
        "traceId": parked.trace_id,
        "headers": [[name, text_of(bytes_of(value))] for name, value in parked.headers],
        "value": content_of(bytes_of(parked.value)),
        "handled": [
            {
                "action": done.action,
                "by": done.by,
                "reason": done.reason,
                "at": time_of(at_ms),
                **({} if done.value is None else {"sentInstead": content_of(bytes_of(done.value))}),
            }
            for done, at_ms in letter.handled
        ],
    }


def show(out: Output, letter: Letter) -> None:
    """Print a letter for people: all its fields, and its bytes."""
    told = document(letter)
    value = told.pop("value")
    handled = told.pop("handled")
    headers = told.pop("headers")
    rows: list[tuple[str, Cell]] = [(name, cell) for name, cell in told.items() if name != "letter"]
    rows += [(f"header {name}", text) for name, text in headers]
    rows += [(it["action"], f"{it['at']} by {it['by']}: {it['reason']}") for it in handled]
    out.table(str(letter.name), (Column(), Column()), rows)
    if "json" in value:
        out.line(orjson.dumps(value["json"], option=orjson.OPT_INDENT_2).decode())
    else:
        out.line(value.get("hex") or "(no bytes)")
