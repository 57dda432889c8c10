"""What an id token must prove before anybody is signed in by it."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from services.workspace.accounts.domain import ProviderRefusedError
from services.workspace.accounts.oidc import (
    Identity,
    ProviderUnavailableError,
    basic_credentials,
    code_challenge,
    keys_of,
    read_id_token,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 4, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, parameters={"kid": "one"}, private=True)
KEYS = KeySet([KEY])
GOOD: dict[str, Any] = {
    "iss": "https://id.example.org",
    "aud": "tidings",
    "sub": "ann",
    "nonce": "nonce",
    "iat": NOW.timestamp() - 5,
    "exp": NOW.timestamp() + 300,
    "email": "ann@example.org",
    "email_verified": True,
}


def read(token: str) -> Identity:
    return read_id_token(
        token,
        KEYS,
        issuer="https://id.example.org",
        client_id="tidings",
        nonce="nonce",
        now=NOW,
    )


def signed(**changes: Any) -> str:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)


def test_a_good_token_says_who_it_is() -> None:
    assert read(signed()).sub == "ann"
    assert read(signed(aud=["tidings", "other"], azp="tidings")).email_verified


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": ["tidings", "other"], "azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": NOW.timestamp() - 61},
        {"exp": None},
        {"iat": NOW.timestamp() + 61},
        {"iat": None},
        {"sub": None},
    ],
)
def test_a_token_with_one_thing_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderRefusedError):
        read(signed(**changes))


def by_hand(alg: str, secret: bytes | None = None) -> str:
    """Return a token as an attacker writes it; libraries refuse to."""
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": alg, "kid": "one"}, GOOD)]
    body = ".".join(parts)
    signature = b"" if secret is None else hmac.digest(secret, body.encode(), "sha256")
    return f"{body}.{encoded(signature)}"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def test_a_token_nobody_or_somebody_else_signed_is_refused() -> None:
    stranger = RSAKey.generate_key(2048, parameters={"kid": "one"}, private=True)
    forged = jwt.encode({"alg": "RS256", "kid": "one"}, GOOD, stranger)
    head, body, signature = signed().split(".")

    for token in (
        forged,
        f"{head}.{body}.",
        f"{head}.{body}x.{signature}",
        by_hand("none"),
        "",
        "a.b.c",
    ):
        with pytest.raises(ProviderRefusedError):
            read(token)


def test_the_public_key_is_no_shared_secret() -> None:
    with pytest.raises(ProviderRefusedError):
        read(by_hand("HS256", KEY.as_pem(private=False)))


def test_the_challenge_is_the_one_of_the_standard() -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_client_credentials_are_encoded_before_they_are_joined() -> None:
    assert basic_credentials("a:b", "c d") == "Basic YSUzQWI6Yytk"


@pytest.mark.parametrize(
    "published",
    [{}, [], "keys", {"keys": []}, {"keys": [{"kty": "RSA"}]}, {"keys": [{"kty": "X"}]}],
)
def test_a_provider_without_keys_is_one_that_does_not_answer(published: Any) -> None:
    with pytest.raises(ProviderUnavailableError):
        keys_of(published)
