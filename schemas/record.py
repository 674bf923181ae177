"""The base of all records: Faust's own, but quick to make.

Faust's `__init__` sets field by field through descriptors, which takes four times as long as to write the record; an
order makes some twenty. All the rest of a Record stays as Faust has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust


class Record(faust.Record, abstract=True):
    """A typed record; by position or by name, as the fields stand in the class. Values are not checked."""

    @classmethod
    def _BUILD_init(cls) -> Callable[..., None]:  # noqa: N802 - Faust's name
        theirs: Callable[..., None] = super()._BUILD_init()
        options = cls._options
        defaults, fields = dict(options.defaults), options.fieldset
        # As in Faust, those that must be given come first.
        names = sorted(options.fields, key=lambda name: name in defaults)

        def __init__(self: Record, *given: Any, **named: Any) -> None:  # noqa: N807 - it becomes that method
            if "__strict__" in named:  # Faust's own decoder, from a dict
                theirs(self, *given, **named)
                return
            made = self.__dict__
            made.update(defaults)
            made.update(zip(names, given, strict=False))
            made.update(named)
            if made.keys() != fields or len(given) > len(names):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(names)}, got {given} and {named}")

        return __init__
