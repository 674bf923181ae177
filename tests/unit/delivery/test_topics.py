"""Topics that are made while the broker has only just begun."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from app.delivery import NewTopicSpec, ensure_topics, topics


class Admin:
    """A broker that refuses the first so many requests, since it does not count itself among the brokers yet."""

    def __init__(self, refusals: int, code: int) -> None:
        self.refusals = refusals
        self.code = code
        self.made: list[str] = []

    def list_topics(self, timeout: float) -> Any:
        return SimpleNamespace(topics={})

    def create_topics(self, wanted: list[NewTopic], operation_timeout: float) -> dict[str, Future[None]]:
        answers: dict[str, Future[None]] = {}
        for topic in wanted:
            answers[topic.topic] = Future()
            if self.refusals and topic.topic == "b":
                answers["b"].set_exception(KafkaException(KafkaError(self.code)))
                self.refusals -= 1
            else:
                self.made.append(topic.topic)
                answers[topic.topic].set_result(None)
        return answers


def ensured(monkeypatch: pytest.MonkeyPatch, admin: Admin, timeout_s: float) -> list[str]:
    monkeypatch.setattr(topics, "AdminClient", lambda _: admin)
    monkeypatch.setattr(topics, "RETRY_S", 0.001)
    ensure_topics("nowhere:1", [NewTopicSpec("a", 1), NewTopicSpec("b", 1)], timeout_s=timeout_s)
    return admin.made


def test_a_broker_that_has_only_just_begun_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Admin(refusals=3, code=KafkaError.INVALID_REPLICATION_FACTOR)
    assert ensured(monkeypatch, admin, 30.0) == ["a", "b"]


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_what_is_written_to_any_topic_must_be_on_all_its_replicas_but_one(
    monkeypatch: pytest.MonkeyPatch, replication: int, in_sync: str
) -> None:
    wanted: list[NewTopic] = []
    admin = Admin(refusals=0, code=0)
    make = admin.create_topics
    monkeypatch.setattr(admin, "create_topics", lambda new, operation_timeout: wanted.extend(new) or make(new, 1.0))
    monkeypatch.setattr(topics, "AdminClient", lambda _: admin)
    ensure_topics("nowhere:1", [NewTopicSpec("a", 1, replication, {"cleanup.policy": "compact"})])
    assert [it.config for it in wanted] == [{"min.insync.replicas": in_sync, "cleanup.policy": "compact"}]


@pytest.mark.parametrize(
    ("code", "timeout_s"), [(KafkaError.INVALID_REPLICATION_FACTOR, 0.01), (KafkaError.POLICY_VIOLATION, 30.0)]
)
def test_what_it_can_not_do_is_said(monkeypatch: pytest.MonkeyPatch, code: int, timeout_s: float) -> None:
    with pytest.raises(KafkaException):
        ensured(monkeypatch, Admin(refusals=10**9, code=code), timeout_s)
