"""Log lines: what each of them says, in both forms."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest

from app.logs import MOST_OF_A_KIND, bound, logging_config

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def root() -> Iterator[None]:
    before = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = before
    logging.getLogger("quiet").setLevel(logging.NOTSET)


@pytest.fixture
def lines(root: None, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The lines so far. The handler has a stream of its own: pytest changes that of the tests between its phases."""
    out = StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    logging.config.dictConfig(logging_config("json", "INFO", "quiet=ERROR"))
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_object_with_its_time_level_logger_and_message(lines: Lines) -> None:
    logging.getLogger("app.delivery").warning("%d records\nof %s", 3, "tea")
    [line] = lines()
    assert list(line) == ["at", "level", "logger", "message"]
    assert line["at"].endswith("Z")
    assert (line["level"], line["logger"], line["message"]) == ("warning", "app.delivery", "3 records\nof tea")


def test_what_a_line_is_about_stands_in_fields_and_nothing_else_does(lines: Lines) -> None:
    logging.getLogger("x").info("failed", extra={"topic": "orders", "partition": 3, "offset": 17, "secret": "s"})
    [line] = lines()
    assert (line["topic"], line["partition"], line["offset"]) == ("orders", 3, 17)
    assert "secret" not in line


async def test_what_is_bound_is_in_every_line_of_the_block_and_of_its_tasks_and_in_no_other(lines: Lines) -> None:
    async def call() -> None:
        await asyncio.sleep(0)
        logging.getLogger("aiohttp.client").info("asked")

    with bound(order_id="o1", request_id="r1"):
        task = asyncio.create_task(call())
        logging.getLogger("views").info("taken")
    await asyncio.gather(task, asyncio.create_task(call()))
    within, started_within, outside = lines()
    assert within["order_id"] == started_within["order_id"] == "o1"
    assert started_within["request_id"] == "r1"
    assert "order_id" not in outside


def test_of_a_flood_of_one_wording_some_lines_are_written_and_others_are_not_kept_from_it(lines: Lines) -> None:
    for number in range(1_000):
        logging.getLogger("app.delivery").warning("message %d is refused", number)
    logging.getLogger("app.delivery").warning("the broker is away")
    told = [line["message"] for line in lines()]
    assert told == [*(f"message {number} is refused" for number in range(MOST_OF_A_KIND)), "the broker is away"]


def test_a_traceback_is_within_the_line(lines: Lines) -> None:
    try:
        raise KeyError("tea")
    except KeyError:
        logging.getLogger("x").exception("failed")
    [line] = lines()
    assert line["exception"].splitlines()[-1] == "KeyError: 'tea'"


def test_levels_are_those_that_were_asked_for(lines: Lines) -> None:
    logging.getLogger("quiet.part").warning("not shown")
    logging.getLogger("quiet.part").error("shown")
    logging.getLogger("other").debug("not shown")
    assert [line["message"] for line in lines()] == ["shown"]


def test_text_is_for_people(root: None, capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(logging_config("text", "INFO", ""))
    logging.getLogger("app.delivery").warning("held back", extra={"topic": "orders"})
    told = capsys.readouterr().out
    assert "held back" in told
    assert "topic" in told
    with pytest.raises(json.JSONDecodeError):
        json.loads(told)


@pytest.mark.parametrize(
    ("form", "level", "levels", "told"),
    [
        ("xml", "INFO", "", "'xml' is no form of lines: auto, json, text"),
        ("json", "LOUD", "", "'LOUD' is no level"),
        ("json", "INFO", "aiokafka=ERROR, app=LOUD", "'LOUD' is no level"),
        ("json", "INFO", "aiokafka", "'' is no level"),
    ],
)
def test_what_makes_no_sense_is_named(form: str, level: str, levels: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        logging_config(form, level, levels)
