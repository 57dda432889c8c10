import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from shared.http.tokens import (
    LEEWAY_S,
    TokenExpiredError,
    TokenInvalidError,
    TokenSigner,
    TokenVerifier,
    make_key_pair,
)
from tests.unit.http.clocks import StillClock

pytestmark = pytest.mark.unit

PRIVATE, PUBLIC = make_key_pair()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def signer(clock: StillClock) -> TokenSigner:
    return TokenSigner(PRIVATE, "workspace", clock)


@pytest.fixture
def verifier(clock: StillClock) -> TokenVerifier:
    return TokenVerifier(PUBLIC, clock)


def test_claims_come_back_for_the_right_audience(
    signer: TokenSigner, verifier: TokenVerifier
) -> None:
    token = signer.sign("upload", {"max_bytes": 5}, 60)
    assert verifier.verify(token, "upload")["max_bytes"] == 5


def test_a_token_for_another_purpose_is_refused(
    signer: TokenSigner, verifier: TokenVerifier
) -> None:
    with pytest.raises(TokenInvalidError):
        verifier.verify(signer.sign("media", {}, 60), "upload")


def test_a_token_ends_at_its_time_and_a_little_leeway(
    signer: TokenSigner, verifier: TokenVerifier, clock: StillClock
) -> None:
    token = signer.sign("upload", {}, 60)
    clock.advance(60 + LEEWAY_S - 1)
    verifier.verify(token, "upload")
    clock.advance(1)
    with pytest.raises(TokenExpiredError):
        verifier.verify(token, "upload")


def test_a_token_of_another_key_is_refused(verifier: TokenVerifier, clock: StillClock) -> None:
    stranger, _ = make_key_pair()
    token = TokenSigner(stranger, "workspace", clock).sign("upload", {}, 60)
    with pytest.raises(TokenInvalidError):
        verifier.verify(token, "upload")


def test_a_token_of_another_issuer_is_refused_where_one_is_named(
    signer: TokenSigner, clock: StillClock
) -> None:
    token = signer.sign("upload", {}, 60)
    TokenVerifier(PUBLIC, clock, issuer="workspace").verify(token, "upload")
    with pytest.raises(TokenInvalidError):
        TokenVerifier(PUBLIC, clock, issuer="other").verify(token, "upload")


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def forged(algorithm: str) -> str:
    head = part(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    return f"{head}.{part(json.dumps({'aud': 'upload', 'exp': 1 << 40}).encode())}"


def unsigned() -> str:
    return f"{forged('none')}."


def signed_with_the_public_key() -> str:
    signature = hmac.digest(PUBLIC, forged("HS256").encode(), "sha256")
    return f"{forged('HS256')}.{part(signature)}"


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b.c", "é.b.c", unsigned(), "x" * 100_000],
)
def test_what_is_no_signed_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(TokenInvalidError):
        verifier.verify(token, "upload")


def test_the_public_key_cannot_be_misused_as_a_shared_secret(verifier: TokenVerifier) -> None:
    with pytest.raises(TokenInvalidError):
        verifier.verify(signed_with_the_public_key(), "upload")


def test_a_changed_token_is_refused(signer: TokenSigner, verifier: TokenVerifier) -> None:
    head, _, signature = signer.sign("upload", {"max_bytes": 5}, 60).split(".")
    body = part(b'{"aud":"upload","exp":9999999999}')
    with pytest.raises(TokenInvalidError):
        verifier.verify(f"{head}.{body}.{signature}", "upload")


def test_reserved_claims_cannot_be_set(signer: TokenSigner) -> None:
    with pytest.raises(ValueError, match="reserved"):
        signer.sign("upload", {"aud": "media"}, 60)


def test_a_key_of_another_kind_is_refused(clock: StillClock) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(ValueError, match="Ed25519"):
        TokenSigner(other, "workspace", clock)
