"""What happened, kept only when somebody will read it: the lines about one order, and what concerns everybody."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from app.delivery.contract import Effects
from tests.model.simulator.broker import Entry


@dataclass
class Story:
    """Lines, each with the key it is about; none for what concerns all."""

    on: bool = True
    lines: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, line: str, about: str = "") -> None:
        """One more line."""
        if self.on:
            self.lines.append((about, line))

    def handled(self, worker: str, entry: Entry, effects: Effects) -> None:
        """A message was decided."""
        if not self.on:
            return
        sends = ", ".join(_kind(it.value) for it in effects.sends)
        rows = ", ".join(key for key, _ in effects.rows)
        line = f"{worker} decides {entry.topic}-{entry.partition}@{entry.offset} {_kind(entry.value)}"
        self.lines.append(
            (f"{entry.key.decode()} {_about(entry.value)}", f"{line} -> rows {rows or '-'}; {sends or '-'}")
        )

    def of(self, subject: str) -> str:
        """The lines about an order or product, numbered, and those that concern all; every line for no subject."""
        lines = enumerate(self.lines)
        told = [(nth, line) for nth, (about, line) in lines if not subject or not about or subject in about.split()]
        return "\n".join(f"{nth:5} {line}" for nth, line in told)


def _fields(value: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _kind(value: bytes) -> str:
    namespace = _fields(value).get("__faust")
    name = str(namespace.get("ns", "?")) if isinstance(namespace, dict) else "garbage"
    about = _about(value)
    return f"{name.removesuffix('.v1')}({about})" if about else name


def _about(value: bytes) -> str:
    fields = _fields(value)
    return " ".join(str(fields[name]) for name in ("order_id", "product_id") if name in fields)
