"""A short run of everything: each kind of fault once."""

from pathlib import Path

import pytest

from app.embedded.kafka import KafkaSoftware
from tests.chaos.faults import FAULTS
from tests.chaos.run import chaos, long_run

SEED = 1
SECONDS = 80.0


@pytest.mark.chaos
@pytest.mark.timeout(420)
def test_each_fault_once_under_load(tmp_path: Path, kafka_software: KafkaSoftware, mongod_executable: Path) -> None:
    plan = long_run(SECONDS, rate_per_s=30.0, stretch=0.2, tell=print)
    outcome = chaos(tmp_path, kafka_software, mongod_executable, plan, SEED, print)
    assert outcome.failures == []
    assert {it.kind for it in outcome.faults} == set(FAULTS)
    assert outcome.orders > SECONDS * 20
    assert min(outcome.ended.get(status, 0) for status in ("SHIPPED", "REJECTED", "CANCELLED")) > 0
