"""Identifiers: time-ordered UUIDv7 for things, deterministic UUIDv8 for repeated work."""

import hashlib
import secrets
from uuid import UUID

from shared.clock import Clock


def new_id(clock: Clock) -> UUID:
    """Return a UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits."""
    now_ms = int(clock.now().timestamp() * 1000)
    value = (
        now_ms << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
    return UUID(int=value)


def derived_id(*parts: str | int | UUID) -> UUID:
    """Return the UUIDv8 (RFC 9562 §5.8) of the parts: a repeat names the same thing."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return UUID(int=value)
