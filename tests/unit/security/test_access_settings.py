"""Who is let in follows from the settings, and an unsafe worker does not start."""

from pathlib import Path

import pytest

from app.access_settings import AccessSettings
from app.settings import Settings, SettingsError
from tests.unit.security.test_tokens import PRIVATE, pem

OWN = "0123456789abcdef0123456789abcdef"
URL = "http://127.0.0.1:6066"
PRODUCTION = {"APP_ENV": "production", "CLUSTER_SECRET": OWN}
TOKENS = {"JWT_ISSUER": "https://login.example", "JWT_AUDIENCE": "orders"}


def made(**given: str) -> AccessSettings:
    return AccessSettings.from_environment(given)


def test_on_the_loopback_address_it_is_development() -> None:
    access = made()
    assert (access.is_development, access.unsafe("127.0.0.1", URL), access.unsafe("localhost", URL)) == (
        True,
        None,
        None,
    )
    assert access.token_key() is not None
    assert access.workers_secret


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "orders.example", ""])
def test_whoever_can_be_reached_must_say_what_it_is(host: str) -> None:
    assert "APP_ENV" in str(made().unsafe(host, URL))
    assert made(APP_ENV="development").unsafe(host, URL) is None
    assert made(**PRODUCTION).unsafe(host, URL) is None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"CLUSTER_SECRET": ""}, "CLUSTER_SECRET"),
        ({"CLUSTER_SECRET": "short"}, "CLUSTER_SECRET"),
        ({"CLUSTER_SECRET": made().workers_secret}, "CLUSTER_SECRET"),
        ({"JWT_SECRET": "short", **TOKENS}, "JWT_SECRET"),
        ({"JWT_SECRET": made().token_secret, **TOKENS}, "JWT_SECRET"),
        ({"JWT_SECRET": OWN}, "JWT_ISSUER"),
        ({"JWKS_URL": "https://login.example/keys", "JWT_ISSUER": "x"}, "JWT_AUDIENCE"),
    ],
)
def test_production_needs_secrets_of_its_own(changed: dict[str, str], named: str) -> None:
    line = made(**{**PRODUCTION, **changed}).unsafe("127.0.0.1", URL)
    assert line is not None
    assert named in line
    assert "\n" not in line


def test_in_production_there_are_no_defaults() -> None:
    access = made(**PRODUCTION)
    assert (access.is_development, access.token_key(), access.token_secret) == (False, None, "")
    assert made(**PRODUCTION, **TOKENS, JWT_SECRET=OWN).unsafe("0.0.0.0", URL) is None


def test_a_secret_does_not_stand_in_what_is_printed() -> None:
    assert OWN not in repr(made(**PRODUCTION, JWT_SECRET=OWN))
    assert OWN not in repr(Settings.from_environment({"MONGO_URL": f"mongodb://orders:{OWN}@db"}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"APP_ENV": "prod"},
        {"JWT_SECRET": OWN, "JWKS_URL": "x"},
        {"FAILURES_PER_MIN": "0"},
        {"CORS_ORIGINS": "*"},
        {"TLS_KEY_FILE": "k"},
    ],
)
def test_what_makes_no_sense_is_told(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        made(**wrong)


@pytest.mark.parametrize("algorithm", sorted(PRIVATE))
def test_a_public_key_is_read_from_its_file(tmp_path: Path, algorithm: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem(PRIVATE[algorithm]))
    key = made(JWT_PUBLIC_KEY_FILE=str(file)).token_key()
    assert key is not None
    assert key.algorithm == algorithm
    assert made(JWT_PUBLIC_KEY_FILE=str(file)).token_secret == "", "no token is made or taken by a default secret"


def test_a_file_that_holds_no_key_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(SettingsError, match="JWT_PUBLIC_KEY_FILE"):
            made(JWT_PUBLIC_KEY_FILE=str(path)).token_key()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"JWT_PUBLIC_KEY_FILE": "none"}, "JWT_PUBLIC_KEY_FILE"),
        ({"TLS_CA_FILE": "none"}, "TLS_CA_FILE"),
        ({"SERVICE_PORT": "7000"}, "SERVICE_PORT"),
    ],
)
def test_what_would_fail_only_later_is_told_before_a_worker_begins(wrong: dict[str, str], named: str) -> None:
    made(SERVICE_PORT="7001").check(7000)
    with pytest.raises(SettingsError, match=named):
        made(**wrong).check(7000)


def test_with_a_certificate_it_is_reached_by_https_and_only_then() -> None:
    tls = made(TLS_CERTIFICATE_FILE="c", TLS_KEY_FILE="k")
    assert "https" in str(tls.unsafe("127.0.0.1", URL))
    assert "https" in str(made().unsafe("127.0.0.1", "https://orders.example"))
    assert tls.unsafe("127.0.0.1", "https://orders.example") is None
    for broken in (tls.server_tls, made(TLS_CA_FILE="none").client_tls):
        with pytest.raises(SettingsError, match="TLS_"):
            broken()
