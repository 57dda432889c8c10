"""Capability tokens: Ed25519 JSON Web Tokens that say who may do what until when.

Whoever holds the private key signs; everyone else needs only the public key and no database.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.clock import Clock
from shared.errors import UnauthenticatedError

ALGORITHM = "Ed25519"
#: Clocks of two machines may differ a little.
LEEWAY_S = 5
MAX_TOKEN_CHARS = 8192
RESERVED = frozenset({"iss", "aud", "iat", "exp"})


class TokenInvalidError(UnauthenticatedError):
    """The token is not valid here; ask for a new one."""

    code = "token-invalid"


class TokenExpiredError(UnauthenticatedError):
    """The token has expired; ask for a new one."""

    code = "token-expired"


class TokenSigner:
    """Makes tokens with the private key."""

    def __init__(self, private_key_pem: bytes, issuer: str, clock: Clock) -> None:
        """Fail with ``ValueError`` when the PEM holds no Ed25519 key."""
        self._key = _import_key(private_key_pem)
        self._issuer = issuer
        self._clock = clock

    def sign(self, audience: str, claims: Mapping[str, Any], ttl_s: int) -> str:
        """Return a token for one audience; claims must be JSON and not use reserved names."""
        if not RESERVED.isdisjoint(claims):
            raise ValueError("reserved claim")
        now = int(self._clock.now().timestamp())
        times = {"iat": now, "exp": now + ttl_s}
        payload = {**claims, "iss": self._issuer, "aud": audience, **times}
        return jwt.encode({"alg": ALGORITHM}, payload, self._key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Checks tokens with the public key."""

    def __init__(self, public_key_pem: bytes, clock: Clock, *, issuer: str | None = None) -> None:
        """Accept any issuer unless one is named: the key already says who signed."""
        self._key = _import_key(public_key_pem)
        self._clock = clock
        self._issuer = issuer

    def verify(self, token: str, audience: str) -> dict[str, Any]:
        """Return the claims. Raises ``TokenInvalidError`` or ``TokenExpiredError``."""
        if len(token) > MAX_TOKEN_CHARS:
            raise TokenInvalidError
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, TypeError):
            raise TokenInvalidError from None
        expires_at = claims.get("exp")
        if claims.get("aud") != audience or not isinstance(expires_at, int):
            raise TokenInvalidError
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise TokenInvalidError
        if expires_at + LEEWAY_S <= self._clock.now().timestamp():
            raise TokenExpiredError
        return dict(claims)


def _import_key(pem: bytes) -> OKPKey:
    try:
        key = OKPKey.import_key(pem)
    except JoseError as exc:
        raise ValueError("not an Ed25519 key") from exc
    if key.curve_name != ALGORITHM:
        raise ValueError("not an Ed25519 key")
    return key


def make_key_pair() -> tuple[bytes, bytes]:
    """Return a new private and its public key, both PEM."""
    private = Ed25519PrivateKey.generate()
    return (
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )
