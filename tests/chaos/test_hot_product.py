"""Everybody wants the same thing: 5,000 orders for 1,000 pieces, by three workers that are killed meanwhile."""

from pathlib import Path

import pytest

from app.embedded.kafka import KafkaSoftware
from tests.chaos.run import chaos, hot_product

ORDERS, PIECES = 5000, 1000
SEED = 1


@pytest.mark.chaos
@pytest.mark.timeout(420)
def test_exactly_the_stock_is_sold(tmp_path: Path, kafka_software: KafkaSoftware, mongod_executable: Path) -> None:
    plan = hot_product(ORDERS, PIECES, rate_per_s=80.0, tell=print)
    outcome = chaos(tmp_path, kafka_software, mongod_executable, plan, SEED, print)
    assert outcome.failures == []
    assert outcome.orders == ORDERS
    assert outcome.shown == {"REJECTED OUT_OF_STOCK": ORDERS - PIECES, "SHIPPED": PIECES}
    assert len([it for it in outcome.faults if it.kind == "kill -9 of workers"]) >= 3
    assert {"SIGTERM of a worker", "kill -9 of workers"} == {it.kind for it in outcome.faults}
