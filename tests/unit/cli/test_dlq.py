"""Dead letters found, chosen and turned into replays and drops; and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli import letters as mail
from app.cli.api import Failure
from app.cli.handling import check
from app.cli.letter_options import NameType, TimeType, user
from app.cli.letters import Filter, Letter, Name, State, found
from app.cli.letters_shown import content_of, document, text_of
from schemas.dead_letters import Action, DeadLetter, DeadLetterHandled, Kind, base64_of


def parked(
    offset: int, kind: Kind = Kind.FAILED, key: bytes | None = b"123", replays: int = 0, **more: Any
) -> DeadLetter:
    fields: dict[str, Any] = {"value": base64_of(b'{"a": 1}'), "headers": (), "error": "KeyError: 'price'"}
    fields |= {"attempt": 3, "kind": kind, "replays": replays, **more}
    return DeadLetter(topic="s.orders", partition=2, offset=offset, key=base64_of(key), **fields)


def done(offset: int, action: Action = Action.REPLAY, replays: int = 1) -> DeadLetterHandled:
    return DeadLetterHandled("s.orders", 2, offset, action, "ada", "mended", replays=replays)


def letters_of(*records: DeadLetter | DeadLetterHandled) -> dict[Name, Letter]:
    return found((record, 1_000 + at) for at, record in enumerate(records))


def name(offset: int) -> Name:
    return Name("s.orders", 2, offset)


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([parked(10)], State.OPEN),
        ([parked(10), done(10)], State.REPLAYED),
        ([parked(10), done(10), parked(10, replays=1)], State.OPEN),
        ([parked(10), done(10), parked(10, replays=1), done(10, replays=2)], State.REPLAYED),
        ([parked(10), done(10, Action.DROP, 0)], State.DROPPED),
        # A worker that died wrote its letter once more, after it was handled.
        ([parked(10), done(10), parked(10)], State.REPLAYED),
        ([parked(10), done(10, Action.DROP, 0), parked(10)], State.DROPPED),
    ],
)
def test_the_state_of_a_letter_follows_from_its_records(records: list[Any], state: State) -> None:
    (letter,) = letters_of(*records).values()
    assert letter.state is state


def test_doubles_are_one_letter_and_a_failed_replay_has_its_own_bytes() -> None:
    letters = letters_of(parked(10), parked(10), done(10), parked(10, replays=1, value=base64_of(b"repaired")))
    assert list(letters) == [name(10)]
    assert mail.replay(letters[name(10)], None).value == b"repaired"


@pytest.mark.parametrize(
    ("given", "offsets"),
    [
        ({}, [9, 10, 11]),
        ({"kind": Kind.WAITING}, [11]),
        ({"key": "123"}, [10, 11]),
        ({"error": "KEYERROR"}, [10, 11]),
        ({"since_ms": 1_001, "until_ms": 1_002}, [10]),
        ({"topic": "s.payments"}, []),
        ({"state": State.REPLAYED}, [12]),
        ({"state": None}, [9, 10, 11, 12]),
    ],
)
def test_letters_are_chosen_by_what_they_are(given: dict[str, Any], offsets: list[int]) -> None:
    letters = letters_of(
        parked(9, Kind.REFUSED, b"9", error="no value"), parked(10), parked(11, Kind.WAITING), parked(12), done(12)
    )
    assert [it.offset for it, letter in letters.items() if Filter(**given).takes(letter)] == offsets


def test_a_replay_goes_where_its_message_was_and_says_what_it_is() -> None:
    headers = (
        ("x-replay-of", base64_of(b"s.orders-2-3")),
        ("x-replay-count", base64_of(b"1")),
        ("from", base64_of(b"\xff")),
    )
    (letter,) = letters_of(parked(10, replays=1, headers=headers), done(10)).values()
    sent = mail.replay(letter, None)
    assert sent[:3] == ("s.orders", b"123", b'{"a": 1}')
    assert sent.headers == [("from", b"\xff"), ("x-replay-of", b"s.orders-2-10"), ("x-replay-count", b"2")]
    assert sent.partition == 2


def test_a_drop_tells_the_participant_only_of_what_stands_in_a_queue() -> None:
    failed, refused, keyless = letters_of(parked(10), parked(11, Kind.REFUSED), parked(12, key=None)).values()
    control = mail.drop(failed)
    assert control is not None
    assert (control.topic, control.key, control.value, control.partition) == ("s.orders", b"123", b"", 2)
    assert control.headers == [("x-drop-of", b"s.orders-2-10")]
    assert mail.drop(refused) is None
    assert mail.drop(keyless) is None


QUEUE = letters_of(
    parked(9, Kind.REFUSED), parked(10), parked(11, Kind.WAITING), parked(12, key=b"other"), parked(13), done(13)
)


@pytest.mark.parametrize(
    ("offsets", "action", "force", "complaint"),
    [
        ([11], Action.REPLAY, False, "s.orders-2-11 waits for s.orders-2-10"),
        ([10, 11], Action.REPLAY, False, None),
        ([9, 12], Action.REPLAY, False, None),
        ([11], Action.DROP, False, None),
        ([13], Action.REPLAY, False, "replayed already"),
        ([13], Action.REPLAY, True, None),
        ([13], Action.DROP, True, "replayed already"),
    ],
)
def test_what_waits_is_not_replayed_before_what_it_waits_for(
    offsets: list[int], action: Action, force: bool, complaint: str | None
) -> None:
    chosen = [name(offset) for offset in offsets]
    if complaint is None:
        check(QUEUE, chosen, action, force)
    else:
        with pytest.raises(Failure, match=complaint):
            check(QUEUE, chosen, action, force)


def test_after_three_replays_in_vain_it_takes_force() -> None:
    letters = letters_of(
        parked(10, replays=3), done(10, replays=3), parked(11, Kind.WAITING, replays=3), done(11, replays=3)
    )
    with pytest.raises(Failure, match=r"s.orders-2-10: replayed 3 times in vain"):
        check(letters, list(letters), Action.REPLAY, False)
    check(letters, list(letters), Action.REPLAY, True)
    check(letters, list(letters), Action.DROP, False)


def test_only_those_that_wait_for_nothing_go_first() -> None:
    assert [it.offset for it in mail.heads(QUEUE)] == [9, 10, 12, 13]


@pytest.mark.parametrize(
    ("raw", "content"),
    [(b'{"a": 1}', {"json": {"a": 1}}), (b"\xff{", {"hex": "ff7b"}), (b"", {"hex": ""}), (None, {"nothing": True})],
)
def test_bytes_are_shown_as_json_or_as_hex(raw: bytes | None, content: dict[str, Any]) -> None:
    assert content_of(raw) == content
    (letter,) = letters_of(parked(10, value=base64_of(raw))).values()
    assert document(letter)["value"] == content


@pytest.mark.parametrize(
    ("raw", "text"), [(b"123", "123"), (b"\xff", "0xff"), (b"a\x1b[2J", "0x611b5b324a"), (None, None)]
)
def test_keys_that_can_not_be_printed_are_shown_as_hex(raw: bytes | None, text: str | None) -> None:
    assert text_of(raw) == text


def test_names_and_times_are_read_as_people_write_them() -> None:
    assert NameType()("my-shop.orders-2-17") == Name("my-shop.orders", 2, 17)
    assert TimeType()("2026-01-31T12:00") == TimeType()("2026-01-31T13:00+01:00") == 1_769_860_800_000
    assert TimeType()("15m") - TimeType()("2h") == pytest.approx(105 * 60_000, abs=1_000)


def test_who_has_no_name_is_called_by_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert user() == "ada"
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 10001)
    assert user() == "uid 10001"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (NameType(), "orders-2"),
        (NameType(), "orders-2-x"),
        (NameType(), f"orders-{'9' * 5000}-1"),
        (TimeType(), "soon"),
    ],
)
def test_what_is_no_name_or_time_is_said(kind: Any, text: str) -> None:
    with pytest.raises(Exception, match=text):
        kind(text)
