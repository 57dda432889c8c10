"""Signed capabilities the workspace gives out after its checks: to upload, play, read events.

The services that take them check the signature and nothing else; they know no people.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.clock import Clock
from shared.contracts.messages import RenditionKind
from shared.http.tokens import TokenSigner

MEDIA_TOKEN_S = 3600
EVENTS_TOKEN_S = 300


@dataclass(frozen=True, kw_only=True)
class UploadGrant:
    """Leave to upload one recording."""

    url: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """Signs what may be done, by whom, until when."""

    signer: TokenSigner
    clock: Clock
    upload_public_url: str
    upload_token_s: int
    max_recording_bytes: int
    max_recording_s: int

    def to_upload(
        self,
        *,
        team_id: UUID,
        thread_id: UUID,
        update_id: UUID,
        recording_id: UUID,
        member_id: UUID,
        language: str | None,
        size_bytes: int | None,
    ) -> UploadGrant:
        """Allow one recording; a size told beforehand is a promise, not a wider limit."""
        limit = self.max_recording_bytes
        claims = {
            "team_id": str(team_id),
            "thread_id": str(thread_id),
            "update_id": str(update_id),
            "recording_id": str(recording_id),
            "member_id": str(member_id),
            "language": language,
            "max_bytes": limit if size_bytes is None else min(size_bytes, limit),
            "max_seconds": self.max_recording_s,
        }
        expires_at = self.clock.now() + timedelta(seconds=self.upload_token_s)
        token = self.signer.sign("upload", claims, self.upload_token_s)
        return UploadGrant(
            url=f"{self.upload_public_url}/files", token=token, expires_at=expires_at
        )

    def media_url(self, recording_id: UUID, kind: RenditionKind) -> str:
        """Return the address under which one rendition can be fetched for an hour."""
        claims = {"recording_id": str(recording_id), "kind": kind.value}
        token = self.signer.sign("media", claims, MEDIA_TOKEN_S)
        return f"{self.upload_public_url}/media/{recording_id}/{kind.value}?token={token}"

    def to_read_events(self, team_id: UUID, threads: Iterable[UUID] | None) -> str:
        """Allow reading a team's events: all of them (None) or those of some threads."""
        seen = None if threads is None else [str(thread) for thread in threads]
        return self.signer.sign(
            "events", {"team_id": str(team_id), "threads": seen}, EVENTS_TOKEN_S
        )

    def to_issue_credentials(self, team_id: UUID, member_id: UUID) -> str:
        """Allow making credentials for a team's event stream."""
        claims = {"team_id": str(team_id), "member_id": str(member_id)}
        return self.signer.sign("event-credentials", claims, EVENTS_TOKEN_S)

    def to_change_credential(self, team_id: UUID, credential_id: UUID) -> str:
        """Allow keeping and ending one credential of a team's event stream."""
        claims = {"team_id": str(team_id), "credential_id": str(credential_id)}
        return self.signer.sign("event-credentials", claims, EVENTS_TOKEN_S)
