"""The wire form of every record, byte for byte: a change that would make old messages unreadable fails here.

A new field with a default, or a new kind of record, is a change made on purpose. Renew the files then with

    GOLDEN=renew python -m pytest tests/unit/schemas/test_golden.py

and read the difference before it is committed. Any other change of a record is a new version of its namespace.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from pathlib import Path

import orjson
import pytest
from faust import Record
from faust.models.base import maybe_model

import schemas
from schemas.codec import Decoder, encode, namespace_of
from tests.unit.schemas.examples import BY_NAMESPACE, EXAMPLES

GOLDEN = Path(__file__).parents[2] / "golden"
RENEW = os.environ.get("GOLDEN") == "renew"
A_VERSIONED_NAME = re.compile(r"[a-z]+([.-][a-z]+)*\.v[1-9][0-9]*")


def every_kind() -> set[type[Record]]:
    """All records that can stand on the wire, in any module of `schemas`."""
    for module in pkgutil.iter_modules(schemas.__path__):
        importlib.import_module(f"schemas.{module.name}")
    found: set[type[Record]] = set()
    open_kinds = [Record]
    while open_kinds:
        for kind in open_kinds.pop().__subclasses__():
            open_kinds.append(kind)
            if kind.__module__.startswith("schemas.") and not kind.__is_abstract__:
                found.add(kind)
    return found


KINDS = sorted(every_kind(), key=namespace_of)


def shown(record: Record) -> bytes:
    """The wire form, one field a line, in its order."""
    return orjson.dumps(orjson.loads(encode(record)), option=orjson.OPT_INDENT_2) + b"\n"


def test_every_kind_has_an_example_and_a_name_of_its_own() -> None:
    assert len(BY_NAMESPACE) == len(EXAMPLES)
    assert {namespace_of(kind) for kind in KINDS} == set(BY_NAMESPACE)
    assert len(KINDS) == len(BY_NAMESPACE), "two kinds have one namespace"
    assert [name for name in BY_NAMESPACE if not A_VERSIONED_NAME.fullmatch(name)] == []


@pytest.mark.parametrize("namespace", BY_NAMESPACE)
def test_an_example_sets_every_field(namespace: str) -> None:
    record = BY_NAMESPACE[namespace]
    fields = record._options.fields
    left = [name for name in fields if getattr(record, name) == record._options.defaults.get(name, object())]
    assert left == []


@pytest.mark.parametrize("namespace", BY_NAMESPACE)
def test_the_wire_form_is_the_golden_one(namespace: str) -> None:
    record, golden = BY_NAMESPACE[namespace], GOLDEN / f"{namespace}.json"
    if RENEW:
        golden.write_bytes(shown(record))
    assert golden.exists(), f"{namespace} has no golden file; see {Path(__file__).name}"
    assert shown(record).decode() == golden.read_text("utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(BY_NAMESPACE)


@pytest.mark.parametrize("namespace", BY_NAMESPACE)
def test_what_was_written_is_read_back_equal(namespace: str) -> None:
    record = BY_NAMESPACE[namespace]
    decode = Decoder([type(record)])
    assert decode(encode(record)) == record
    assert decode((GOLDEN / f"{namespace}.json").read_bytes()) == record


def is_flat(value: object) -> bool:
    return value is None or isinstance(value, str | int)


FLAT = [name for name, record in BY_NAMESPACE.items() if all(is_flat(value) for value in record.asdict().values())]


@pytest.mark.parametrize("namespace", FLAT)
def test_faust_reads_our_wire_form_of_a_flat_record(namespace: str) -> None:
    record = BY_NAMESPACE[namespace]
    assert type(record).loads(encode(record), serializer="json") == record
    assert type(maybe_model(orjson.loads(encode(record)))) is type(record), "Faust finds the kind by its namespace"


@pytest.mark.parametrize("namespace", FLAT)
def test_we_read_what_faust_writes_of_a_flat_record(namespace: str) -> None:
    record = BY_NAMESPACE[namespace]
    assert Decoder([type(record)])(record.dumps(serializer="json")) == record
