"""The brokers, as who sends and who reads sees them. `brokers.py` has the real ones."""

from typing import Final, Protocol

from aiokafka.errors import KafkaError  # type: ignore[import-untyped]  # has no types

from app.delivery.batch import ProducerId
from app.delivery.fetch import FetchAnswer, FetchRequest
from app.delivery.produce import Appended, Place, ProduceRequest

AWAY: Final = (KafkaError, OSError, TimeoutError)
"""What a broker that can't be reached, or does not answer, is noticed by."""

RETRY_S: Final = 0.1
"""How long to wait before what failed is tried again."""


class Cluster(Protocol):
    """Every question raises one of `AWAY` when it gets no answer."""

    def leader(self, place: Place) -> int | None:
        """The broker that leads a partition, as far as is known; `learn` may know more."""

    async def learn(self) -> None:
        """Ask who leads the partitions."""

    async def new_id(self) -> ProducerId:
        """An id for a producer that has sent nothing yet."""
        raise NotImplementedError

    async def produce(self, node: int, request: ProduceRequest) -> dict[Place, Appended]:
        """Send batches to the broker that leads their partitions."""
        raise NotImplementedError

    async def fetch(self, node: int, request: FetchRequest) -> FetchAnswer:
        """Get records from the broker that leads their partitions."""
        raise NotImplementedError

    async def earliest(self, place: Place) -> int:
        """Where a partition begins."""
        raise NotImplementedError

    def hang_up(self, node: int) -> None:
        """Close the connection: what of a request is not with the broker yet is not to come there any more."""

    async def close(self) -> None:
        """Let go of all brokers."""
