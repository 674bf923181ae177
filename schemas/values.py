"""The kinds of values that records and HTTP bodies are made of, each with the bounds of the HTTP contract."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from app.domain.money import MAX_UNIT_PRICE_MINOR

ID_PATTERN: Final = r"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$(?!\n)"
"""Python's `$` alone would let a line break follow. In a path, `.` and `..` are taken for the way to another."""

NEW_ORDER_ID_PATTERN: Final = r"^(?!(\.{1,2}|status)$)[A-Za-z0-9._-]{1,64}$(?!\n)"
"""Behind `/v1/orders/status` come the ids of other orders."""

MAX_LINES: Final = 100
MAX_QUANTITY: Final = 10_000
MAX_PIECES: Final = 1_000_000_000
"""The largest on-hand, or change of it, that can be asked for."""

CURRENCY_PATTERN: Final = r"^[A-Z]{3}$(?!\n)"
NAME_PATTERN: Final = r"^[^$\x00][^\x00]*$"

_ID_WORDS: Final = "1 to 64 characters out of A-Z a-z 0-9 . _ -"
IN_WORDS: Final = {
    ID_PATTERN: f"{_ID_WORDS}, but not . or ..",
    NEW_ORDER_ID_PATTERN: f"{_ID_WORDS}, but not ., .. or status",
    CURRENCY_PATTERN: "three capital letters",
    NAME_PATTERN: "1 to 40 characters, the first not $, none of them NUL",
}
"""What a text must be that a client may have written otherwise, by its pattern."""

Identifier: TypeAlias = Annotated[str, Meta(pattern=ID_PATTERN)]
NewOrderId: TypeAlias = Annotated[str, Meta(pattern=NEW_ORDER_ID_PATTERN)]
Quantity: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_QUANTITY)]
Lines: TypeAlias = Annotated[tuple[tuple[Identifier, Quantity], ...], Meta(min_length=1, max_length=MAX_LINES)]
Pieces: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_PIECES)]
Change: TypeAlias = Annotated[int, Meta(ge=-MAX_PIECES, le=MAX_PIECES)]
PriceMinor: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_UNIT_PRICE_MINOR)]
TotalMinor: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_LINES * MAX_QUANTITY * MAX_UNIT_PRICE_MINOR)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**31)]
"""How often, or the how-manieth. What has no bound could not be written again: JSON holds 64 bits."""

MomentMs: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
"""Milliseconds since 1970."""

Currency: TypeAlias = Annotated[str, Meta(pattern=CURRENCY_PATTERN)]
CurrencyIfPriced: TypeAlias = Annotated[str, Meta(pattern=r"^([A-Z]{3})?$(?!\n)")]
Token: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Words: TypeAlias = Annotated[str, Meta(max_length=1_000)]
"""What somebody outside says: a reference, a reason. Empty where they said nothing."""

Name: TypeAlias = Annotated[str, Meta(max_length=40, pattern=NAME_PATTERN)]
"""What a client calls a value. BSON has no NUL in it, and MongoDB's clients take a `$ref` for something else."""

_Said: TypeAlias = Annotated[str, Meta(max_length=200)]
Metadata: TypeAlias = Annotated[dict[Name, _Said], Meta(max_length=20)]
Address: TypeAlias = Metadata
Kept: TypeAlias = Annotated[dict[Annotated[str, Meta(min_length=1, max_length=40)], _Said], Meta(max_length=20)]
"""Of either, what was once taken in: names were held to less, and a row that can't be read ends whoever recovers it."""


class Mode(StrEnum):
    """Whether a step is taken by itself or waits for a person."""

    AUTO = "auto"
    MANUAL = "manual"


class StockMode(StrEnum):
    """Whether an update says what on-hand becomes, or what is added to it."""

    SET = "set"
    ADJUST = "adjust"
