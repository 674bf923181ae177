"""The fixture that starts workers, tried on a plain Faust app of a few lines."""

from pathlib import Path

from worker_process import WorkerFactory

from app.embedded import ports
from app.embedded.api import is_ready
from app.embedded.processes import command_line

PLAIN_APP = """
import os
import faust
from aiohttp.web import Response

app = faust.App(
    os.environ["APP_ID"], broker=os.environ["KAFKA_URL"], web_host="127.0.0.1", web_bind="127.0.0.1", topic_partitions=1
)

@app.page("/health/ready")
async def ready(web, request):
    return Response()

print("settings:", os.environ["TOPIC_PREFIX"], os.environ["GREETING"], flush=True)
"""


def test_workers_are_started_killed_ended_and_started_again(
    worker_factory: WorkerFactory, app_id: str, tmp_path: Path
) -> None:
    (tmp_path / "plain_app.py").write_text(PLAIN_APP)
    worker = worker_factory("plain_app", path=tmp_path, environment={"GREETING": "hello"})
    assert is_ready(worker.port)
    assert f"settings: {app_id}. hello" in worker.log()

    first_pid = worker.pid
    worker.kill()
    assert not worker.alive
    assert command_line(first_pid) == ""

    worker.restart()
    assert worker.pid != first_pid
    assert is_ready(worker.port)

    worker.term()
    assert ports.is_free(worker.port)
    assert worker.log().count("settings:") == 2
