"""What a setting may be, and how one is read from the text of its variable. Each says its bounds by one of these types.

What a worker can't do with must end it before it begins: a wrong duration or price would show only in orders that hang.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from schemas.values import IN_WORDS

_HOST: Final = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
_PORT: Final = r"(?::(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?"
_SERVER: Final = _HOST + _PORT
_KAFKA_URL: Final = rf"^(?:kafka://)?{_SERVER}(?:, *{_SERVER})*$(?!\n)"
_MONGO_HOST: Final = r"(?:[A-Za-z0-9._%-]+|\[[0-9A-Fa-f:.]+\])" + _PORT
_MONGO_USER: Final = r"[^\s@/:]*(?::[^\s@/:]*)?"
_MONGO_URL: Final = rf"^mongodb(?:\+srv)?://(?:{_MONGO_USER}@)?{_MONGO_HOST}(?:,{_MONGO_HOST})*(?:[/?]\S*)?$(?!\n)"
_WEB_URL: Final = rf"^https?://{_SERVER}(?:/\S*)?$(?!\n)"
_KAFKA_NAME: Final = r"^[A-Za-z0-9._-]{1,100}$(?!\n)"
_MONGO_NAME: Final = r'^[^/\\. "$*<>:|?\x00]{1,63}$(?!\n)'
_WORDS: Final = {
    **IN_WORDS,
    _KAFKA_URL: "an address such as kafka://broker:9092, or several: kafka://one:9092,two:9092",
    _MONGO_URL: "an address such as mongodb://db:27017",
    _WEB_URL: "an address such as http://worker-1:6066",
    _KAFKA_NAME: "1 to 100 characters out of A-Z a-z 0-9 . _ -",
    _MONGO_NAME: '1 to 63 characters, without spaces and none of / \\ . " $ * < > : | ?',
}

_LONGEST_S: Final = 10 * 365 * 24 * 3600
_LONGEST_TOLD_S: Final = 24 * 24 * 3600

Count: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
CountOrNone: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Copies: TypeAlias = Annotated[int, Meta(ge=1, le=32_767)]
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65_535)]
PortOrNone: TypeAlias = Annotated[int, Meta(ge=0, le=65_535)]
Share: TypeAlias = Annotated[float, Meta(ge=0, lt=1)]
Duration: TypeAlias = Annotated[float, Meta(ge=0.001, le=_LONGEST_S)]
"""At least a millisecond: less is none where whole ones are counted."""
DurationOrNone: TypeAlias = Annotated[float, Meta(ge=0, le=_LONGEST_S)]
ToldDuration: TypeAlias = Annotated[float, Meta(ge=0.001, le=_LONGEST_TOLD_S)]
"""Brokers are told of it in milliseconds, and have 32 bits for that."""
KafkaUrl: TypeAlias = Annotated[str, Meta(pattern=_KAFKA_URL)]
MongoUrl: TypeAlias = Annotated[str, Meta(pattern=_MONGO_URL)]
WebUrl: TypeAlias = Annotated[str, Meta(pattern=_WEB_URL)]
KafkaName: TypeAlias = Annotated[str, Meta(pattern=_KAFKA_NAME)]
MongoName: TypeAlias = Annotated[str, Meta(pattern=_MONGO_NAME)]


class SettingsError(ValueError):
    """A setting is missing or makes no sense; the text names it and says what to do."""


def read_fields(cls: type[Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a dataclass that these variables give, each within its bounds. Raises `SettingsError`."""
    kinds = get_type_hints(cls, include_extras=True)
    named = ((field.name, environment.get(field.name.upper(), "")) for field in fields(cls))
    return {name: _read(name.upper(), text, kinds[name]) for name, text in named if text}


def _read(name: str, text: str, kind: Any) -> object:
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    try:
        value = plain(text)
    except ValueError as error:
        raise SettingsError(f"{name}={text!r} is not a {plain.__name__}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{name}={text!r} is not a finite number")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        # An address may hold a password: what was given is not told again.
        raise SettingsError(f"{name} must be {_in_words(kind)}") from None


def _in_words(kind: Any) -> str:
    meta: Meta = get_args(kind)[1]
    if meta.pattern is not None:
        return _WORDS[meta.pattern]
    bounds = {"at least": meta.ge, "at most": meta.le, "below": meta.lt}
    return " and ".join(f"{word} {bound}" for word, bound in bounds.items() if bound is not None)
