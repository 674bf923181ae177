"""The compose file and the manifests, as far as that goes without an engine: what they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.access_settings import AccessSettings
from app.settings import Settings

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SETTINGS = {field.name.upper() for kind in (Settings, AccessSettings) for field in fields(kind)}
OF_KUBERNETES = {"POD_NAME"}


def manifests() -> Iterator[dict[str, Any]]:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    for name in kustomization["resources"]:
        yield from yaml.safe_load_all((KUBERNETES / name).read_text())
    yield kustomization


MANIFESTS = list(manifests())
BY_KIND = {it["kind"]: it for it in MANIFESTS}
WORKER = BY_KIND["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]


def test_every_manifest_is_in_the_kustomization() -> None:
    named = BY_KIND["Kustomization"]["resources"]
    assert sorted(named) == sorted(it.name for it in KUBERNETES.iterdir() if it.name != "kustomization.yaml")


def test_workers_are_told_settings_that_there_are() -> None:
    told = {line.split("=", 1)[0] for line in BY_KIND["Kustomization"]["configMapGenerator"][0]["literals"]}
    told |= {it["name"] for it in WORKER["env"]} - OF_KUBERNETES
    told |= set(COMPOSE["services"]["worker"]["environment"])
    assert {it for it in told if not it.startswith("OTEL_")} <= SETTINGS
    literals = dict(line.split("=", 1) for line in BY_KIND["Kustomization"]["configMapGenerator"][0]["literals"])
    assert Settings.from_environment(literals).replication == 3
    access = AccessSettings.from_environment({**literals, "CLUSTER_SECRET": "c" * 32})
    assert (access.is_development, access.unsafe("0.0.0.0", "http://worker-0.worker:6066")) == (False, None)
    compose = AccessSettings.from_environment(COMPOSE["services"]["worker"]["environment"])
    assert compose.unsafe("0.0.0.0", "http://worker:6066") is None


def test_what_the_manifests_say_of_each_other_agrees() -> None:
    ports = {it["name"]: it["containerPort"] for it in WORKER["ports"]}
    label = BY_KIND["StatefulSet"]["spec"]["template"]["metadata"]["labels"]["app"]
    services = [it for it in MANIFESTS if it["kind"] == "Service"]
    assert BY_KIND["StatefulSet"]["spec"]["serviceName"] in {it["metadata"]["name"] for it in services}
    for service in services:
        assert service["spec"]["selector"] == {"app": label}
        assert {it["targetPort"] for it in service["spec"]["ports"]} <= ports.keys()
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert WORKER[probe]["httpGet"]["port"] in ports
    config = dict(line.split("=", 1) for line in BY_KIND["Kustomization"]["configMapGenerator"][0]["literals"])
    scaled = BY_KIND["ScaledObject"]["spec"]
    assert scaled["maxReplicaCount"] <= int(config["PARTITIONS"]), "a worker without a partition does nothing"
    assert scaled["triggers"][0]["metadata"]["consumerGroup"] == config["APP_ID"]


def test_a_worker_may_do_nothing_that_it_need_not() -> None:
    security = WORKER["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert BY_KIND["StatefulSet"]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True


def templates() -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """What is said of the pods of each kind and of their containers, ours and those that Strimzi makes."""
    worker = BY_KIND["StatefulSet"]["spec"]["template"]["spec"]
    pool = BY_KIND["KafkaNodePool"]["spec"].get("template", {})
    entities = BY_KIND["Kafka"]["spec"]["entityOperator"].get("template", {})
    return {
        "worker": (worker, worker["containers"]),
        "brokers": (pool.get("pod", {}), [pool.get(it, {}) for it in ("kafkaContainer", "initContainer")]),
        "entities": (
            entities.get("pod", {}),
            [entities.get(it, {}) for it in ("topicOperatorContainer", "userOperatorContainer")],
        ),
    }


@pytest.mark.parametrize("name", templates())
def test_the_namespace_lets_every_pod_in(name: str) -> None:
    assert BY_KIND["Namespace"]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    pod, containers = templates()[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_brokers_may_write_to_their_disks() -> None:
    pod, _ = templates()["brokers"]
    assert pod["securityContext"]["fsGroup"] == 0, "Strimzi says so only where nothing else is said"


def test_the_core_of_the_compose_file_starts_alone() -> None:
    core = {name for name, service in COMPOSE["services"].items() if "profiles" not in service}
    assert core == {"worker", "kafka", "mongo"}
    assert set(COMPOSE["services"]["worker"]["depends_on"]) <= core


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_what_a_service_mounts_is_there_and_its_ports_are_the_machines_own(name: str) -> None:
    service = COMPOSE["services"][name]
    for mount in service.get("volumes", ()):
        source = mount.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    assert all(re.match(r"127\.0\.0\.1:", port) for port in service["ports"])
