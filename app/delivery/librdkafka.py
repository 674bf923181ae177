"""What every client of librdkafka is told about a broker that is away, and comes back."""

from typing import Final

BACK_SOON: Final[dict[str, int]] = {
    "reconnect.backoff.max.ms": 1000,  # and not ten seconds
    # A broker that ends takes its partitions' leaders away; a client that has heard of it last would look for them
    # again after five minutes.
    "topic.metadata.refresh.interval.ms": 10_000,
}
