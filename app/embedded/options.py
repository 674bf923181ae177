"""What `make run` can be told by the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import PartError

DEFAULT_PORT = 6066
_MOST_WORKERS = 64


@dataclass(frozen=True)
class RunOptions:
    """The choices of one run.

    `ports` holds one port a worker; `shared` is the folder of what all runs share (jars), `home` that of this run's
    data; `kafka_url` and `mongo_url` are None when the embedded part is wanted.
    """

    ports: tuple[int, ...]
    shared: Path
    home: Path
    kafka_url: str | None
    mongo_url: str | None


def read_options(environment: Mapping[str, str], shared: Path) -> RunOptions:
    """Read PORT, WORKERS, KAFKA_URL and MONGO_URL; `PartError` when a number is none or out of its range.

    Each first port has a home of its own, so that several runs of one checkout live side by side.
    """
    port = _number(environment, "PORT", DEFAULT_PORT, 1024, 65_535 - _MOST_WORKERS)
    workers = _number(environment, "WORKERS", 1, 1, _MOST_WORKERS)
    return RunOptions(
        ports=tuple(range(port, port + workers)),
        shared=shared,
        home=shared if port == DEFAULT_PORT else shared / f"port-{port}",
        kafka_url=environment.get("KAFKA_URL") or None,
        mongo_url=environment.get("MONGO_URL") or None,
    )


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise PartError(f"{name}={text} is no number from {least} to {most}", f"Try {name}={default}")
    return int(text)
