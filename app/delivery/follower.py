"""A follower: a topic whose slices go to a coroutine with idempotent outside effects."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust

from app.delivery.contract import ConsumerRecord


class Follower:
    """Hands slices to `apply`; acknowledged when it returned, tried again on `retry_on`.

    `gather_s` is how long it waits for a slice to grow, up to `slice_size` records.
    """

    def __init__(
        self,
        app: faust.App,
        topic: str,
        apply: Callable[[Sequence[ConsumerRecord]], Awaitable[None]],
        *,
        retry_on: tuple[type[BaseException], ...],
        slice_size: int = 2000,
        gather_s: float = 0.1,
    ) -> None:
        raise NotImplementedError

    async def run(self, stream: Any) -> None:
        """Take slices until the worker stops: the body of the topic's Faust agent."""
        raise NotImplementedError
