"""The commands as a person types them: what is wrong is said in a line, with an exit code, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from app.embedded.ports import free_port
from app.embedded.workers import faust_command

USER = ("LOGNAME", "USER", "LNAME", "USERNAME")
NAMELESS = "import os, sys; os.getuid = lambda: 10001; from faust.cli.faust import cli; cli(sys.argv[1:])"


def run(*command: str | bytes, **told: str) -> subprocess.CompletedProcess[str]:
    """Run it with neither Kafka nor MongoDB nor the user in the environment, but with what is `told`."""
    left_out = ("KAFKA_URL", "MONGO_URL", *USER)
    environment = {name: value for name, value in os.environ.items() if name not in left_out} | told
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def typed(*words: str | bytes, **told: str) -> subprocess.CompletedProcess[str]:
    """Run `faust -A app.main WORDS`."""
    return run(*faust_command(), *words, **told)


@pytest.mark.parametrize(
    "words",
    [
        ("stock", "adjust", "789", "-5", "--json"),
        ("inspect", "stock", "789"),
        ("load", "--orders", "10", "--rate", "5"),
    ],
)
def test_a_worker_that_is_away_is_said_in_one_line(words: Sequence[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = typed(*words, "--url", url)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1] == (
        f"Error: No worker at {url} (connection refused): start one, or say where with --url"
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("place",), "Give the whole order with --file, or its products with --item PRODUCT:QUANTITY."),
        (("seed", "--url", "localhost:6066"), "is not an address such as http://127.0.0.1:6066"),
        (("seed", "--api-key", "ok_1\n"), "The API key holds what no header can, such as the end of a line."),
        (("place", "--item", "789:99999999999999999999"), "an order has from 1 to 10000 pieces of a product"),
        (("place", "--item", "789", "--user", b"\xff"), "'\\udcff' is no text in UTF-8."),
        (("stock", "set", "789", "99999999999999999999999"), "is not in the range -1000000000<=x<=1000000000"),
        (("stock", "set", "789", "1", "--price", "99999999999999999999999"), "is not in the range 0<=x<=1000000000"),
        (("token", "x", "--minutes", "inf"), "'--minutes': inf is not in the range 0<=x<=52560000"),
        (("token", "x", "--minutes", "nan"), "'--minutes': 'nan' is not a finite number"),
        (("token", ""), "Say whom the token names."),
        (("keys", "create", "x", "--days", "1e9"), "'--days': 1000000000.0 is not in the range 0.001<=x<=36500"),
        (("keys", "create", "x", "--rate", "inf"), "'--rate': inf is not in the range 0.001<=x<=1000000"),
        (("keys", "rotate", "x", "--overlap-hours", "1e12"), "'--overlap-hours': 1000000000000.0 is not in the range"),
        (("keys", "create", ""), "A name has 1 to 64 characters that can be printed."),
    ],
)
def test_wrong_use_is_told_from_failure(words: Sequence[str | bytes], complaint: str) -> None:
    ended = typed(*words, MONGO_URL="mongodb://127.0.0.1:1")
    assert (ended.returncode, ended.stdout) == (2, "")
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("Error: ")
    assert complaint in said


@pytest.mark.parametrize(("told", "lacks"), [({}, "KAFKA_URL"), ({"KAFKA_URL": "kafka://localhost:1"}, "MONGO_URL")])
def test_a_worker_that_lacks_something_is_not_begun(told: dict[str, str], lacks: str) -> None:
    ended = typed("worker", **told)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1] == (
        f"Error: {lacks} is not set. Set it, or use `make run`, which starts a Kafka and a MongoDB itself."
    )


def test_in_the_image_the_user_has_no_name_and_the_commands_work() -> None:
    ended = run(sys.executable, "-c", NAMELESS, "-A", "app.main", "dlq", "list")
    assert "Traceback" not in ended.stderr
    assert (ended.returncode, "KAFKA_URL is not set" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("PORT", "abc", "PORT='abc' is not a int"),
        ("PORT", "99999", "PORT must be at least 1 and at most 65535"),
        ("SESSION_TIMEOUT_S", "nan", "SESSION_TIMEOUT_S='nan' is not a finite number"),
        ("SERVICE_PORT", "6066", "SERVICE_PORT must be another than PORT"),
        ("DEFAULT_CURRENCY", "usd", "DEFAULT_CURRENCY must be three capital letters"),
    ],
)
def test_a_setting_that_makes_no_sense_is_said_in_one_line(name: str, text: str, complaint: str) -> None:
    ended = typed("worker", **{"PORT": "6066", name: text})
    assert ended.returncode == 2
    assert ended.stderr == f"A setting can't be used: {complaint}\n"


def test_the_commands_are_listed_with_what_they_do() -> None:
    ended = typed("--help")
    assert ended.returncode == 0
    told = {line.split()[0]: line for line in ended.stdout.partition("Commands:")[2].splitlines() if line.split()}
    assert set(told) >= {"cancel", "inspect", "load", "place", "projection", "seed", "stock", "worker"}
    assert "Show the rows of a live table." in told["inspect"]
