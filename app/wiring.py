"""Settings to gateways, carrier and MongoDB: the one place that chooses adapters."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Final

from pymongo.errors import PyMongoError

from app.adapters import mongo
from app.adapters.api_keys import ApiKeys
from app.adapters.carrier import Carrier, Consignment
from app.adapters.gateway import Charge, Gateway
from app.adapters.ledger import Ledger
from app.adapters.outcome import OutcomeUnknown, Retry, Settled, Verdict, until_definite
from app.adapters.progress import Progress, Reached
from app.adapters.projection_writes import ProjectionWrites
from app.adapters.published_keys import fetch_key_set
from app.adapters.read_model import ReadModel
from app.adapters.shared_buckets import SharedBuckets
from app.adapters.simulated_carrier import SimulatedCarrier
from app.adapters.simulated_gateway import SimulatedGateway
from app.adapters.simulation import Simulation
from app.delivery import Headers
from app.logs import bound
from app.main import access, settings, spans
from app.metrics.outside import CommandsMeasured, measured
from app.security.known_keys import KnownKeys
from app.security.quotas import Quotas
from app.security.token_keys import OneKey, PublishedKeys, TokenKeys
from app.tracing.calls import TracedCalls
from app.tracing.context import headers_of, written
from app.tracing.orders import root_of
from schemas.rows import OrderRow

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
    "known_keys",
    "progress",
    "projection_writes",
    "quotas",
    "read_model",
    "token_keys",
    "trace_headers",
]

log = logging.getLogger(__name__)

STORE_AWAY: Final = (PyMongoError,)
"""What reading or writing the read model raises while MongoDB is away."""


@cache
def _database() -> mongo.Database:
    return mongo.database(settings.mongo_url, settings.mongo_database, CommandsMeasured())


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
def known_keys() -> KnownKeys:
    """The API keys."""
    return KnownKeys(ApiKeys(_database()), access.key_fresh_s, access.key_kept_s)


@cache
def quotas() -> Quotas:
    """What is left of their limits."""
    return Quotas(SharedBuckets(_database()).take)


@cache
def token_keys() -> TokenKeys | None:
    """What tokens are checked with; None where none are taken. Raises `SettingsError`."""
    if access.jwks_url:
        return PublishedKeys(partial(fetch_key_set, access.jwks_url))
    key = access.token_key()
    return None if key is None else OneKey(key)


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


def trace_headers(row: OrderRow) -> Headers:
    """The header of messages that come of the order itself, such as a reminder: they belong to its trace."""
    root = root_of(row) if spans.are_made else None
    return () if root is None or not spans.samples(root.trace_id) else headers_of(written(root))


_jitter: Final = random.Random()  # noqa: S311 - spreads retries, keeps no secret


_retry: Final = Retry(settings.retry_first_s, settings.retry_longest_s, settings.call_attempts)


async def charge(what: Charge, stalled: Callable[[int], Awaitable[None]]) -> tuple[Settled, str]:
    """Have the gateway do it, until its outcome is known; returns the `traceparent` of the last call, too.

    `stalled` is told of every so many vain attempts.
    """
    return await _until_known(what.at, what, partial(_charge_once, what), stalled)


async def _charge_once(what: Charge, attempt: int) -> Verdict:
    if what.at != gateway().name:  # another one would charge a second time what this one may have charged already
        log.error("the payment was begun at %r, which is not configured", what.at)
        raise OutcomeUnknown(f"no gateway {what.at!r}")
    return await measured(what.at, what.operation, gateway().perform(what, attempt))


async def consign(what: Consignment, stalled: Callable[[int], Awaitable[None]]) -> tuple[Settled, str]:
    """Have the carrier do it, until its outcome is known; otherwise as `charge`."""
    return await _until_known(carrier().name, what, partial(_consign_once, what), stalled)


async def _consign_once(what: Consignment, attempt: int) -> Verdict:
    return await measured(carrier().name, what.operation, carrier().perform(what, attempt))


async def _until_known(
    to: str,
    what: Charge | Consignment,
    once: Callable[[int], Awaitable[Verdict]],
    stalled: Callable[[int], Awaitable[None]],
) -> tuple[Settled, str]:
    traced = TracedCalls(spans, to, what.operation, what.order_id, what.trace)
    with bound(order_id=what.order_id):
        settled = await until_definite(traced.around(once), stalled, _retry, _jitter)
    return settled, traced.trace
