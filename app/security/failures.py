"""Wrong credentials, counted by the address they come from, so that nobody can try and try."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from app.security.limits import Bucket, Limit

MOST: Final = 10_000
"""Addresses that are remembered; beyond, the one that failed longest ago is forgotten."""
_WITH_PORT: Final = re.compile(r"(\[(?P<v6>[^\]]*)\]|(?P<v4>[^:]*))(:\d+)?")
_OWN_OF_ONE: Final = 64
"""Bits that name a network of one client: in IPv6 it may have any address in it."""


class Failures:
    """Lets each address fail so often a minute, and so often at once. `clock` gives seconds that only go forward."""

    def __init__(self, per_min: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = Limit(per_min / 60, per_min)
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long it is until this address may try again; 0 when it may."""
        bucket = self._buckets.get(network_of(address)) if self._buckets else None
        if bucket is None:
            return 0.0
        bucket.fill(self._clock())
        return bucket.wait_s

    def count(self, address: str) -> None:
        """It has failed once more."""
        network = network_of(address)
        bucket = self._buckets.setdefault(network, Bucket.full(self._limit, self._clock()))
        bucket.take(self._clock())
        self._buckets.move_to_end(network)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)


@lru_cache(MOST)
def network_of(address: str) -> str:
    """What is counted together with this address: itself, or in IPv6 the 64 bits that one client has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> (128 - _OWN_OF_ONE) << (128 - _OWN_OF_ONE)))


def sender(peer: str, forwarded_for: str, proxies: int) -> str:
    """Who sent a request that came from `peer` through so many `proxies` of ours, each of which adds whom it heard.

    What stands further to the left in `forwarded_for` (all lines of `X-Forwarded-For`, with commas between them)
    anybody could have written. Some proxies add the port, too, which a client may choose anew for each request.
    """
    heard = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    if not proxies or not heard:
        return peer
    added = heard[-min(proxies, len(heard))]
    with_port = _WITH_PORT.fullmatch(added)
    return added if with_port is None else with_port["v6"] or with_port["v4"] or added
