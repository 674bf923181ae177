"""Limits: a bucket of tokens that fills at a steady rate, and what a worker may take out of a shared one in advance.

Pure: time comes in as seconds of any clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LEASE_S: Final = 0.1
"""A worker takes so many seconds' worth of requests out of the shared bucket at a time."""
LEASE_KEPT_S: Final = 1.0
"""What it has not used after this is lost: it must not add up to a burst of its own."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests a second on the average, and up to `burst` of them at once."""

    rate_per_s: float
    burst: int

    @property
    def window_s(self) -> int:
        """How long an empty bucket takes to fill, in whole seconds, at least 1."""
        return max(1, -int(-self.burst // self.rate_per_s))

    @property
    def lease(self) -> int:
        """How many requests a worker takes out of the shared bucket at a time."""
        return max(1, min(self.burst, int(self.rate_per_s * LEASE_S)))


@dataclass(slots=True)
class Bucket:
    """The tokens of one limit, in one process; full at first."""

    limit: Limit
    tokens: float
    at_s: float

    @classmethod
    def full(cls, limit: Limit, now_s: float) -> Bucket:
        """A bucket nobody has taken from."""
        return cls(limit, limit.burst, now_s)

    def take(self, now_s: float) -> bool:
        """Take one token, if there is one."""
        self.fill(now_s)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def fill(self, now_s: float) -> None:
        """Put in what has come since the last time."""
        self.tokens = min(self.limit.burst, self.tokens + (now_s - self.at_s) * self.limit.rate_per_s)
        self.at_s = now_s

    @property
    def wait_s(self) -> float:
        """How long it takes until there is a token."""
        return max(0.0, (1 - self.tokens) / self.limit.rate_per_s)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the shared bucket has given: `taken` tokens, and `left` in it, maybe a fraction."""

    taken: int
    left: float


@dataclass(slots=True)
class Lease:
    """A worker's part of a shared bucket: what it may still let through, and what it last knew of the rest."""

    limit: Limit
    tokens: int = 0
    left: float = 0.0
    at_s: float = 0.0
    again_at_s: float = 0.0
    _low: int = field(init=False)

    def __post_init__(self) -> None:
        self._low = self.limit.lease // 2

    def take(self, now_s: float) -> bool:
        """Let one request through, if the lease has it."""
        if now_s - self.at_s > LEASE_KEPT_S:
            self.tokens = 0
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def wants(self, now_s: float) -> bool:
        """Whether to ask for more now: the lease runs out, and the bucket was not empty when it was last asked."""
        return self.tokens <= self._low and now_s >= self.again_at_s

    def add(self, grant: Grant, asked: int, now_s: float) -> None:
        """Put in what was granted of what was asked for. An empty bucket is not asked before it can have a token."""
        if now_s - self.at_s > LEASE_KEPT_S:
            self.tokens = 0
        self.tokens += grant.taken
        self.left, self.at_s = max(0.0, grant.left), now_s
        is_empty = grant.taken < asked
        self.again_at_s = now_s + max(0.0, (1 - grant.left) / self.limit.rate_per_s) if is_empty else now_s

    @property
    def remaining(self) -> int:
        """About how many requests are left before the limit."""
        return int(self.tokens + self.left)

    def wait_s(self, now_s: float) -> float:
        """How long until it is worth coming again."""
        return max(1 / self.limit.rate_per_s, self.again_at_s - now_s)
