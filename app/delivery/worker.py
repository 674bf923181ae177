"""The process around the app: Faust's worker, which ends when the app has stopped."""

import logging
import os
import sys

from faust.worker import Worker


class DrainWorker(Worker):
    """What must be finished is finished when the app has stopped; nothing else is waited for."""

    async def _sentinel_task(self) -> None:
        """Return at once: mode sleeps a second for whatever may still run."""

    def _shutdown_loop(self) -> None:
        """End the process, if it was told to and did not crash: Python would wait for threads that a database holds."""
        super()._shutdown_loop()
        if self._signal_stop_time:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(os.EX_OK)
