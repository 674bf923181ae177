"""What `Dockerfile` does, without an engine: its build stage step by step, in a folder instead of an image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_CONTINUED = re.compile(r"\\\n\s*")


class Instruction(NamedTuple):
    """One line of the file, joined; `name` in capitals."""

    name: str
    rest: str


def instructions(file: Path) -> list[list[Instruction]]:
    """All instructions of each stage."""
    stages: list[list[Instruction]] = []
    for line in _CONTINUED.sub("", file.read_text()).splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            if name == "FROM":
                stages.append([])
            stages[-1].append(Instruction(name, rest.strip()))
    return stages


def build(stage: list[Instruction], context: Path, root: Path) -> None:
    """Do what the stage says below `root`: `/opt` and `/src` are folders in it. Raises on any step that fails."""
    for name, rest in stage:
        if name == "COPY":
            *sources, target = shlex.split(rest)
            _copy(context, sources, root / target.lstrip("/"), folder=target.endswith("/"))
        elif name == "RUN":
            command = rest.replace("/opt/", f"{root}/opt/").replace("/src", f"{root}/src")
            command = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", command)
            told = {**os.environ, "VIRTUAL_ENV": f"{root}/opt/venv"}
            subprocess.run(["/bin/sh", "-ec", command], check=True, capture_output=True, text=True, env=told)


def _copy(context: Path, sources: list[str], target: Path, *, folder: bool) -> None:
    for source in sources:
        found = context / source
        if found.is_dir():
            shutil.copytree(found, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place = target / found.name if folder else target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, place)


def entrypoint(stage: list[Instruction]) -> list[str]:
    """The program and its fixed arguments."""
    return list(json.loads(next(it.rest for it in stage if it.name == "ENTRYPOINT")))


def environment(stage: list[Instruction]) -> dict[str, str]:
    """The variables that the image sets."""
    told = [shlex.split(it.rest) for it in stage if it.name == "ENV"]
    return dict(pair.split("=", 1) for pairs in told for pair in pairs)
