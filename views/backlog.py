"""No more orders than can be seen through: those that come beyond get `503` at once.

Kafka takes orders much faster than anybody settles them. Without this an overload would make a queue in the log, which
nobody would see but by waiting, and which would go on long after the load.
"""

from __future__ import annotations

from app.main import app, settings
from views.problems import unavailable


def refuse_when_behind() -> None:
    """Raises `Problem` (503) while a message for this worker's participants has waited for too long.

    The projection is none of them: orders are taken without MongoDB, too.
    """
    longest_s = settings.busy_after_s
    if longest_s and any(app.lanes[topic].behind_s > longest_s for topic in app.participants):
        raise unavailable("More orders come in than can be seen through now.")
