"""The settings that say who is let in: read from the environment as those of `app.settings` are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from ssl import Purpose, SSLContext, create_default_context
from typing import Final

from app.bounds import Count, CountOrNone, Duration, DurationOrNone, PortOrNone, SettingsError, WebUrl, read_fields
from app.delivery import Security
from app.security.tokens import LEAST_SECRET_BYTES, BadKey, Expected, VerificationKey, public_key, secret_key

DEVELOPMENT: Final = "development"
PRODUCTION: Final = "production"
_OF_DEVELOPMENT: Final = "known-to-all-so-for-development-only"
"""Stands for any secret that is not set, in development."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who is let in. Immutable; made once, by `from_environment`."""

    app_env: str = ""
    """`production`, or `development`, where the key `demo` with all roles is taken and secrets have defaults. Unset, it
    is development, as long as the worker listens on the loopback address."""
    cluster_secret: str = field(default="", repr=False)
    """What workers know each other's requests by; the same for all of them. At least 32 bytes."""
    jwt_secret: str = field(default="", repr=False)
    """Tokens signed with this by HS256 are taken. At least 32 bytes."""
    jwt_public_key_file: str = ""
    """A file with the public key, in PEM, that tokens are checked with: RS256, ES256 or EdDSA, by its kind."""
    jwks_url: WebUrl = ""
    """Or the address that publishes such keys (JWKS)."""
    jwt_issuer: str = ""
    """Who must have made a token (`iss`); needed in production where tokens are taken."""
    jwt_audience: str = ""
    """For whom it must be made (`aud`); needed in production where tokens are taken."""
    jwt_leeway_s: DurationOrNone = 30.0
    """By how much clocks may differ."""
    key_fresh_s: DurationOrNone = 2.0
    """A key that was revoked may still be used for so long, and a quarter of a second."""
    key_kept_s: DurationOrNone = 3600.0
    """While MongoDB is away, keys that were used before stay usable for so long."""
    failures_per_min: Count = 60
    """Wrong credentials that one address may send in a minute; above, only those that are known are looked at."""
    trusted_proxies: CountOrNone = 0
    """How many proxies of yours each request passes, which add its sender to `X-Forwarded-For`."""

    cors_origins: str = ""
    """Pages that may call from browsers: `https://shop.example,https://…`. None by default."""
    connections: Count = 5000
    """Connections of clients that a worker keeps open; one more is closed at once."""
    body_within_s: Duration = 15.0
    """How long a client may take to send the body of a request."""
    answer_within_s: Duration = 30.0
    """How long a client may take to read what it was answered; from then on it is hung up on."""
    service_port: PortOrNone = 0
    """Where `/health`, `/metrics` and `/api-docs` are served, and then there alone; without TLS. 0: with all else."""
    tls_certificate_file: str = ""
    """The certificate of this worker, with its chain, in PEM: clients and workers then speak TLS to it."""
    tls_key_file: str = ""
    """The private key that belongs to it, in PEM."""
    tls_ca_file: str = ""
    """Whose certificates workers trust of each other, in PEM; the system's, when empty."""

    kafka_protocol: str = "PLAINTEXT"
    """How Kafka is spoken to, by its own names: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."""
    kafka_ca_file: str = ""
    """Whose certificates the brokers must have, in PEM; those the system trusts, when empty."""
    kafka_certificate_file: str = ""
    """This worker's own certificate, in PEM, where brokers ask for one."""
    kafka_key_file: str = ""
    """The private key that belongs to it, in PEM."""
    kafka_mechanism: str = "SCRAM-SHA-512"
    """How a password is shown: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`."""
    kafka_username: str = ""
    """Whom brokers know this worker as."""
    kafka_password: str = field(default="", repr=False)
    """The password that belongs to it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> AccessSettings:
        """The settings that these variables make. Raises `SettingsError` for one that can't be read."""
        made = cls(**read_fields(cls, environment))
        if made.app_env not in ("", DEVELOPMENT, PRODUCTION):
            raise SettingsError(f"APP_ENV must be {DEVELOPMENT} or {PRODUCTION}")
        if sum(map(bool, (made.jwt_secret, made.jwt_public_key_file, made.jwks_url))) > 1:
            raise SettingsError("Set one of JWT_SECRET, JWT_PUBLIC_KEY_FILE and JWKS_URL")
        if "*" in made.cors_origins:
            raise SettingsError("CORS_ORIGINS must name origins: * would let any page call")
        if bool(made.tls_certificate_file) != bool(made.tls_key_file):
            raise SettingsError("TLS_CERTIFICATE_FILE and TLS_KEY_FILE go together")
        return made

    @property
    def is_development(self) -> bool:
        """Whether the key `demo` is taken."""
        return self.app_env != PRODUCTION

    @property
    def origins(self) -> frozenset[str]:
        """The origins of pages that may call."""
        return frozenset(filter(None, (origin.strip() for origin in self.cors_origins.split(","))))

    @property
    def expected(self) -> Expected:
        """What a token must say."""
        return Expected(self.jwt_issuer, self.jwt_audience, self.jwt_leeway_s)

    @property
    def token_secret(self) -> str:
        """The secret for HS256; empty where tokens are signed otherwise, or not taken."""
        signed_otherwise = self.jwt_public_key_file or self.jwks_url
        return self.jwt_secret or (_OF_DEVELOPMENT if self.is_development and not signed_otherwise else "")

    @property
    def workers_secret(self) -> str:
        """What workers sign what they forward with."""
        return self.cluster_secret or (_OF_DEVELOPMENT if self.is_development else "")

    def token_key(self) -> VerificationKey | None:
        """The key that was set for tokens; None for published ones, or none. Raises `SettingsError`."""
        if self.jwt_public_key_file:
            try:
                return public_key(Path(self.jwt_public_key_file).read_text())
            except (OSError, UnicodeError, BadKey) as error:
                raise SettingsError(f"JWT_PUBLIC_KEY_FILE can't be used: {error}") from error
        return secret_key(self.token_secret) if self.token_secret else None

    def server_tls(self) -> SSLContext | None:
        """What clients of this worker speak TLS by; None without a certificate. Raises `SettingsError`."""
        if not self.tls_certificate_file:
            return None
        context = create_default_context(Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.tls_certificate_file, self.tls_key_file)
        except OSError as error:
            raise SettingsError(f"TLS_CERTIFICATE_FILE and TLS_KEY_FILE can't be used: {error}") from error
        return context

    def client_tls(self) -> SSLContext:
        """What this worker speaks TLS to others by. Raises `SettingsError`."""
        try:
            return create_default_context(cafile=self.tls_ca_file or None)
        except OSError as error:
            raise SettingsError(f"TLS_CA_FILE can't be used: {error}") from error

    def check(self, port: int) -> None:
        """Raise `SettingsError` for what else would fail later, in a worker that listens on `port`."""
        self.token_key()
        if self.tls_ca_file:
            self.client_tls()
        if self.service_port == port:
            raise SettingsError("SERVICE_PORT must be another than PORT")

    def kafka_security(self) -> Security:
        """How Kafka is reached. Raises `SettingsError`."""
        try:
            made = Security(
                self.kafka_protocol,
                self.kafka_ca_file,
                self.kafka_certificate_file,
                self.kafka_key_file,
                self.kafka_mechanism,
                self.kafka_username,
                self.kafka_password,
            )
            made.faust()  # reads the files
        except (ValueError, OSError) as error:
            raise SettingsError(f"KAFKA_PROTOCOL and what belongs to it: {error}") from error
        return made

    def unsafe(self, host: str, url: str) -> str | None:
        """One line that says why a worker must not listen on `host`, and be reached at `url`, so; or None."""
        if bool(self.tls_certificate_file) != url.startswith("https://"):
            return f"CANONICAL_URL ({url}) must begin with https:// if TLS_CERTIFICATE_FILE is set, and only then."
        if not self.app_env and not _is_loopback(host):
            return (
                f"HOST={host} can be reached from outside, so APP_ENV must be set: {PRODUCTION}, or"
                f" {DEVELOPMENT}, where everybody may do everything with the key demo."
            )
        if self.is_development:
            return None
        for name, secret in (("CLUSTER_SECRET", self.cluster_secret), ("JWT_SECRET", self.jwt_secret or None)):
            if secret is not None and (len(secret.encode()) < LEAST_SECRET_BYTES or secret == _OF_DEVELOPMENT):
                return (
                    f"{name} must be a secret of your own of at least {LEAST_SECRET_BYTES} bytes: openssl rand -hex 32"
                )
        takes_tokens = self.jwt_secret or self.jwt_public_key_file or self.jwks_url
        if takes_tokens and not (self.jwt_issuer and self.jwt_audience):
            return "JWT_ISSUER and JWT_AUDIENCE must be set where tokens are taken."
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
