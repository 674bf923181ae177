"""Recovery of the tables that loses nothing, neither on its way nor at its end, and starts without a fixed pause."""

import asyncio
import logging
import time
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, cast

from confluent_kafka import KafkaException
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from faust.types import TP

from app.delivery.held import Held
from app.delivery.table import RowTable

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

AGAIN_S: Final = 0.5


class DrainRecovery(Recovery):
    """Faust's recovery, with changelogs read beside the consumer (`changelog.py`), each from where it is read to.

    Its steps are Faust's: `_build_highwaters`, `_build_offsets`, `_seek_offsets`, `on_recovery_completed`. Since all is
    read in the third, Faust finds nothing left to do after it. A rebalance cancels whatever step is under way.
    """

    app: "DeliveryApp"

    async def _verify_remaining(self, now: float, _stats: Any) -> None:
        """Warn when nothing comes. Faust warns of each partition that its own consumer has not heard of."""
        silent_s = now - (self._last_active_event_processed_at or self._recovery_started_at or now)
        if self.in_recovery and silent_s >= self.event_timeout_secs:
            log.warning("no record of the changelogs has come for %.0f s", silent_s)

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ARG002 - Faust's signature
        """Wait for as long as it takes: Faust takes a time-out for its own end, and never recovers again."""
        await super()._wait(coro)

    async def _build_highwaters(self, _consumer: Any, tps: AbstractSet[TP], destination: Any, _title: str) -> None:
        """Ask where the changelogs end."""
        ends = await self._ends(frozenset(tps))
        destination.clear()
        for where, end in ends.items():  # not by `update`: these are `Counter`s, whose update adds
            destination[TP(*where)] = end - 1

    async def _build_offsets(self, _consumer: Any, tps: AbstractSet[TP], destination: Any, _title: str) -> None:
        """Say how far they are read."""
        for tp in tps:
            destination[tp] = self._held(tp).rewind() - 1

    async def _seek_offsets(self, _consumer: Any, tps: AbstractSet[TP], offsets: Any, _title: str) -> None:
        """Read the rest."""
        await self._restore(frozenset(tps), offsets)

    async def _ends(self, tps: frozenset[TP]) -> dict[tuple[str, int], int]:
        while True:
            try:
                return await self.app.ends.ends(tps)
            except KafkaException as error:
                log.warning("the ends of the changelogs can't be asked for now: %s", error)
                await asyncio.sleep(AGAIN_S)

    def _held(self, tp: TP) -> Held:
        table = cast(RowTable, self.tp_to_table[tp])
        if tp.partition not in table.partitions_held:
            raise RebalanceAgain  # the tables know of the next generation already, and recovery is about to hear of it
        return table.held(tp.partition)

    async def _restore(self, tps: frozenset[TP], offsets: Any) -> None:
        began_s, count = time.monotonic(), 0
        held = {tp: self._held(tp) for tp in tps}
        ends = {tp: max(self.active_highwaters[tp] + 1, held[tp].read_to) for tp in tps}
        starts = {tp: held[tp].read_to for tp in tps}
        async with aclosing(self.app.changelogs.read(starts, ends)) as chunks:
            async for chunk in chunks:
                if chunk:
                    self._last_active_event_processed_at = time.monotonic()
                for tp, records in chunk.items():
                    self.app.stats.stepbacks += held[tp].restore(records)
                    offsets[tp] = held[tp].read_to - 1
                    count += len(records)
        for tp, end in ends.items():
            held[tp].read_to = max(held[tp].read_to, end)
            offsets[tp] = held[tp].read_to - 1
        log.info("read %d records of %d changelogs in %.1f s", count, len(tps), time.monotonic() - began_s)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Hand over to the streams, if this generation is still the group's.

        The flow is stopped first. Faust resumes and seeks the stream partitions while the fetcher runs, and then clears
        every queue: what was fetched in between is gone, and the jump counts as processed.
        """
        if generation_id != self.app.consumer_generation_id:
            log.warning("recovery of generation %d ended after the group had moved on", generation_id)
            return
        self.app.consumer.stop_flow()
        self.app.flow_control.suspend()
        await super().on_recovery_completed(generation_id)


class DrainTableManager(TableManager):
    """Faust's table manager with the recovery of this module."""

    @property
    def recovery(self) -> Recovery:
        """The recovery service, made when it is first asked for."""
        if self._recovery is None:
            self._recovery = DrainRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def on_start(self) -> None:
        """Start at once: Faust sleeps a second first."""
        await self._update_channels()
        await self.recovery.start()
