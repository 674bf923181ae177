"""Which worker holds a key, as this worker knows it."""

from typing import TYPE_CHECKING, cast

from faust.assignor.partition_assignor import PartitionAssignor
from faust.types import TP

from app.delivery.contract import Owner

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp


def owner_of(app: "DeliveryApp", topic: str, key: bytes) -> Owner:
    """Return the owner of `key` in `topic`; `here` only when this worker holds it and is ready to answer.

    `url` is `None` while nobody is known to hold the partition. Raises `KeyError` for a topic that was not
    given to the app.
    """
    partition = app.partition_of(topic, key)
    tp = TP(topic, partition)
    url = _assignor(app)._external_tps_url.get(tp)
    here = url == app.own_url and _ready(app, tp)
    return Owner(partition, url, here)


def _assignor(app: "DeliveryApp") -> PartitionAssignor:
    return cast(PartitionAssignor, app.assignor)


def _ready(app: "DeliveryApp", tp: TP) -> bool:
    """Tell whether the tables of this worker are whole and its partitions are not about to leave."""
    return (
        not app.rebalancing
        and not app.in_recovery
        and app.tables.actives_ready
        and app.assignor.is_active(tp)
        and app.lanes[tp.topic].ranges.applied(tp.partition) is not None
    )


def workers(app: "DeliveryApp") -> list[str]:
    """Return the urls of the workers that hold partitions, this one included, sorted."""
    return sorted({app.own_url, *_assignor(app).external_topic_distribution})
