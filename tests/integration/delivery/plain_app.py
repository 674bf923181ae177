"""The same job as `worker_app`, as one writes it with Faust alone: what the tests of the holes compare with."""

import asyncio
import os
from typing import Any

import faust
from faults import FAULT
from faust.transport.drivers.aiokafka import Consumer, Transport

ID = os.environ["APP_ID"]
PORT = os.environ["WEB_PORT"]
WORK_S = float(os.environ.get("WORK_S", "0"))


class FaultyConsumer(FAULT, Consumer):
    pass


class FaultyTransport(Transport):
    Consumer = FaultyConsumer


class PlainApp(faust.App):
    def _new_transport(self) -> FaultyTransport:
        return FaultyTransport(self.conf.broker_consumer, self)


app = PlainApp(
    ID,
    broker=f"kafka://{os.environ['BOOTSTRAP']}",
    store="memory://",
    datadir=os.environ["DATA_DIR"],
    web_bind="127.0.0.1",
    web_port=int(PORT),
    canonical_url=f"http://127.0.0.1:{PORT}",
    topic_partitions=4,
    topic_replication_factor=1,
    table_standby_replicas=0,
    stream_wait_empty=True,
    producer_acks=-1,
    broker_session_timeout=6.0,
    broker_heartbeat_interval=1.0,
    broker_request_timeout=90.0,
    broker_commit_interval=float(os.environ.get("COMMIT_S", "0.5")),
    broker_max_poll_records=int(os.environ.get("POLL", "2000")),
)
source = app.topic(f"{ID}-in", key_serializer="raw", value_serializer="json", partitions=4)
answers = app.topic(f"{ID}-out", key_serializer="raw", value_serializer="json", partitions=4)
counts = app.Table("counts", partitions=4)


@app.agent(source, name="counting")
async def count(stream: Any) -> None:
    async for event in stream.events():
        await asyncio.sleep(WORK_S)  # a queue fills only before an agent that has something to do
        key, number = event.key.decode(), event.value["id"]
        row = counts.get(key) or {"version": 0, "ids": []}
        if number not in row["ids"]:
            counts[key] = {"version": row["version"] + 1, "ids": [*row["ids"], number]}
        await answers.send(key=event.key, value={"id": number})


@app.page("/state")
class State(faust.web.View):
    async def get(self, request: Any) -> Any:
        ready = bool(app.tables.actives_ready and not app.rebalancing)
        return self.json({"ready": ready, "held": sorted(tp.partition for tp in app.consumer.assignment())})
