"""Settings to gateways, carrier and MongoDB: the one place that chooses adapters."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

from pymongo.errors import PyMongoError

from app.adapters import mongo
from app.adapters.carrier import Carrier, Consignment
from app.adapters.gateway import Charge, Gateway
from app.adapters.ledger import Ledger
from app.adapters.outcome import OutcomeUnknown, Retry, Settled, Verdict, until_definite
from app.adapters.progress import Progress, Reached
from app.adapters.projection_writes import ProjectionWrites
from app.adapters.read_model import ReadModel
from app.adapters.simulated_carrier import SimulatedCarrier
from app.adapters.simulated_gateway import SimulatedGateway
from app.adapters.simulation import Simulation
from app.main import settings

__all__ = [
    "STORE_AWAY",
    "Charge",
    "Consignment",
    "Reached",
    "Settled",
    "Verdict",
    "carrier",
    "charge",
    "consign",
    "gateway",
    "progress",
    "projection_writes",
    "read_model",
]

log = logging.getLogger(__name__)

STORE_AWAY: Final = (PyMongoError,)
"""What reading or writing the read model raises while MongoDB is away."""


@cache
def _database() -> mongo.Database:
    return mongo.database(settings.mongo_url, settings.mongo_database)


@cache
def read_model() -> ReadModel:
    """The projection."""
    return ReadModel(_database())


@cache
def progress() -> Progress:
    """How far the projection is."""
    return Progress(_database())


@cache
def projection_writes() -> ProjectionWrites:
    """How facts get into the projection."""
    return ProjectionWrites(_database())


@cache
def gateway() -> Gateway:
    """Where payments are made."""
    ledger = Ledger(_database()["gateway_ledger"])
    return SimulatedGateway(
        Simulation(ledger, settings.gateway_delay_s, settings.gateway_slow_s, settings.gateway_failure_rate)
    )


@cache
def carrier() -> Carrier:
    """Who takes the shipments."""
    ledger = Ledger(_database()["carrier_ledger"])
    return SimulatedCarrier(
        Simulation(ledger, settings.carrier_delay_s, settings.gateway_slow_s, settings.carrier_failure_rate)
    )


_jitter: Final = random.Random()  # noqa: S311 - spreads retries, keeps no secret


_retry: Final = Retry(settings.retry_first_s, settings.retry_longest_s, settings.call_attempts)


async def charge(what: Charge, stalled: Callable[[int], Awaitable[None]]) -> Settled:
    """Have the gateway do it, until its outcome is known. `stalled` is told of every so many vain attempts."""
    return await until_definite(lambda attempt: _charge_once(what, attempt), stalled, _retry, _jitter)


async def _charge_once(what: Charge, attempt: int) -> Verdict:
    if what.at != gateway().name:  # another one would charge a second time what this one may have charged already
        log.error("the payment of %s was begun at %r, which is not configured", what.order_id, what.at)
        raise OutcomeUnknown(f"no gateway {what.at!r}")
    return await gateway().perform(what, attempt)


async def consign(what: Consignment, stalled: Callable[[int], Awaitable[None]]) -> Settled:
    """Have the carrier do it, until its outcome is known. `stalled` is told of every so many vain attempts."""
    return await until_definite(lambda attempt: carrier().perform(what, attempt), stalled, _retry, _jitter)
