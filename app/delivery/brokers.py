"""The connections to brokers, and who leads which partition: aiokafka's, without its producer and consumer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]  # has no types
from aiokafka.conn import AIOKafkaConnection, create_conn  # type: ignore[import-untyped]
from aiokafka.errors import NodeNotReadyError, for_code  # type: ignore[import-untyped]
from aiokafka.protocol.offset import OffsetRequest  # type: ignore[import-untyped]
from aiokafka.protocol.transaction import InitProducerIdRequest  # type: ignore[import-untyped]
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from app.delivery.batch import ProducerId
from app.delivery.cluster import Cluster
from app.delivery.fetch import FetchAnswer, FetchRequest
from app.delivery.produce import Appended, Place, ProduceRequest
from app.delivery.security import Security

EARLIEST: Final = -2
"""Kafka's name for it, where a time is asked for."""


class Brokers(Cluster):
    """Of the cluster at `bootstrap`, as far as they lead partitions of `topics`.

    None of them may take longer than `timeout_s` to connect, or to answer a question.
    """

    def __init__(self, bootstrap: str, security: Security, topics: Collection[str], timeout_s: float) -> None:
        self._told: dict[str, Any] = {
            "request_timeout_ms": timeout_s * 1000,
            **credentials_to_aiokafka_auth(security.faust()),
        }
        self._bootstrap = bootstrap
        self._client: Any = None
        self._topics = topics
        self._connections: dict[int, AIOKafkaConnection] = {}

    def leader(self, place: Place) -> int | None:
        """See `Cluster`."""
        node = None if self._client is None else self._client.cluster.leader_for_partition(TopicPartition(*place))
        return None if node is None or node < 0 else int(node)

    async def learn(self) -> None:
        """See `Cluster`."""
        if self._client is None:
            client = AIOKafkaClient(bootstrap_servers=self._bootstrap, **self._told)
            await client.bootstrap()
            self._client = client
        self._client.set_topics(self._topics)
        await self._client.force_metadata_update()

    async def new_id(self) -> ProducerId:
        """See `Cluster`."""
        if self._client is None:
            await self.learn()
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=0)
        answer = await self._client.send(self._client.get_random_node(), request)
        if answer.error_code:
            raise for_code(answer.error_code)()
        return ProducerId(answer.producer_id, answer.producer_epoch)

    async def produce(self, node: int, request: ProduceRequest) -> dict[Place, Appended]:
        """See `Cluster`."""
        appended: dict[Place, Appended] = (await self._ask(node, request)).appended
        return appended

    async def fetch(self, node: int, request: FetchRequest) -> FetchAnswer:
        """See `Cluster`."""
        answer: FetchAnswer = await self._ask(node, request)
        return answer

    async def earliest(self, place: Place) -> int:
        """See `Cluster`."""
        topic, partition = place
        request = OffsetRequest(-1, 0, [(topic, [(partition, EARLIEST)])])
        answer = await self._client.send(self.leader(place), request)
        ((_, ((_, error, _, offset),)),) = answer.topics
        if error:
            raise for_code(error)()
        return int(offset)

    async def _ask(self, node: int, request: Any) -> Any:
        connection = self._connections.get(node)
        if connection is None or not connection.connected():
            connection = self._connections[node] = await self._connect(node)
        return await connection.send(request)

    async def _connect(self, node: int) -> AIOKafkaConnection:
        broker = self._client.cluster.broker_metadata(node)
        if broker is None:
            raise NodeNotReadyError(f"broker {node} is not known any more")
        return await create_conn(broker.host, broker.port, max_idle_ms=540_000, **self._told)

    def hang_up(self, node: int) -> None:
        """See `Cluster`."""
        connection = self._connections.pop(node, None)
        if connection is not None and connection._writer is not None:
            connection._writer.transport.abort()  # its own `close` would first send what is left
            connection.close()

    async def close(self) -> None:
        """See `Cluster`."""
        for node in list(self._connections):
            self.hang_up(node)
        if self._client is not None:
            await self._client.close()
