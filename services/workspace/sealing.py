"""Encrypts what rows hold but nobody who reads the database may use."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import ConflictError

_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealBrokenError(ConflictError):
    """The first answer to this cannot be given again. Look whether what you asked for is done."""

    code = "reply-lost"


class Seal:
    """AES-256-GCM under a key derived from a secret of this house."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode())
        self._cipher = AESGCM(derived.derive(secret))

    def close(self, content: bytes, place: str) -> bytes:
        """Encrypt content so that it opens only in this place."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return the content; SealBrokenError if it was sealed for another place or secret."""
        try:
            return self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode()
            )
        except (InvalidTag, ValueError) as exc:
            raise SealBrokenError from exc
