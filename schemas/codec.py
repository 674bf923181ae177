"""Between a Record and its bytes.

The wire form is Faust's own: the fields as JSON, and the namespace under `__faust`. Faust's codec would check nothing
but the presence of fields, and take ten times as long; here msgspec checks every type, bound and pattern while it
reads, by a TypedDict made once from the Record's annotations. Bytes that another program wrote are therefore either
a whole, valid record or an `Undecodable` that says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, NotRequired, TypedDict, TypeVar, get_type_hints

import msgspec
from faust import Record

from schemas.record import blank

R = TypeVar("R", bound=Record)


class Undecodable(ValueError):
    """These bytes are none of the records that belong here; the text says why."""


class _Namespace(msgspec.Struct):
    ns: str


class _Envelope(msgspec.Struct):
    faust: _Namespace = msgspec.field(name="__faust")


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ENCODER: Final = msgspec.json.Encoder()
_NAMESPACE_AT: Final = len(b'{"__faust":{"ns":"')
_HEADS: Final[dict[type[Record], bytes]] = {}
"""How the bytes of each kind begin: everything before its fields."""


def encode(record: Record) -> bytes:
    """The record as JSON bytes, its namespace first."""
    kind = type(record)
    head = _HEADS.get(kind)
    if head is None:
        head = _HEADS[kind] = b'{"__faust":%b,' % _ENCODER.encode({"ns": namespace_of(kind)})
    return head + _ENCODER.encode(record.__dict__)[1:]


def remade(kind: type[R], source: Record, **changes: Any) -> R:
    """A record of `kind` with the fields of `source` and these changes.

    `kind` must begin with all fields of `source`. Nothing is checked again: a Record's own way, through `asdict` and
    `__init__`, takes ten times as long.
    """
    made = kind.__new__(kind)
    made.__dict__ = {**source.__dict__, **changes}
    return made


def namespace_of(kind: type[Record]) -> str:
    """The versioned name under which records of this kind stand on the wire, such as `stock.reserved.v1`."""
    return str(kind._options.namespace)


class Decoder(Generic[R]):
    """Reads the records of one topic or table: any of `kinds`, and nothing else."""

    def __init__(self, kinds: Iterable[type[R]]) -> None:
        self._readers = {namespace_of(kind): _reader(kind) for kind in kinds}
        # Ours begin with their namespace. So they need not be read twice.
        self._by_beginning = {b'{"__faust":{"ns":"%b"' % ns.encode(): reader for ns, reader in self._readers.items()}

    def __call__(self, value: bytes | None) -> R:
        """The record in these bytes. Raises `Undecodable`."""
        if value is None:
            raise Undecodable("no value")
        try:
            reader = self._by_beginning.get(value[: value.find(b'"', _NAMESPACE_AT) + 1]) or self._reader_of(value)
            return reader(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Undecodable(f"not a valid record: {error}") from error

    def _reader_of(self, value: bytes) -> Callable[[bytes], R]:
        namespace = _ENVELOPE.decode(value).faust.ns
        reader = self._readers.get(namespace)
        if reader is None:
            raise Undecodable(f"a record of kind {namespace!r} does not belong here")
        return reader


def _reader(kind: type[R]) -> Callable[[bytes], R]:
    empty = blank(kind)
    defaults: dict[str, Any] = dict(kind._options.defaults)
    if any(isinstance(default, list | dict | set) for default in defaults.values()):
        raise TypeError(f"{kind.__name__} has a mutable default, which its records would share")
    hints = get_type_hints(kind, include_extras=True)
    fields = {name: NotRequired[hints[name]] if name in defaults else hints[name] for name in kind._options.fields}
    form: Any = TypedDict(kind.__name__, fields)  # type: ignore[misc]  # made from the annotations, so not literal
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(form)
    read = decoder.decode

    def record(value: bytes) -> R:
        made = kind.__new__(kind)  # its __init__ would set field by field what was checked already
        made.__dict__ = {**empty, **read(value)}
        return made

    return record
