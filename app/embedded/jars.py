"""Kafka's jars: exactly those of the lock, fetched by jgo's pure-Python resolver and checked by us.

`jgo.toml` says what is wanted, `jgo.lock.toml` what that resolves to, each jar with its sha256
(`make lock` writes it). Only the lock is read here: nothing is resolved again, which spares some eighty POM downloads,
and a jar can't change unnoticed. jgo itself never compares a jar with the lock's sum.
"""

import hashlib
import shutil
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import PartError

LOCK = Path(__file__).with_name("jgo.lock.toml")
_DOWNLOADS_AT_ONCE = 4
_REQUEST_TIMEOUT_S = 30


@dataclass(frozen=True)
class LockedJar:
    """One jar of the lock: its Maven coordinates and the sha256 it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """The jar's file name in any Maven repository."""
        return f"{self.artifact}-{self.version}.jar"


def read_lock(lock: Path = LOCK) -> tuple[LockedJar, ...]:
    """Return the jars of a jgo lock file, in its order; `KeyError` when one stands there without its sum."""
    entries = tomllib.loads(lock.read_text())["dependencies"]
    return tuple(LockedJar(e["groupId"], e["artifactId"], e["version"], e["sha256"]) for e in entries)


def install_jars(
    directory: Path, tell: Callable[[str], None], locked: tuple[LockedJar, ...] | None = None
) -> tuple[Path, ...]:
    """Return the paths of all locked jars in `directory`, fetching what is absent and checking every one.

    `tell` gets one line when there is something to fetch. `PartError` when a jar can't be fetched or isn't the locked
    one.
    """
    jars = read_lock() if locked is None else locked
    missing = [jar for jar in jars if not (directory / jar.filename).exists()]
    if missing:
        tell(f"Kafka: fetching {len(missing)} jars")
        _fetch(missing, directory)
    for jar in jars:
        _check(directory / jar.filename, jar)
    return tuple(directory / jar.filename for jar in jars)


def _fetch(jars: list[LockedJar], directory: Path) -> None:
    try:
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext
    except ImportError:
        raise PartError(
            "jgo, which fetches Kafka's jars, is not installed",
            "Install the extra `embedded` (make setup), or set KAFKA_URL to a broker you have",
        ) from None
    # A download that was cut off must not be taken for a jar: it only gets its place once it is whole and right.
    partial = directory / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    # Whoever mirrors Maven Central says so in jgo's own configuration.
    mirrors = GlobalSettings.load().repositories or None
    context = MavenContext(repo_cache=partial, remote_repos=mirrors, timeout=_REQUEST_TIMEOUT_S)

    def fetch(jar: LockedJar) -> None:
        path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        _check(path, jar)
        path.replace(directory / jar.filename)

    try:
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            list(pool.map(fetch, jars))
    except (OSError, RuntimeError) as error:
        raise PartError(
            f"Kafka's jars can't be fetched: {error}",
            "Check the network, or set KAFKA_URL to a broker you have",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check(path: Path, jar: LockedJar) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise PartError(
            f"{path} is not the locked jar: its sha256 is {found} instead of {jar.sha256}",
            f"Delete it to have it fetched again, or write a new {LOCK.name} (make lock) if the change is meant",
        )
