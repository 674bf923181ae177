"""The project's commands as a person runs them, in processes of their own."""

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from app.embedded.workers import faust_command

TIMEOUT_S = 120


class Commands:
    """Commands for the workers of `app_id`."""

    def __init__(self, kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str) -> None:
        self.environment: Mapping[str, str] = {
            **os.environ,
            "KAFKA_URL": kafka.url,
            "MONGO_URL": mongo.url,
            "APP_ID": app_id,
            "TOPIC_PREFIX": f"{app_id}.",
            "MONGO_DATABASE": app_id,
        }

    async def run(self, *words: str) -> tuple[int, Any, str]:
        """The exit code, what it printed as JSON (None for nothing), and its stderr."""
        ended = await asyncio.to_thread(
            subprocess.run,
            faust_command(*words, "--json"),
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=TIMEOUT_S,
            check=False,
        )
        return ended.returncode, json.loads(ended.stdout) if ended.stdout else None, ended.stderr

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A command that the test may stop or kill; it is heard by nobody."""
        return subprocess.Popen(
            faust_command(*words, "--json"),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def settled_audit(self, timeout_s: float = 120.0) -> list[dict[str, Any]]:
        """The differences that an audit finds once nothing is in flight."""
        async with asyncio.timeout(timeout_s):
            while True:
                code, report, complaint = await self.run("audit")
                assert report is not None, complaint
                late = [it for it in report["reach"] if it["committed"] < it["end"]]
                if code or not (late or report["inFlight"]):
                    return list(report["differences"])
