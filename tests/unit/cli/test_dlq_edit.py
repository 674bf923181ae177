"""The bytes that go out in place of a letter's own: from the user's editor, or from a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from app.cli.api import Failure
from app.cli.dlq import repaired
from app.cli.letters import Letter, found
from schemas.dead_letters import Action, DeadLetter, base64_of


def letter(value: bytes | None) -> Letter:
    fields: dict[str, Any] = {"topic": "orders", "partition": 2, "offset": 10, "headers": (), "attempt": 3}
    parked = DeadLetter(key=base64_of(b"123"), value=base64_of(value), error="KeyError: 'price'", **fields)
    (made,) = found([(parked, 0)]).values()
    return made


def given(**options: Any) -> dict[str, Any]:
    return {"value_file": None, "edit": False, **options}


@pytest.fixture
def edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets an editor that runs this command of sed over the message."""

    def make(command: str) -> None:
        script = tmp_path / "editor"
        script.write_text(f"#!/bin/sh\nsed -i '{command}' \"$1\"\n")
        script.chmod(0o755)
        monkeypatch.setenv("VISUAL", str(script))
        monkeypatch.setenv("EDITOR", str(script))

    return make


@pytest.mark.parametrize("end", ["", "\n"])
def test_an_edited_message_has_no_more_lines_than_before(edits: Callable[[str], None], end: str) -> None:
    edits("s/unlucky/ada/")
    before = letter(f'{{"user_id": "unlucky"}}{end}'.encode())
    assert repaired([before], Action.REPLAY, given(edit=True)) == f'{{"user_id": "ada"}}{end}'.encode()


def test_what_was_saved_as_it_was_is_not_sent(edits: Callable[[str], None]) -> None:
    edits("s/nothing/else/")
    with pytest.raises(Failure, match="Nothing was changed"):
        repaired([letter(b'{"user_id": "unlucky"}')], Action.REPLAY, given(edit=True))


def test_what_is_no_text_is_not_edited(edits: Callable[[str], None]) -> None:
    edits("s/a/b/")
    with pytest.raises(Failure, match=r"orders-2-10 is no text: give its bytes with --value"):
        repaired([letter(b"\xff\xfe")], Action.REPLAY, given(edit=True))


def test_bytes_may_come_from_a_file() -> None:
    assert repaired([letter(b"\xff")], Action.REPLAY, given(value_file=io.BytesIO(b"{}"))) == b"{}"
    assert repaired([letter(b"\xff")], Action.REPLAY, given()) is None


@pytest.mark.parametrize(
    ("letters", "action", "options"),
    [
        (1, Action.DROP, {"edit": True}),
        (2, Action.REPLAY, {"edit": True}),
        (0, Action.REPLAY, {"edit": True}),
        (1, Action.REPLAY, {"edit": True, "value_file": io.BytesIO(b"{}")}),
    ],
)
def test_other_bytes_are_for_the_replay_of_one_letter(letters: int, action: Action, options: dict[str, Any]) -> None:
    with pytest.raises(click.UsageError, match="the replay of one letter"):
        repaired([letter(b"{}")] * letters, action, given(**options))
