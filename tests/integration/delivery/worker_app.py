"""The worker under test: counts messages into rows, answers each on an output topic, and may call outside.

Started by the harness as `faust -A worker_app worker`, with all it needs in its environment. A row holds the ids it has
counted, so that a replay changes nothing and every loss or doubling shows.
"""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import faust
from faults import FAULT

from app.delivery import (
    ConsumerRecord,
    DeliveryApp,
    Effects,
    Follower,
    Moved,
    NewTopicSpec,
    Participant,
    Refused,
    Row,
    Rows,
    Send,
    Tell,
    Unavailable,
    owner_of,
    row_table,
    workers,
)
from app.delivery.app import DrainTransport
from app.delivery.consumer import DrainConsumer

ID = os.environ["APP_ID"]
PORT = os.environ["WEB_PORT"]
PARTITIONS = int(os.environ.get("PARTITIONS", "4"))
CALL_S = float(os.environ.get("CALL_S", "0.5"))
LEDGER = os.environ.get("LEDGER")


class FaultyConsumer(FAULT, DrainConsumer):
    pass


class FaultyTransport(DrainTransport):
    Consumer = FaultyConsumer


class WorkerApp(DeliveryApp):
    def _new_transport(self) -> DrainTransport:
        return FaultyTransport(self.conf.broker_consumer, self)


app = WorkerApp(
    ID,
    bootstrap=os.environ["BOOTSTRAP"],
    topics=[NewTopicSpec(f"{ID}-{name}", PARTITIONS) for name in ("in", "out", "dead", "ask", "answers")],
    delivery_timeout_s=float(os.environ.get("DELIVERY_TIMEOUT_S", "120")),
    inbox_limit=int(os.environ.get("INBOX_LIMIT", "6000")),
    datadir=os.environ["DATA_DIR"],
    web_bind="127.0.0.1",
    web_port=int(PORT),
    canonical_url=f"http://127.0.0.1:{PORT}",
    broker_session_timeout=6.0,
    broker_heartbeat_interval=1.0,
    broker_commit_interval=float(os.environ.get("COMMIT_S", "0.5")),
    broker_max_poll_records=int(os.environ.get("POLL", "2000")),
)


def encode(row: Row) -> bytes:
    return json.dumps(row).encode()


def version(row: Row) -> int:
    return int(row["version"])


def park(record: ConsumerRecord, refusal: Refused) -> Send:
    return Send(f"{ID}-dead", record.key or b"", record.value or b"", [("reason", refusal.reason.encode())])


def loads(record: ConsumerRecord) -> Any:
    try:
        return json.loads(record.value or b"")
    except ValueError as exc:
        raise Refused(f"not JSON: {exc}") from exc


counts = row_table(app, "counts", partitions=PARTITIONS, encode=encode, decode=json.loads, version=version)


def count(rows: Rows, record: ConsumerRecord) -> Effects:
    message = loads(record)
    key = (record.key or b"").decode()
    row = rows.get(key) or {"version": 0, "ids": []}
    answer = Send(f"{ID}-out", record.key or b"", json.dumps({"id": message["id"]}).encode())
    if message["id"] in row["ids"]:
        return Effects(sends=[answer])
    row = {"version": row["version"] + 1, "ids": [*row["ids"], message["id"]]}
    return Effects(rows=[(key, row)], sends=[answer])


counting = Participant(app, f"{ID}-in", counts, count, park=park)

asked = row_table(app, "asked", partitions=PARTITIONS, encode=encode, decode=json.loads, version=version)


def ask(rows: Rows, record: ConsumerRecord) -> Effects:
    key = (record.key or b"").decode()
    row = rows.get(key)
    if row is not None:
        return Effects()
    return Effects(rows=[(key, {"version": 1, "pending": f"{key}/1", "answer": None})])


def note(intent: str) -> None:
    with Path(LEDGER or os.devnull).open("a") as ledger:
        ledger.write(f"{intent}\n")


class Asking:
    """A slow gateway that notes each call in a file, by its idempotency key."""

    limit = 64

    def due(self, key: str, row: Row) -> Any | None:
        return row["pending"]

    async def perform(self, key: str, intent: Any, tell: Tell) -> Any:
        note(intent)
        await asyncio.sleep(0.01 if key.startswith("quick") else CALL_S)
        return f"yes to {intent}"

    def settle(self, rows: Rows, key: str, answer: Any) -> Effects:
        row = {**rows[key], "version": rows[key]["version"] + 1, "pending": None, "answer": answer}
        return Effects(rows=[(key, row)], sends=[Send(f"{ID}-answers", key.encode(), answer.encode())])


asking = Participant(app, f"{ID}-ask", asked, ask, park=park, calls=Asking())


def raw(name: str) -> faust.TopicT:
    return app.topic(f"{ID}-{name}", key_type=bytes, value_type=bytes, partitions=PARTITIONS)


@app.agent(raw("in"), name="counting")
async def count_agent(stream: Any) -> None:
    await counting.run(stream)


@app.agent(raw("ask"), name="asking")
async def ask_agent(stream: Any) -> None:
    await asking.run(stream)


followed: list[int] = []
failures = int(os.environ.get("FOLLOWER_FAILURES", "0"))


async def follow(records: Sequence[ConsumerRecord]) -> None:
    global failures
    if failures:
        failures -= 1
        raise ConnectionError("the database is away")
    followed.extend(record.offset for record in records)


following = Follower(app, f"{ID}-answers", follow, retry_on=(ConnectionError,), gather_s=0.05)


@app.agent(raw("answers"), name="following")
async def follow_agent(stream: Any) -> None:
    await following.run(stream)


@app.page("/state")
class State(faust.web.View):
    async def get(self, request: Any) -> Any:
        ready = bool(app.tables.actives_ready and not app.rebalancing and app.drain.is_current())
        held = sorted(counts.partitions_held)
        return self.json({"ready": ready, "held": held, "stats": asdict(app.stats), "followed": len(followed)})


@app.page("/send")
class SendOne(faust.web.View):
    """Send as a request handler does, then wait until the message is applied; say how long each took."""

    async def get(self, request: Any) -> Any:
        topic, key = f"{ID}-{request.query['topic']}", request.query["key"]
        value = json.dumps({"id": request.query.get("id", key)}).encode()
        began = time.monotonic()
        try:
            placed = await app.front.send(Send(topic, key.encode(), value))
            sent_s = time.monotonic() - began
            participant = asking if topic.endswith("ask") else counting
            await participant.applied(placed.partition, placed.offset, 5.0)
            await participant.caught_up(placed.partition, 5.0)
        except (Unavailable, Moved, TimeoutError) as exc:
            return self.json({"error": type(exc).__name__, "sent_s": time.monotonic() - began}, status=503)
        return self.json({"sent_s": sent_s, "applied_s": time.monotonic() - began, "offset": placed.offset})


@app.page("/row")
class ReadRow(faust.web.View):
    """The row of a key in `asked`, once it is answered or `wait_s` is over."""

    async def get(self, request: Any) -> Any:
        key, wait_s = request.query["key"], float(request.query.get("wait_s", "0"))
        owner = owner_of(app, f"{ID}-ask", key.encode())
        row = await asking.changed(key, lambda row: row is not None and row["answer"] is not None, wait_s)
        return self.json({"row": row, "owner": owner._asdict(), "workers": workers(app)})
