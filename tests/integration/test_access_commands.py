"""`faust -A app.main keys` and `token`, on a real MongoDB and, for what they are for, a real worker."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from worker_process import WorkerFactory, WorkerProcess

from app.embedded.mongod import EmbeddedMongod
from app.embedded.workers import faust_command

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(mongo: EmbeddedMongod, app_id: str) -> Run:
    """Runs a command with --json; gives the exit code and what it printed."""

    def command(*words: str, **told: str) -> tuple[int, Any]:
        ended = subprocess.run(
            faust_command(*words, "--json"), capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "MONGO_URL": mongo.url, "MONGO_DATABASE": app_id, **told},
        )  # fmt: skip
        assert "Traceback" not in ended.stderr
        return ended.returncode, json.loads(ended.stdout) if ended.stdout else ended.stderr

    return command


def status(worker: WorkerProcess, key: str, token: str | None = None, path: str = "/v1/inventory") -> int:
    headers = {"x-api-key": key, **({} if token is None else {"Authorization": f"Bearer {token}"})}
    try:
        with urllib.request.urlopen(urllib.request.Request(worker.url + path, headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_life_of_a_key(run: Run, worker_factory: WorkerFactory) -> None:
    workers = [worker_factory(), worker_factory()]
    code, made = run("keys", "create", "shop", "--role", "support", "--rate", "50", "--days", "30")
    assert (code, made["roles"], made["limit"], made["state"]) == (0, "support", "50/s, 100 at once", "good")
    first = made["key"]
    assert [status(it, first) for it in workers] == [200, 200]
    assert run("keys", "create", "shop")[0] == 1, "the name is taken"

    second = run("keys", "rotate", "shop", "--overlap-hours", "1")[1]["key"]
    _wait_until(lambda: all(status(it, second) == 200 for it in workers))
    assert [status(it, first) for it in workers] == [200, 200], "the old secret has its hour"
    third = run("keys", "rotate", "shop", "--overlap-hours", "0")[1]["key"]
    _wait_until(lambda: all(status(it, third) == 200 for it in workers))
    assert [status(it, second) for it in workers] == [401, 401]

    assert run("keys", "limit", "shop", "--rate", "5", "--burst", "7")[1][0]["limit"] == "5/s, 7 at once"
    assert run("keys", "limit", "shop", "--unlimited")[1][0]["limit"] is None
    code, listed = run("keys", "list")
    assert [(it["name"], bool(it["lastUsed"])) for it in listed] == [("shop", True)]
    for secret in (first, second, third):
        assert secret.split("_", 2)[2] not in json.dumps(listed)

    assert run("keys", "revoke", "shop")[1][0]["state"] == "revoked"
    began_s = time.monotonic()
    _wait_until(lambda: all(status(it, third) == 401 for it in workers))
    assert time.monotonic() - began_s < 5
    assert run("keys", "rotate", "shop")[0] == 1


def test_a_key_without_a_role_lets_people_in_by_their_tokens(run: Run, worker_factory: WorkerFactory) -> None:
    worker = worker_factory()
    key = run("keys", "create", "app")[1]["key"]
    token = run("token", "ada", "--role", "support")[1]["token"]
    assert status(worker, key) == 403
    assert status(worker, key, token) == 200
    assert status(worker, key, token, "/tables") == 403
    assert status(worker, key, run("token", "ada", "--role", "support", "--minutes", "0")[1]["token"]) == 200, "leeway"
    assert status(worker, key, run("token", "ada", JWT_SECRET="x" * 32)[1]["token"]) == 401


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "create"),
        ("keys", "list", "x"),
        ("keys", "limit", "x"),
        ("keys", "create", "x", "--burst", "3"),
        ("keys", "create", "x", "--rate", "3", "--unlimited"),
        ("keys", "create", "x" * 65),
        ("keys", "create", "x", "--role", "root"),
        ("token", "x", "--role", "root"),
    ],
)
def test_wrong_use_of_the_commands_is_told(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words)[0] == 2


def test_what_is_not_there_is_told(run: Run, free_port: int) -> None:
    assert run("keys", "revoke", "nobody") == (1, "Error: There is no key 'nobody'\n")
    away = f"mongodb://127.0.0.1:{free_port}"
    assert run("keys", "list", MONGO_URL=away) == (1, "Error: MongoDB does not answer\n")
    production = {"APP_ENV": "production"}
    assert run("token", "ada", **production)[0] == 1


def test_production_does_not_start_with_secrets_that_everybody_knows(
    worker_factory: WorkerFactory, app_id: str
) -> None:
    refused = {
        "CLUSTER_SECRET": {"APP_ENV": "production"},
        "JWT_SECRET": {"APP_ENV": "production", "CLUSTER_SECRET": "c" * 32, "JWT_SECRET": "short"},
        "APP_ENV": {"HOST": "0.0.0.0"},
    }
    for named, environment in refused.items():
        worker = worker_factory(environment=environment, wait=False)
        assert worker.child.wait(30) == 2
        last = worker.child.log_tail().splitlines()[-1]
        assert named in last
        assert "Traceback" not in worker.child.log_tail()
    good = worker_factory(environment={"APP_ENV": "production", "CLUSTER_SECRET": "c" * 32})
    assert status(good, "demo") == 401


def _wait_until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
