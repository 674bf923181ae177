"""One topic's way through a worker: from the consumer's loop to its agent, and its acknowledgements back."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from faust.types import TP

from app.delivery.contract import ConsumerRecord
from app.delivery.inbox import Batch, Inbox
from app.delivery.positions import Positions
from app.delivery.ranges import Range, Ranges
from app.delivery.waited import Waited

log = logging.getLogger(__name__)


class Piece(NamedTuple):
    """What an agent gets: records of one partition, and the range to mark when what they cause is safe."""

    tp: TP
    records: Sequence[ConsumerRecord]
    range: Range


class Lane:
    """Inbox, ranges and positions of one topic.

    The consumer calls `begin` when it knows where each partition starts, and `leave` when they are taken
    away; `on_begin` is told the partitions then, and `on_leave` first, so that calls beside the stream end at once.
    """

    def __init__(self, topic: str, inbox: Inbox) -> None:
        self.topic = topic
        self.inbox = inbox
        self.ranges = Ranges()
        self.positions = Positions()
        self.waited = Waited()
        """From when the oldest message of each piece came into the log to when an agent takes it."""
        self.generation: int | None = None
        self._began_s = 0.0
        self.ended = False
        """Whether its agent has run, and does not any more: then nobody takes this worker's messages."""
        self.on_begin: list[Callable[[Iterable[int]], None]] = []
        self.on_leave: list[Callable[[], None]] = []

    @contextmanager
    def attended(self, is_stopping: Callable[[], bool]) -> Iterator[None]:
        """Around the run of the topic's agent. Faust lives on when it ends: `ended` and the log say so."""
        self.ended = False
        try:
            yield
        finally:
            self.ended = True
            if not is_stopping():
                log.critical("the agent of %s has ended, and this worker lives: restart it", self.topic)

    @property
    def behind_s(self) -> float:
        """How long the oldest message here has waited for this worker; 0 when none waits.

        That is since it came into the log, by the log's clock, or since its partition came here, which is later when
        its owner had died: then it waited for a new one.
        """
        oldest = next(iter(self.inbox), None)
        return 0.0 if oldest is None else max(0.0, time.time() - max(oldest.came_s, self._began_s))

    def begin(self, generation: int, starts: Mapping[int, int]) -> None:
        """Start over: `starts` holds the next offset of each partition of this generation."""
        self.inbox.clear()
        self.ranges.begin(starts)
        self.generation = generation
        self._began_s = time.time()
        for begin in self.on_begin:
            begin(starts)

    def start(self, batches: Sequence[Batch]) -> list[Piece]:
        """Open the ranges of batches of the present generation; the rest was taken for nobody."""
        now_s = time.time()
        for batch in batches:
            self.waited.note(now_s - batch.came_s)
        return [
            Piece(batch.tp, batch.records, self.ranges.open(batch.tp.partition, batch.records[-1].offset))
            for batch in batches
            if batch.generation == self.generation
        ]

    def mark_safe(self, pieces: Sequence[Piece]) -> None:
        """All that these pieces caused is acknowledged: move the positions, and wake who waits for them."""
        for piece in pieces:
            piece.range.safe = True
        for partition in {piece.tp.partition for piece in pieces}:
            applied = self.ranges.applied(partition)
            if applied is not None:
                self.positions.advance(partition, applied)

    def quiet(self) -> None:
        """Stop what runs beside the stream; what waits for the broker goes on."""
        for stop in self.on_leave:
            stop()

    def leave(self) -> None:
        """Forget this generation: its partitions may belong to another worker from now on."""
        self.generation = None
        self.inbox.clear()
        self.ranges.begin({})
        self.positions.leave()

    async def applied(self, partition: int, offset: int) -> None:
        """Wait until the record at `offset` and all before it are safe. Raises `Moved`."""
        await self.positions.reached(partition, offset + 1, self.ranges.applied(partition))
