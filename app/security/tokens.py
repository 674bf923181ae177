"""JSON Web Tokens: which keys and algorithms are taken, and what a good token says.

The algorithm follows from the key we hold, never from what the token says of itself: so neither `alg: none` nor an HMAC
made with a public key is ever looked at as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.security.caller import Role, roles_of

LEAST_SECRET_BYTES: Final = 32
"""Of an HS256 secret: as long as its hash (RFC 7518)."""
LEAST_RSA_BITS: Final = 2048
LONGEST_TOKEN: Final = 8 * 1024
_CURVES: Final = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}


class BadToken(Exception):
    """This token lets nobody in. The text says why, and nothing that stands in the token."""


class BadKey(ValueError):
    """This is no key that tokens can be checked with; the text says why."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key, and the one algorithm that it is for."""

    algorithm: str
    key: Any


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: who made it and for whom, where these are set, and by how far clocks may differ."""

    issuer: str = ""
    audience: str = ""
    leeway_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Person:
    """Who a good token speaks of, and until when (seconds since 1970)."""

    subject: str
    roles: frozenset[Role]
    expires_at_s: float


def secret_key(secret: str) -> VerificationKey:
    """The key for HS256."""
    return VerificationKey("HS256", secret.encode())


def public_key(pem: str) -> VerificationKey:
    """The key for RS256, ES256 or EdDSA, by its kind. Raises `BadKey`."""
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise BadKey("it is no public key in PEM") from error
    return VerificationKey(_algorithm(key), key)


def _algorithm(key: object) -> str:
    if isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        return "RS256"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256"
    if isinstance(key, Ed25519PublicKey):
        return "EdDSA"
    raise BadKey(f"it must be RSA of {LEAST_RSA_BITS} bits or more, P-256 or Ed25519")


def key_set(document: object) -> dict[str, VerificationKey]:
    """The keys of a JWK set by their `kid`. Those that are for something else, or have no `kid`, are left out.

    Raises `BadKey` when it is no JWK set, or none is left.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise BadKey("it is no JWK set")
    found: dict[str, VerificationKey] = {}
    for entry in entries:
        kid = entry.get("kid") if isinstance(entry, dict) else None
        if isinstance(kid, str) and entry.get("use", "sig") == "sig":
            key = _from_jwk(entry)
            if key is not None:
                found[kid] = key
    if not found:
        raise BadKey("the JWK set has no key that tokens can be checked with")
    return found


def _from_jwk(entry: Mapping[str, Any]) -> VerificationKey | None:
    kind = entry.get("kty")
    algorithm = "RS256" if kind == "RSA" else _CURVES.get((str(kind), str(entry.get("crv"))))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    public = {name: value for name, value in entry.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
    try:
        key = jwt.PyJWK(public, algorithm).key
        _algorithm(key)
    except (jwt.PyJWTError, BadKey, ValueError):
        return None
    return VerificationKey(algorithm, key)


def kid_of(token: str) -> str | None:
    """Which key the token says it was signed with; None where it does not say. Raises `BadToken`."""
    if len(token) > LONGEST_TOKEN:
        raise BadToken("it is too long")
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError) as error:
        raise BadToken("it is no JWT") from error
    return kid if isinstance(kid, str) else None


def read_token(token: str, key: VerificationKey, expected: Expected) -> Person:
    """Who the token speaks of. Raises `BadToken`."""
    required = ["exp", "sub", *(["iss"] if expected.issuer else []), *(["aud"] if expected.audience else [])]
    try:
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            issuer=expected.issuer or None,
            audience=expected.audience or None,
            leeway=expected.leeway_s,
            options={"require": required, "verify_aud": bool(expected.audience), "verify_iss": bool(expected.issuer)},
        )
    except jwt.ExpiredSignatureError as error:
        raise BadToken("it has expired") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise BadToken("it is not valid here") from error
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not claims["sub"]:
        raise BadToken("it is not valid here")
    try:
        claims["sub"].encode()  # half of a pair is no text: it can't be written anywhere
        expires_at_s = float(claims["exp"]) + expected.leeway_s
    except (UnicodeEncodeError, OverflowError) as error:
        raise BadToken("it is not valid here") from error
    named = [role for role in roles if isinstance(role, str)]
    return Person(claims["sub"], roles_of(named), expires_at_s)


def make_token(secret: str, person: Person, expected: Expected) -> str:
    """A token for development, signed with HS256."""
    claims: dict[str, Any] = {"sub": person.subject, "roles": sorted(person.roles), "exp": int(person.expires_at_s)}
    claims |= {"iss": expected.issuer} if expected.issuer else {}
    claims |= {"aud": expected.audience} if expected.audience else {}
    return jwt.encode(claims, secret, algorithm="HS256")
