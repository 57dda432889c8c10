"""Passwords with argon2, off the event loop. Checking takes as long for nobody as for somebody."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.workspace.accounts.domain import new_secret


class Passwords:
    """Hashes and checks passwords in threads of its own; ``close`` ends them."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # Two at a time: argon2 takes 64 MiB each, and a flood must not take the machine.
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
        self._nobodys_hash = self._hasher.hash(new_secret())

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._hasher.hash, password
        )

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Check a password. Without a hash the same work is done, and the answer is no."""
        matched = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._verify, password_hash or self._nobodys_hash, password
        )
        return matched and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
