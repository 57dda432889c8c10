"""The keys behind NATS's decentralised sign-in, and the signed claims (JWT v2) made with them.

One operator vouches for the accounts, the account for its users, so the server knows no passwords
and a new user needs no restart. Seeds are files only their owner may read.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import nkeys

from shared.clock import Clock, SystemClock
from shared.errors import InvalidError

_SEED_BYTES: Final = 32
_PREFIXES: Final = {
    "operator": nkeys.PREFIX_BYTE_OPERATOR,
    "system": nkeys.PREFIX_BYTE_ACCOUNT,
    "account": nkeys.PREFIX_BYTE_ACCOUNT,
    "team-signer": nkeys.PREFIX_BYTE_ACCOUNT,
}


class KeyUnreadableError(InvalidError):
    """The file does not hold the key it should."""

    code = "key-unreadable"


@dataclass(frozen=True)
class Key:
    """A key pair; its seed is the secret."""

    seed: str

    @classmethod
    def make(cls, prefix: int) -> Self:
        """Make a new pair."""
        return cls(bytes(nkeys.encode_seed(secrets.token_bytes(_SEED_BYTES), prefix)).decode())

    @property
    def public(self) -> str:
        """The public half, which is also its owner's name."""
        return bytes(self._pair().public_key).decode()

    def sign_claims(
        self,
        subject: str,
        name: str,
        nats: Mapping[str, Any],
        *,
        clock: Clock,
        ttl_s: float | None = None,
        tags: Sequence[str] = (),
    ) -> str:
        """Return a JWT in which this key says ``nats`` of ``subject``."""
        now_s = int(clock.now().timestamp())
        claims: dict[str, Any] = {
            "iat": now_s,
            "iss": self.public,
            "name": name,
            "nats": {**nats, "version": 2, **({"tags": list(tags)} if tags else {})},
            "sub": subject,
        }
        if ttl_s is not None:
            claims["exp"] = now_s + int(ttl_s)
        digest = hashlib.new("sha512_256", _json(claims)).digest()
        claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
        signed = f"{_b64(_json({'typ': 'JWT', 'alg': 'ed25519-nkey'}))}.{_b64(_json(claims))}"
        return f"{signed}.{_b64(self._pair().sign(signed.encode()))}"

    def _pair(self) -> Any:
        return nkeys.from_seed(bytearray(self.seed.encode()))


@dataclass(frozen=True)
class TeamSigner:
    """What delivery needs to make credentials for integrators, and cannot make any others with."""

    account: str
    """Public name of the account the users belong to."""
    key: Key

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``text`` wrote, or raise KeyUnreadableError."""
        try:
            account, seed = path.read_text(encoding="ascii").split()
            signer = cls(account, Key(seed))
            signer.key.public  # noqa: B018 - decoding the seed is the check
        except (OSError, ValueError, nkeys.NkeysError) as exc:
            raise KeyUnreadableError(f"{path.name} does not hold a signing key.") from exc
        return signer

    @property
    def text(self) -> str:
        """The file's content."""
        return f"{self.account}\n{self.key.seed}\n"


@dataclass(frozen=True)
class Keys:
    """All seeds of one house."""

    operator: Key
    system: Key
    account: Key
    team_signer_key: Key

    @property
    def team_signer(self) -> TeamSigner:
        """The part that is given to delivery."""
        return TeamSigner(self.account.public, self.team_signer_key)


def make_operator(directory: Path) -> Keys:
    """Read the house's seeds from ``directory``, making those that are missing."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    operator, system, account, team_signer = (
        _read_or_make(directory / f"{name}.seed", prefix) for name, prefix in _PREFIXES.items()
    )
    return Keys(operator, system, account, team_signer)


def make_user(
    signer: Key,
    name: str,
    nats: Mapping[str, Any],
    *,
    ttl_s: float | None = None,
    tags: Sequence[str] = (),
    clock: Clock | None = None,
) -> str:
    """Make a user and return its credentials as NATS clients read them from a file."""
    user = Key.make(nkeys.PREFIX_BYTE_USER)
    jwt = signer.sign_claims(
        user.public,
        name,
        {**nats, "type": "user"},
        clock=clock or SystemClock(),
        ttl_s=ttl_s,
        tags=tags,
    )
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )


def write_secret(path: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all, and on the disk on return.

    Losing power must not cost the only copy of a key that others already rely on.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    with draft.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_or_make(path: Path, prefix: int) -> Key:
    if not path.exists():
        write_secret(path, Key.make(prefix).seed + "\n")
    key = Key(path.read_text(encoding="ascii").strip())
    try:
        key.public  # noqa: B018 - decoding the seed is the check
    except (ValueError, nkeys.NkeysError) as exc:
        raise KeyUnreadableError(f"{path.name} does not hold a key.") from exc
    return key


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
