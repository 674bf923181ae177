"""The base of all records: Faust's own, but quick to make.

Faust's `__init__` sets field by field through descriptors, which takes four times as long as to write the record; an
order makes some twenty. All the rest of a Record stays as Faust has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import faust

MISSING: Final = object()

_INIT: Final = """
def __init__(self, {given}, **more):
    if more:
        theirs(self, {named}, **more)
        del self.__evaluated_fields__  # kept for fields that are coerced late: ours never are
    else:
        self.__dict__ = {{{fields}}}
"""
"""`more` is what Faust's own decoder says, or what is no field, and refused by Faust."""


def blank(kind: type[faust.Record]) -> dict[str, Any]:
    """The fields of a new record, in their order: with their defaults, or `MISSING`."""
    options = kind._options
    return {name: options.defaults.get(name, MISSING) for name in options.fields}


class Record(faust.Record, abstract=True):
    """A typed record; by position or by name, as the fields stand in the class. Values are not checked.

    Its `__dict__` always has the fields in their order, which is how they are written.
    """

    @classmethod
    def _BUILD_init(cls) -> Callable[..., None]:  # noqa: N802 - Faust's name
        empty = blank(cls)
        # As in Faust, those that must be given come first.
        names = sorted(empty, key=lambda name: empty[name] is not MISSING)
        source = _INIT.format(
            given=", ".join(name if empty[name] is MISSING else f"{name}=empty[{name!r}]" for name in names),
            named=", ".join(f"{name}={name}" for name in names),
            fields=", ".join(f"{name!r}: {name}" for name in empty),
        )
        made: dict[str, Any] = {"theirs": super()._BUILD_init(), "empty": empty}
        exec(source, made)  # noqa: S102 - as Faust and dataclasses do; the names are those of the class
        init: Callable[..., None] = made["__init__"]
        init.__qualname__ = f"{cls.__qualname__}.__init__"
        init.__module__ = __name__
        return init
