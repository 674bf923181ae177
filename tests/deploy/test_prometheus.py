"""The rules for Prometheus: what they look at is measured, what they fire at is explained, and they fire."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import app.metrics.business
import app.metrics.http
import app.metrics.loop
import app.metrics.outside
import app.metrics.parts  # noqa: F401 - they make the metrics
from app.delivery import Stats
from app.metrics.business import OrderNumbers, StockNumbers
from app.metrics.stream import StreamNumbers

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
RECORDED = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
BOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "orders.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
OF_PROCESS = {"process_resident_memory_bytes"}
METRIC = re.compile(r"[a-z_:][a-zA-Z0-9_:]*")
LABELS = re.compile(r"\{[^}]*\}|\bby \([^)]*\)")
WORDS = {"sum", "min", "max", "rate", "increase", "absent", "histogram_quantile", "by", "count", "m"}


def _name(rule: dict[str, str]) -> str:
    return rule.get("alert") or rule["record"]


def measured() -> set[str]:
    """The names of all series that a worker tells."""
    collectors = (REGISTRY, OrderNumbers(), StockNumbers(1), StreamNumbers(Stats()))
    families = [family for collector in collectors for family in collector.collect()]
    endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    return {f"{it.name}{ending}" for it in families for ending in endings.get(it.type, ())}


@pytest.mark.parametrize("rule", [rule for group in GROUPS for rule in group["rules"]], ids=_name)
def test_a_rule_looks_at_what_is_measured(rule: dict[str, str]) -> None:
    names = set(METRIC.findall(LABELS.sub("", rule["expr"]))) - WORDS
    assert names
    assert names <= measured() | RECORDED | {"up"}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_of_the_dashboard_shows_what_is_measured(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        names = set(METRIC.findall(LABELS.sub("", target["expr"]))) - WORDS
        assert names
        assert names <= measured() | RECORDED | OF_PROCESS


def test_each_alert_has_its_test() -> None:
    tests = yaml.safe_load((RULES.parent / "rules.test.yml").read_text())["tests"]
    fired = {it["alertname"] for test in tests for it in test.get("alert_rule_test", ()) if it["exp_alerts"]}
    assert fired == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=_name)
def test_an_alert_is_explained_to_who_is_woken_by_it(rule: dict[str, Any]) -> None:
    run_book = (ROOT / "docs" / "operations.md").read_text()
    assert f"\n**{rule['alert']}** ({rule['labels']['severity']}). " in run_book


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize("words", [("check", "rules", "rules.yml"), ("test", "rules", "rules.test.yml"),
                                   ("check", "config", "prometheus.yml")], ids=" ".join)  # fmt: skip
def test_promtool_finds_nothing_to_complain_of(words: tuple[str, ...]) -> None:
    ended = subprocess.run(["promtool", *words], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
