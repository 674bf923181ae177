"""Requests that schemathesis makes up from the OpenAPI document: no 5xx, and every answer as the document says.

`make fuzz EXAMPLES=…` makes up as many as you like; the run among the other tests is short.
"""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded.workers import Worker
from tests.contract.conftest import serving

EXAMPLES = int(os.environ.get("EXAMPLES", "4"))
"""For each call, in each phase; about 60 times as many cases come of it."""
LEAST_CASES = 300
CREDENTIALS = {"with the demo key": "demo", "without": None, "with a wrong key": f"ok_{'a' * 12}_{'x' * 43}"}


@pytest.fixture(scope="module")
def own_worker(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A system that is this test's alone: the ids of the document's examples are those of other tests."""
    app_id = f"any-{uuid.uuid4().hex[:8]}"
    own = {**environment, "APP_ID": app_id, "TOPIC_PREFIX": f"{app_id}.", "MONGO_DATABASE": app_id}
    own["FAILURES_PER_MIN"] = "1000000"  # else wrong credentials are soon not looked at any more
    with serving(own, tmp_path_factory.mktemp("any")) as made:
        yield made


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("key", CREDENTIALS.values(), ids=list(CREDENTIALS))
def test_every_answer_is_one_of_the_contract(own_worker: Worker, tmp_path: Path, key: str | None) -> None:
    told = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            *("--config-file", Path(__file__).with_name("schemathesis.toml"), "run"),
            f"http://127.0.0.1:{own_worker.port}/api-docs/openapi.json",
            *("--checks", "all", "--max-examples", str(EXAMPLES), "--continue-on-failure"),
            *("--request-timeout", "60", "--no-color"),
            *(() if key is None else ("--header", f"x-api-key: {key}")),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-20_000:] + told.stderr
    cases = re.search(r"Test cases:\s*\n\s*([\d,]+) generated", told.stdout)
    assert cases is not None, told.stdout
    print(f"{cases[1]} cases")  # noqa: T201 - what was done
    assert int(cases[1].replace(",", "")) >= LEAST_CASES
