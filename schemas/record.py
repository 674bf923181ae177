"""The base of all records: Faust's own, but quick to make.

Faust's `__init__` sets field by field through descriptors, which takes four times as long as to write the record; an
order makes some twenty. All the rest of a Record stays as Faust has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import faust

MISSING: Final = object()


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
        theirs: Callable[..., None] = super()._BUILD_init()
        empty = blank(cls)
        # As in Faust, those that must be given come first.
        names = sorted(empty, key=lambda name: empty[name] is not MISSING)

        def __init__(self: Record, *given: Any, **named: Any) -> None:  # noqa: N807 - it becomes that method
            if "__strict__" in named:  # Faust's own decoder, from a dict
                theirs(self, *given, **named)
                del self.__evaluated_fields__  # kept for fields that are coerced late: ours never are
                return
            made = self.__dict__
            made.update(empty)
            made.update(zip(names, given, strict=False))
            made.update(named)
            if MISSING in made.values() or len(made) > len(names) or len(given) > len(names):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(names)}, got {given} and {named}")

        return __init__
