"""What clients of librdkafka are told, wherever they are: settings whose defaults wait for too long."""

from typing import Final

BACK_SOON: Final[dict[str, int]] = {
    "reconnect.backoff.max.ms": 1000,  # and not ten seconds
    # A broker that ends takes its partitions' leaders away; a client that has heard of it last would look for them
    # again after five minutes.
    "topic.metadata.refresh.interval.ms": 10_000,
}
"""A broker that is away, and comes back."""

TO_THE_END: Final[dict[str, bool | int]] = {
    "enable.partition.eof": True,
    # The end is told by the answer to a fetch, and the broker keeps that back for half a second when there is nothing
    # to send: for who reads a log's last record, and, twice more, for who begins where the log was cut.
    "fetch.wait.max.ms": 10,
    "fetch.queue.backoff.ms": 10,  # not a second, each time that more is fetched than was taken yet
}
"""Reading a log that is there, and then no more."""
