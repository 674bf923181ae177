"""A payment is finished at the gateway where it was begun, whichever a worker would choose by now."""

from __future__ import annotations

import asyncio

import pytest

from app import wiring
from app.adapters.gateway import Charge
from app.adapters.outcome import Retry, Verdict
from app.domain.payment import PaymentOperation


class NewGateway:
    name = "new"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def perform(self, charge: Charge, attempt: int) -> Verdict:
        self.asked.append(charge.at)
        return Verdict(ok=True)


def a_charge(at: str) -> Charge:
    return Charge("o1:capture:1", PaymentOperation.CAPTURE, "o1", at, 100, "EUR", "", "r1")


async def never_told(attempt: int) -> None:
    raise AssertionError("stalled")


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> NewGateway:
    made = NewGateway()
    monkeypatch.setattr(wiring, "gateway", lambda: made)
    return made


async def test_a_charge_is_made_at_its_own_gateway(gateway: NewGateway) -> None:
    settled, trace = await wiring.charge(a_charge("new"), never_told)
    assert (settled.verdict.ok, settled.attempts, trace) == (True, 1, "")
    assert gateway.asked == ["new"]


async def test_no_other_gateway_is_asked_for_it_and_the_order_is_told(
    gateway: NewGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wiring, "_retry", Retry(0.0, 0.0, attempts=3))
    told = asyncio.get_running_loop().create_future()

    async def stalled(attempt: int) -> None:
        if not told.done():
            told.set_result(attempt)

    charging = asyncio.create_task(wiring.charge(a_charge("old"), stalled))
    assert await told == 3
    assert not charging.done()
    charging.cancel()
    assert gateway.asked == []
    assert "the payment was begun at 'old', which is not configured" in caplog.text
