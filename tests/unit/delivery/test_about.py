"""What lines about a message say of it."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from app.delivery import Effects, Refused, Stats
from app.delivery.about import about
from app.delivery.blocking import Blocking
from app.delivery.queues import Queues

TRACE = "0af7651916cd43dd8448eb211c80319c"


def record(key: bytes | None = b"o1", **headers: bytes) -> Any:
    return SimpleNamespace(
        topic="orders", partition=3, offset=17, key=key, value=b"", timestamp=0, headers=tuple(headers.items())
    )


def test_it_names_the_place_the_key_and_the_trace() -> None:
    told = about(record(traceparent=f"00-{TRACE}-b7ad6b7169203331-01".encode()))
    assert told == {"topic": "orders", "partition": 3, "offset": 17, "key": "o1", "trace_id": TRACE}


def test_what_is_not_there_or_not_readable_is_left_out() -> None:
    assert about(record(None, traceparent=b"rubbish")) == {"topic": "orders", "partition": 3, "offset": 17}
    assert about(record(b"\xff"))["key"] == "\ufffd"


@pytest.mark.parametrize(("error", "lines"), [(Refused("too many"), 1), (KeyError("tea"), 3)])
def test_each_message_that_is_parked_has_lines_that_say_which(
    error: Exception, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    def decide(*_: Any) -> Effects:
        raise error

    blocking = Blocking(decide, lambda *_: None, Stats())  # type: ignore[arg-type, return-value]
    with caplog.at_level(logging.WARNING):
        blocking.handle({}, Queues(), record())
    assert [(it.topic, it.partition, it.offset, it.key) for it in caplog.records] == [("orders", 3, 17, "o1")] * lines  # type: ignore[attr-defined]
