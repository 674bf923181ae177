"""Tokens: the good ones of each algorithm are taken, and every way to forge or bend one is not."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from app.security.caller import Role
from app.security.tokens import (
    BadKey,
    BadToken,
    Expected,
    Person,
    key_set,
    kid_of,
    make_token,
    public_key,
    read_token,
    secret_key,
)

SECRET = "0123456789abcdef0123456789abcdef"
EXPECTED = Expected("https://login.example", "orders", 30)
RSA = rsa.generate_private_key(65537, 2048)
PRIVATE: dict[str, Any] = {
    "RS256": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def pem(private: Any) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def claims(**changed: Any) -> dict[str, Any]:
    now_s = int(time.time())
    made = {"sub": "u-1", "roles": ["customer"], "exp": now_s + 60, "iss": EXPECTED.issuer, "aud": "orders", **changed}
    return {name: value for name, value in made.items() if value is not None}


def signed(algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changed: Any) -> str:
    key = SECRET if algorithm == "HS256" else PRIVATE[algorithm]
    return jwt.encode(claims(**changed), key, algorithm, headers)


def raw(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def jwk(algorithm: str, **more: Any) -> dict[str, Any]:
    kinds = {"RS256": jwt.algorithms.RSAAlgorithm, "ES256": jwt.algorithms.ECAlgorithm}
    kind = kinds.get(algorithm, jwt.algorithms.OKPAlgorithm)
    made: dict[str, Any] = kind.to_jwk(PRIVATE[algorithm].public_key(), as_dict=True)
    return {**made, "kid": algorithm, **more}


@pytest.mark.parametrize("algorithm", sorted(PRIVATE))
def test_a_token_signed_with_the_key_names_its_person(algorithm: str) -> None:
    person = read_token(signed(algorithm, roles=["customer", "janitor"]), public_key(pem(PRIVATE[algorithm])), EXPECTED)
    assert (person.subject, person.roles) == ("u-1", {Role.CUSTOMER})


def test_a_token_signed_with_the_secret_names_its_person() -> None:
    assert read_token(signed(), secret_key(SECRET), EXPECTED).subject == "u-1"
    made = make_token(SECRET, Person("u-2", frozenset({Role.SUPPORT}), time.time() + 60), EXPECTED)
    assert read_token(made, secret_key(SECRET), EXPECTED).roles == {Role.SUPPORT}


def checked(token: str) -> Person:
    """As the edge does it: first the header, then all of it."""
    kid_of(token)
    return read_token(token, secret_key(SECRET), EXPECTED)


NOW_S = int(time.time())


@pytest.mark.parametrize(
    "token",
    [
        raw({"alg": "none", "typ": "JWT"}, claims()),
        raw({"alg": "None"}, claims()),
        raw({"alg": "HS256"}, claims(), b"x" * 32),
        jwt.encode(claims(), "another secret of thirty-two bytes", "HS256"),
        jwt.encode(claims(), SECRET * 2, "HS512"),
        signed(exp=NOW_S - 31),
        signed(exp=None),
        signed(exp="soon"),
        signed(exp=[1]),
        signed(nbf=NOW_S + 3600),
        signed(iat=NOW_S + 3600),
        signed(iss="https://elsewhere.example"),
        signed(iss=None),
        signed(aud="shop"),
        signed(aud=None),
        signed(sub=None),
        signed(sub=""),
        signed(sub="\ud800"),
        signed(exp=10**400),
        signed(roles="admin"),
        signed(roles={"admin": True}),
        signed(headers={"crit": ["x"], "x": 1}),
        "",
        "a.b.c",
        "....",
        signed() + "x",
        signed()[:-2],
    ],
)
def test_a_token_that_is_not_right_in_every_way_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        checked(token)


@pytest.mark.parametrize("algorithm", sorted(PRIVATE))
def test_a_public_key_is_no_secret(algorithm: str) -> None:
    """The classic: HS256 with the bytes of the public key, which everybody has."""
    given_away = pem(PRIVATE[algorithm])
    forged_by_hand = _hmac({"alg": "HS256"}, claims(roles=["admin"]), given_away.encode())
    for key in (public_key(given_away), *key_set({"keys": [jwk(algorithm)]}).values()):
        with pytest.raises(BadToken):
            read_token(forged_by_hand, key, EXPECTED)


def _hmac(header: dict[str, Any], payload: dict[str, Any], secret: bytes) -> str:
    unsigned = raw(header, payload).rsplit(".", 1)[0]
    mac = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_clocks_may_differ_a_little() -> None:
    now_s = int(time.time())
    assert read_token(signed(exp=now_s - 20, nbf=now_s + 20), secret_key(SECRET), EXPECTED).expires_at_s > now_s


def test_without_issuer_and_audience_set_any_will_do() -> None:
    assert read_token(signed(iss=None, aud=None), secret_key(SECRET), Expected()).subject == "u-1"
    assert read_token(signed(aud=["a", "b"]), secret_key(SECRET), Expected()).subject == "u-1"


@given(st.text(max_size=300))
def test_any_text_is_a_bad_token_and_nothing_else(text: str) -> None:
    with pytest.raises(BadToken):
        checked(text)


def test_a_token_that_is_too_long_is_not_even_read() -> None:
    with pytest.raises(BadToken, match="too long"):
        kid_of(signed(sub="x" * 10_000))


def test_a_key_set_has_the_keys_that_tokens_are_signed_with() -> None:
    keys = key_set({"keys": [jwk(it) for it in PRIVATE]})
    assert {kid: key.algorithm for kid, key in keys.items()} == {it: it for it in PRIVATE}
    for algorithm in PRIVATE:
        token = signed(algorithm, {"kid": algorithm})
        assert read_token(token, keys[str(kid_of(token))], EXPECTED).subject == "u-1"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": [1, {"kid": 1}]},
        {"keys": [{**jwk("RS256"), "use": "enc"}]},
        {"keys": [{**jwk("RS256"), "alg": "RS512"}]},
        {"keys": [{**jwk("RS256"), "n": "AQAB"}]},
        {"keys": [{**jwk("EdDSA"), "x": "?"}]},
        {"keys": [{"kty": "oct", "kid": "k", "k": "c2VjcmV0"}]},
    ],
)
def test_what_is_no_key_set_is_told(document: Any) -> None:
    with pytest.raises(BadKey):
        key_set(document)


@pytest.mark.parametrize(
    "text",
    ["", "-----BEGIN", pem(rsa.generate_private_key(65537, 1024)), pem(ec.generate_private_key(ec.SECP384R1()))],
)
def test_a_weak_or_odd_public_key_is_not_taken(text: str) -> None:
    with pytest.raises(BadKey):
        public_key(text)
