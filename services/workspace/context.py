"""What every use case of the workspace works with, and where handlers find it."""

from dataclasses import dataclass, field

from aiohttp import ClientSession, web

from services.workspace.accounts.passwords import Passwords
from services.workspace.capabilities import Capabilities
from services.workspace.events.streams import OpenStreams
from services.workspace.sealing import Seal
from services.workspace.settings import Settings
from shared.blobs import Blobs
from shared.clock import Clock
from shared.db import Database


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The adapters of one running workspace."""

    settings: Settings
    database: Database
    clock: Clock
    blobs: Blobs
    capabilities: Capabilities
    passwords: Passwords
    seal: Seal
    client: ClientSession
    streams: OpenStreams = field(default_factory=OpenStreams)


WORKSPACE: web.AppKey[Workspace] = web.AppKey("workspace", Workspace)
