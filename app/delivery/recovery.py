"""Recovery of the tables that loses nothing at its end, and starts without a fixed pause."""

import logging

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery

log = logging.getLogger(__name__)


class DrainRecovery(Recovery):
    """Stops the flow before the stream partitions are resumed.

    Faust resumes and seeks them while the fetcher already runs for the changelogs, and then clears every
    queue: what was fetched in between is gone, and the jump counts as processed.
    """

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Hand over from the changelogs to the streams, if this generation is still the group's."""
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
