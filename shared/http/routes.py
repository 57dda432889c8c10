"""The face of this package: everything a service's ``http.py`` and ``app.py`` need."""

from shared.http.app import build_app
from shared.http.cors import Cors, tus_cors
from shared.http.health import Health
from shared.http.idempotency import IdempotencyStore, KeyReusedError, StoredReply
from shared.http.replies import (
    Page,
    PreconditionRequiredError,
    decode_cursor,
    encode_cursor,
    etag_of,
    json_reply,
    matches_none,
    no_content,
    path_id,
    require_if_match,
)
from shared.http.serve import serve
from shared.http.table import (
    BODY,
    IDEMPOTENCY_KEY,
    PRINCIPAL,
    QUERY,
    REQUEST_ID,
    STOPPING,
    Access,
    Authenticator,
    Principal,
    RateClass,
    Route,
)

__all__ = [
    "BODY",
    "IDEMPOTENCY_KEY",
    "PRINCIPAL",
    "QUERY",
    "REQUEST_ID",
    "STOPPING",
    "Access",
    "Authenticator",
    "Cors",
    "Health",
    "IdempotencyStore",
    "KeyReusedError",
    "Page",
    "PreconditionRequiredError",
    "Principal",
    "RateClass",
    "Route",
    "StoredReply",
    "build_app",
    "decode_cursor",
    "encode_cursor",
    "etag_of",
    "json_reply",
    "matches_none",
    "no_content",
    "path_id",
    "require_if_match",
    "serve",
    "tus_cors",
]
