"""Settings from variables: what is taken, and what a wrong one is told."""

from __future__ import annotations

import inspect
import socket
from dataclasses import fields

import pytest

from app.settings import Settings, SettingsError


def test_a_variable_is_a_fields_name_in_capitals() -> None:
    made = Settings.from_environment({"PORT": "7000", "SESSION_TIMEOUT_S": "6.5", "APP_ID": "shop", "HOME": "/root"})
    assert (made.port, made.session_timeout_s, made.app_id) == (7000, 6.5, "shop")
    assert made.partitions == Settings().partitions


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings.from_environment({"PORT": ""}).port == Settings().port


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PORT": "abc"}, "PORT='abc' is not a int"),
        ({"SESSION_TIMEOUT_S": "6", "HEARTBEAT_INTERVAL_S": "4"}, "at most half of SESSION_TIMEOUT_S"),
        ({"GATEWAY_FAILURE_RATE": "1"}, "GATEWAY_FAILURE_RATE must be at least 0 and below 1"),
        ({"PARTITIONS": "0"}, "PARTITIONS must be at least 1"),
        ({"CALL_ATTEMPTS": "0"}, "CALL_ATTEMPTS must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_named(environment: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Settings.from_environment(environment)


def test_workers_are_told_a_name_that_leads_to_this_machine() -> None:
    here = socket.gethostname()
    assert Settings(host="10.0.0.7", port=7000).url == "http://10.0.0.7:7000"
    assert Settings(host="0.0.0.0", port=7000).url == f"http://{here}:7000"
    assert Settings(host="::").url == f"http://{here}:6066"
    assert Settings(host="0.0.0.0", canonical_url="http://worker-3:80").url == "http://worker-3:80"


def test_every_setting_says_what_it_means() -> None:
    source = inspect.getsource(Settings).splitlines()
    for field in fields(Settings):
        line = next(n for n, text in enumerate(source) if text.startswith(f"    {field.name}: "))
        assert source[line + 1].lstrip().startswith('"""'), field.name
