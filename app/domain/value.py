"""What the values of the domain are made of: immutable, compared by their content, cheap to make and to change.

An order passes through some forty values on its way. As frozen dataclasses, making them took a third of a worker's
time; msgspec's structs are made, compared, written and read in C.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

__all__ = ["Value", "Word", "replace"]


class Value(Struct, frozen=True, gc=False):
    """A value. It refers to values made before it alone, so the garbage collector has nothing to look for in it."""


class Word(StrEnum):
    """One of a few words. Enum's own hash is a Python function, and tables are looked up by words all the time."""

    __hash__ = str.__hash__
