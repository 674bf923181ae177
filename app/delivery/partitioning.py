"""Where a key belongs: as every client of Kafka reckons it, so that all of them put it there."""

from functools import lru_cache
from typing import Final

from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]  # has no types

_hash: Final = lru_cache(10_000)(murmur2)
"""Of the keys asked about lately: an order's comes up a dozen times, and murmur2 is some hundred steps of Python."""


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, in a topic of so many."""
    return int(_hash(key) & 0x7FFFFFFF) % partitions
