"""What is said of a recovery that takes long."""

import logging
import time
from pathlib import Path

import pytest
from faust.types import TP

from app.delivery import DeliveryApp
from app.delivery.recovery import DrainRecovery


@pytest.mark.parametrize(("silent_s", "warnings"), [(1.0, 0), (60.0, 1)])
async def test_only_silence_is_worth_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, silent_s: float, warnings: int
) -> None:
    app = DeliveryApp("t", bootstrap="127.0.0.1:1", datadir=str(tmp_path))
    recovery = app.tables.recovery
    assert isinstance(recovery, DrainRecovery)
    now_s = time.monotonic()
    recovery.in_recovery, recovery._recovery_started_at = True, now_s - 300.0
    recovery._last_active_event_processed_at = now_s - silent_s
    with caplog.at_level(logging.WARNING):
        await recovery._verify_remaining(now_s, {TP("orders", number): (10, 10, 0) for number in range(8)})
    assert len(caplog.records) == warnings
