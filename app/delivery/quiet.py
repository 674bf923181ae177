"""Keeps an outage from filling the disk: aiokafka writes 100,000 lines in 15 s while a broker is away."""

import logging
import time

NOISY = ("aiokafka", "librdkafka", "faust.transport")


class RepeatFilter(logging.Filter):
    """Lets `most` records of one message template through in each `window_s`, then says how many were held."""

    def __init__(self, most: int = 5, window_s: float = 10.0) -> None:
        super().__init__()
        self._most = most
        self._window_s = window_s
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide on one record; below WARNING it is not our business."""
        if record.levelno < logging.WARNING:
            return True
        # librdkafka formats before it logs: what differs between its lines are times and ports.
        template = "".join(c for c in str(record.msg) if not c.isdigit())
        key = (record.name, template)
        now = time.monotonic()
        began, count = self._seen.get(key, (now, 0))
        if now - began > self._window_s:
            if count > self._most:
                record.msg = f"{record.msg} (and {count - self._most} more like this before)"
            began, count = now, 0
        self._seen[key] = (began, count + 1)
        return count < self._most


def quiet_loggers() -> None:
    """Put the filter on every logger of the Kafka clients that exists by now."""
    repeats = RepeatFilter()
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(NOISY):
            logging.getLogger(name).addFilter(repeats)
