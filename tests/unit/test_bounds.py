"""What no setting may be: it would start a worker that hangs orders, or ends with a traceback."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest

from app.access_settings import AccessSettings
from app.domain.deadlines import Waits
from app.settings import Settings, SettingsError
from schemas.values import Currency, PriceMinor

KINDS: dict[str, Any] = {
    field.name.upper(): get_type_hints(cls, include_extras=True)[field.name]
    for cls in (Settings, AccessSettings)
    for field in fields(cls)
}
WHOLE = [name for name, kind in KINDS.items() if kind is int or int in get_args(kind)]
BROKEN = [name for name, kind in KINDS.items() if kind is float or float in get_args(kind)]
NONE_MAKES_SENSE = {
    *("SERVICE_PORT", "TRUSTED_PROXIES", "LOW_STOCK", "DEFAULT_PRICE_MINOR", "OWNER_WAIT_S", "BUSY_AFTER_S"),
    *("GATEWAY_DELAY_S", "GATEWAY_SLOW_S", "GATEWAY_FAILURE_RATE", "CARRIER_DELAY_S", "CARRIER_FAILURE_RATE"),
    *("PROJECTION_GATHER_S", "JWT_LEEWAY_S", "KEY_FRESH_S", "KEY_KEPT_S"),
}


def read(**environment: str) -> tuple[Settings, AccessSettings]:
    return Settings.from_environment(environment), AccessSettings.from_environment(environment)


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e999", "1e300", "-0.001"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_number_ends_and_is_not_below_none(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read(**{name: text})


@pytest.mark.parametrize("text", ["-1", "9999999999", "9" * 5000])
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_number_is_one_that_others_can_hold(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read(**{name: text})


@pytest.mark.parametrize("name", [*WHOLE, *BROKEN])
def test_none_is_taken_only_where_it_makes_sense(name: str) -> None:
    if name in NONE_MAKES_SENSE:
        read(**{name: "0"})
    else:
        with pytest.raises(SettingsError, match=name):
            read(**{name: "0"})


@pytest.mark.parametrize("name", ["REMIND_FIRST_S", "REMIND_LONGEST_S"])
def test_a_reminder_comes_after_a_millisecond_at_least_or_it_would_ring_for_ever(name: str) -> None:
    assert Waits(1, 1, 1, int(read(**{name: "0.001"})[0].remind_first_s * 1000), 1).remind_first_ms >= 1
    with pytest.raises(SettingsError, match=f"{name} must be at least 0[.]001 and at most 315360000"):
        read(**{name: "0.0009"})


def test_the_price_of_a_new_product_is_one_that_its_replies_may_tell() -> None:
    assert (KINDS["DEFAULT_CURRENCY"], KINDS["DEFAULT_PRICE_MINOR"]) == (Currency, PriceMinor)
    for text in ("usd", "EURO", "US", "USD\n"):
        with pytest.raises(SettingsError, match="DEFAULT_CURRENCY must be three capital letters"):
            read(DEFAULT_CURRENCY=text)
    with pytest.raises(SettingsError, match="DEFAULT_PRICE_MINOR must be at least 0 and at most 1000000000"):
        read(DEFAULT_PRICE_MINOR="-5")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "KAFKA_URL",
            ["kafka://localhost:1", "broker:9092", "kafka://a_1:1,b-2.example:65535, [::1]:9092"],
            ["http://broker:9092", "kafka://", "kafka://broker:99999", "kafka://broker:0", "kafka://a:1,", "a b"],
        ),
        (
            "MONGO_URL",
            [
                "mongodb://127.0.0.1:27017/?replicaSet=rs0&directConnection=true",
                "mongodb+srv://ada:s%40cret@db.example/shop",
                "mongodb://%2Ftmp%2Fmongodb-27017.sock",
                "mongodb://a:1,[::1]:2",
            ],
            ["db:27017", "mongodb://", "mongodb://db:99999", "mongodb://a:b:c@db", "mongodb://d b"],
        ),
        (
            "CANONICAL_URL",
            [
                "http://worker-0.worker:6066",
                "https://orders.example",
                "https://orders.example/base/",
                "http://[::1]:80",
            ],
            ["worker-0:6066", "http://", "http://[", "http://worker:99999", "ftp://worker"],
        ),
        ("JWKS_URL", ["https://login.example/.well-known/jwks.json"], ["login.example", "file:///etc/passwd"]),
        ("APP_ID", ["order-processor", "a.b_c"], ["a b", "a/b", "a" * 101]),
        ("TOPIC_PREFIX", ["shop."], ["shop:", "shop\n"]),
        ("MONGO_DATABASE", ["orders", "shop_2"], ["a.b", "a b", "$a", "a" * 64]),
    ],
)
def test_a_name_or_an_address_is_one_that_can_be_used(name: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        read(**{name: text})
    for text in bad:
        with pytest.raises(SettingsError, match=f"{name} must be "):
            read(**{name: text})


def test_what_was_given_as_an_address_is_not_told_again() -> None:
    with pytest.raises(SettingsError) as told:
        read(MONGO_URL="mongo://ada:secret@db")
    assert "secret" not in str(told.value)
