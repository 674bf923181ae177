"""`dlq` as docs/dead-letters.md has a person type it: look, choose, repair, drop; and what is kept on record."""

import getpass
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from dead_letters import Dlq, Stranger, cancelled, placed
from worker_process import WorkerFactory

from app.embedded.kafka import EmbeddedKafka

HERE = Path(__file__).parent
WHY = ("--reason", "fixed in 1.4.2", "--yes")
ORDER = ["edited", "worn", "dropped"]
Letters = list[dict[str, Any]]


@pytest.fixture
def mended(worker_factory: WorkerFactory, tmp_path: Path) -> Path:
    """A worker runs; it is mended once this file is there."""
    mended = tmp_path / "mended"
    worker_factory("faulty_app", path=HERE, environment={"MENDED": str(mended)})
    return mended


def listed(dlq: Dlq, *words: str) -> Letters:
    """The letters that `list` shows for these words."""
    code, letters = dlq("list", *words)
    assert code == 0
    return list(letters)


def kinds(letters: Letters) -> list[str]:
    return sorted(it["kind"] for it in letters)


@pytest.fixture
def editor(tmp_path: Path) -> Callable[[str], str]:
    """Makes an editor that runs this command of sed over what it is given."""

    def make(command: str) -> str:
        script = tmp_path / "editor"
        script.write_text(f"#!/bin/sh\nsed -i '{command}' \"$1\"\n")
        script.chmod(0o755)
        return str(script)

    return make


def test_letters_are_found_and_shown_and_nothing_is_done_without_a_choice_a_reason_and_a_yes(
    mended: Path, dlq: Dlq, stranger: Stranger
) -> None:
    stranger.send("orders", placed("o1", "unlucky"), cancelled("o1", "second"), (b"o2", b"\xff"))
    stranger.send("payments", (b"o3", b"rubbish"))
    letters = dlq.wait_for(4)
    for words, found in (
        (("--topic", "orders", "--since", "2h", "--error", "KeyError", "--state", "all"), ["failed"]),
        (("--key", "o1", "--until", "2030-01-31T12:00"), ["failed", "waiting"]),
        (("--limit", "1", "--key", "o1"), ["failed"]),
    ):
        assert kinds(listed(dlq, *words)) == found, words
    failed = next(it for it in letters if it["kind"] == "failed")
    table = dlq.type("list", "--error", "KeyError")
    assert (table.code, failed["letter"] in table.out) == (0, True)
    shown = dlq.type("show", failed["letter"])
    for told in (failed["letter"], "KeyError: 'luck'", '"user_id": "unlucky"', "header from", "another program"):
        assert told in shown.out
    unknown = dlq.type("show", "orders-3-1742")
    assert (unknown.code, "There is no dead letter orders-3-1742" in unknown.err) == (1, True)

    for words, complaint in (
        (("replay", *WHY), "Say which letters"),
        (("replay", failed["letter"], "--yes"), "--reason"),
        (("drop", failed["letter"], "--reason", "a test"), "say --yes"),
    ):
        told_off = dlq.type(*words)
        assert told_off.code != 0, words
        assert complaint in re.sub(r"[\s│]+", " ", told_off.err), told_off.err
    for action in ("replay", "drop"):
        dry = dlq.type(action, "--key", "o1", "--dry-run")
        assert (dry.code, failed["letter"] in dry.out, "Nothing was sent" in dry.err) == (0, True, True)
    refused = dlq.type("replay", "--key", "o2", "--dry-run")
    assert (refused.code, "There is no such letter" in refused.err) == (0, True), "it stands in no queue"
    assert kinds(listed(dlq, "--key", "o2")) == ["refused"]
    assert listed(dlq) == letters, "as they were"


def test_letters_are_edited_replayed_and_dropped_on_record_and_not_round_and_round(
    mended: Path, dlq: Dlq, stranger: Stranger, editor: Callable[[str], str]
) -> None:
    stranger.send("orders", *(placed(key, "unlucky") for key in ("edited", "worn", "dropped", "dropped")))
    letters = dlq.wait_for(4)
    edited, worn, dropped, behind = (
        it["letter"] for it in sorted(letters, key=lambda it: (ORDER.index(it["key"]), it["offset"]))
    )

    code, complaint = dlq("replay", edited, "--edit", *WHY, EDITOR=editor("s/nothing/else/"))
    assert (code, "Nothing was changed" in complaint) == (1, True)
    told = dlq("replay", edited, "--edit", *WHY, "--by", "ada", EDITOR=editor("s/unlucky/ada/"))
    assert told == (0, [{"letter": edited, "outcome": "went through", "good": True}])
    (kept,) = dlq("show", edited)[1]
    (done,) = kept["handled"]
    assert (kept["state"], done["action"], done["by"], done["reason"]) == (
        "replayed",
        "replay",
        "ada",
        "fixed in 1.4.2",
    )
    assert done["sentInstead"]["json"] == {**kept["value"]["json"], "user_id": "ada"}
    assert done["at"] > kept["parkedAt"]

    for _ in range(3):
        code, told = dlq("replay", worn, *WHY)
        assert (code, told[0]["outcome"]) == (1, "failed again: KeyError: 'luck'")
    code, complaint = dlq("replay", worn, *WHY)
    assert (code, "replayed 3 times in vain" in complaint) == (1, True)

    assert dlq("drop", dropped, "--reason", "a test of the new till", "--yes")[0] == 0
    assert dlq("drop", dropped, *WHY)[0] == 1, "once is enough"
    mended.touch()
    assert dlq("replay", worn, "--force", *WHY)[0] == 0
    assert dlq("replay", behind, "--timeout", "0", *WHY) == (0, [{"letter": behind, "outcome": "sent", "good": True}])
    dlq.wait_for(0)
    records = {it["letter"]: it["handled"] for it in dlq("show", worn, dropped, behind)[1]}
    assert [it["by"] for it in records[worn]] == [getpass.getuser()] * 4
    assert [(it["action"], it["reason"]) for it in records[dropped]] == [("drop", "a test of the new till")]
    assert [it["action"] for it in records[behind]] == ["replay"]


def test_a_key_is_freed_of_a_message_whose_letter_is_gone(
    mended: Path, dlq: Dlq, stranger: Stranger, kafka: EmbeddedKafka, app_id: str
) -> None:
    stranger.send("orders", placed("o1", "unlucky"), placed("o1", "ada"))
    head, behind = (it["letter"] for it in dlq.wait_for(2))
    first = TopicPartition(f"{app_id}.dead-letters", int(head.rsplit("-", 2)[1]), 1)
    broker = AdminClient({"bootstrap.servers": kafka.bootstrap})
    broker.delete_records([first])[first].result(10)
    mended.touch()
    assert [it["letter"] for it in listed(dlq)] == [behind]
    code, told = dlq("replay", "--key", "o1", *WHY)
    assert (code, told[0]["outcome"]) == (1, "waiting again: an earlier message of its key failed")

    assert "say their key with --key" in dlq("drop", head, *WHY)[1]
    assert "did not take a record" in dlq("drop", f"{app_id}.orders-99-1", "--key", "o1", *WHY)[1]
    dropped = {"letter": head, "outcome": "dropped, if it was waited for", "good": True}
    assert dlq("drop", head, "--key", "o1", *WHY) == (0, [dropped])
    code, told = dlq("replay", "--key", "o1", *WHY)
    assert (code, told[0]) == (0, {"letter": behind, "outcome": "went through", "good": True})
