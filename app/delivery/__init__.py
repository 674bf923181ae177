"""What makes Faust keep its promise; knows nothing of orders, and could be a package of its own.

A participant is a topic, a table and a pure decision. This package runs it: no message is lost or
acknowledged before all it caused is in every in-sync replica, whoever dies and whenever.
"""

from app.delivery.about import about
from app.delivery.app import DeliveryApp
from app.delivery.batch import LARGEST_RECORD_BYTES
from app.delivery.blocking import DROP_OF, REPLAY_COUNT, REPLAY_OF
from app.delivery.contract import (
    Calls,
    ConsumerRecord,
    Decide,
    Delivered,
    DeliveryFailed,
    Effects,
    Headers,
    Kind,
    Moved,
    Owner,
    Park,
    Parked,
    Refused,
    Row,
    RowObserver,
    Rows,
    Send,
    Tell,
    Unavailable,
)
from app.delivery.follower import Follower
from app.delivery.forgetting import Retention
from app.delivery.front import Front
from app.delivery.librdkafka import TO_THE_END
from app.delivery.ownership import owner_of, workers
from app.delivery.participant import Participant
from app.delivery.queues import is_entry
from app.delivery.quiet import RepeatFilter
from app.delivery.security import OPEN, Security
from app.delivery.stats import Stats
from app.delivery.table import RowTable, row_table
from app.delivery.timers import Clock
from app.delivery.topics import NewTopicSpec, TopicMismatch, ensure_topics
from app.delivery.tracing import TRACEPARENT, Tracer, readable, trace_id_of, traceparent_in

__all__ = [
    "DROP_OF",
    "LARGEST_RECORD_BYTES",
    "OPEN",
    "REPLAY_COUNT",
    "REPLAY_OF",
    "TO_THE_END",
    "TRACEPARENT",
    "Calls",
    "Clock",
    "ConsumerRecord",
    "Decide",
    "Delivered",
    "DeliveryApp",
    "DeliveryFailed",
    "Effects",
    "Follower",
    "Front",
    "Headers",
    "Kind",
    "Moved",
    "NewTopicSpec",
    "Owner",
    "Park",
    "Parked",
    "Participant",
    "Refused",
    "RepeatFilter",
    "Retention",
    "Row",
    "RowObserver",
    "RowTable",
    "Rows",
    "Security",
    "Send",
    "Stats",
    "Tell",
    "TopicMismatch",
    "Tracer",
    "Unavailable",
    "about",
    "ensure_topics",
    "is_entry",
    "owner_of",
    "readable",
    "row_table",
    "trace_id_of",
    "traceparent_in",
    "workers",
]
