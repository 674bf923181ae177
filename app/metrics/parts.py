"""The parts that a worker needs, as 1 or 0."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge

kafka_up: Final = Gauge("kafka_up", "1 while this worker reaches Kafka.")
agents_ended: Final = Gauge("agents_ended", "Agents of this worker that have ended: nobody takes their messages.")
mongodb_up: Final = Gauge("mongodb_up", "1 while this worker reaches MongoDB.")
