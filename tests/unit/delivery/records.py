"""Records as a consumer would read them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FakeRecord:
    offset: int
    topic: str = "orders"
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = b"k"
    value: bytes | None = b"{}"
    headers: tuple[tuple[str, bytes], ...] = ()


def fetched(first: int, last: int) -> list[FakeRecord]:
    """The records at the offsets `first` to `last`, both included."""
    return [FakeRecord(offset) for offset in range(first, last + 1)]
