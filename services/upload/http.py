"""tus 1.0.0 under /files, finished media under /media: parse, call one use case, shape the reply.

Locations are relative references, so they hold behind any proxy and path prefix. A media address
carries its own token; who may see the media was decided by whoever signed it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Final, TypeVar
from urllib.parse import quote
from uuid import UUID
from wsgiref.handlers import format_date_time

from aiohttp import ClientPayloadError, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.upload import domain
from services.upload.domain import (
    BodyCutError,
    ChecksumMismatchError,
    MediaNotFoundError,
    OffsetMismatchError,
    Permit,
    TokenMissingError,
    Upload,
    UploadNotFoundError,
    UploadState,
    VersionUnsupportedError,
)
from services.upload.ranges import ByteRange, parse_range
from services.upload.serving import Gallery, Media
from services.upload.usecases import Append, Uploads
from shared.errors import TidingsError
from shared.http.errors import MethodNotAllowedError, RangeError, UnsupportedMediaTypeError
from shared.http.problems import problem_reply
from shared.http.routes import QUERY, REQUEST_ID, Access, RateClass, Route, matches_none, path_id
from shared.http.tokens import TokenInvalidError, TokenVerifier

PATCH_TYPE: Final = "application/offset+octet-stream"
FILES: Final = "/files"
MEDIA_CACHE: Final = "private, max-age=86400, immutable"
SUFFIXES: Final = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mp4": "m4a",
    "image/jpeg": "jpg",
    "application/json": "json",
}
TUS_HEADERS: Final = {
    "Tus-Resumable": "The protocol's version, 1.0.0.",
    "Authorization": "Bearer and the upload's token.",
}

ModelT = TypeVar("ModelT", bound=BaseModel)


class UploadClaims(BaseModel):
    """What an upload token says."""

    model_config = ConfigDict(frozen=True)

    team_id: UUID
    thread_id: UUID
    update_id: UUID
    recording_id: UUID
    member_id: UUID
    language: str | None = None
    max_bytes: int = Field(gt=0)
    max_seconds: int = Field(gt=0)


class MediaClaims(BaseModel):
    """What a media token says."""

    model_config = ConfigDict(frozen=True)

    recording_id: UUID
    kind: str = Field(description="One kind of media, or * for all of the recording's.")


class MediaQuery(BaseModel):
    """How media is asked for."""

    token: str = Field("", description="Signed permission to see it.")
    download: bool = Field(default=False, description="1: to be saved, not shown.")


class UploadHttp:
    """Handlers of the upload service and their rows of the route table."""

    def __init__(
        self, *, uploads: Uploads, gallery: Gallery, tokens: TokenVerifier, max_bytes: int
    ) -> None:
        self._uploads = uploads
        self._gallery = gallery
        self._tokens = tokens
        self._max_bytes = max_bytes

    def routes(self) -> tuple[Route, ...]:
        """Return the route table."""
        one = FILES + "/{recording_id}"
        gone = (domain.UploadTerminatedError, domain.UploadExpiredError)
        refused = (UploadNotFoundError, *gone, VersionUnsupportedError)
        return (
            _tus("OPTIONS", FILES, self.get_abilities, "What this server speaks", Access.PUBLIC),
            _tus("OPTIONS", one, self.get_abilities, "What this server speaks", Access.PUBLIC),
            _tus(
                "POST", FILES, self.create_upload, "Open the upload the token names", errors=refused
            ),
            _tus("HEAD", one, self.get_offset, "How much has arrived", errors=refused),
            _tus(
                "PATCH",
                one,
                self.append_bytes,
                "Append bytes",
                errors=(*refused, OffsetMismatchError, ChecksumMismatchError),
            ),
            _tus(
                "DELETE", one, self.terminate_upload, "Discard an unfinished upload", errors=refused
            ),
            _tus(
                "POST", one, self.override_method, "PATCH, HEAD or DELETE for clients without them"
            ),
            Route(
                method="GET",
                path="/media/{recording_id}/{kind}",
                handler=self.get_media,
                summary="A recording to play, draw or save; ranges are understood",
                tag="media",
                operation_id="getMedia",
                access=Access.SIGNED,
                rate=RateClass.UNLIMITED,
                query=MediaQuery,
                responses={
                    200: "application/octet-stream",
                    206: "application/octet-stream",
                    304: None,
                },
                errors=(MediaNotFoundError, RangeError),
                headers={"Range": "bytes=first-last, or bytes=-last for the end."},
            ),
        )

    # --- tus ------------------------------------------------------------

    async def get_abilities(self, _: web.Request) -> web.Response:
        """Say which protocol, extensions and limits hold here."""
        return web.Response(
            status=204,
            headers={
                "Tus-Version": domain.TUS_VERSION,
                "Tus-Extension": ",".join(domain.TUS_EXTENSIONS),
                "Tus-Max-Size": str(self._max_bytes),
                "Tus-Checksum-Algorithm": ",".join(domain.CHECKSUM_ALGORITHMS),
            },
        )

    async def create_upload(self, request: web.Request) -> web.Response:
        """Open an upload and take the bytes that come along, if any."""
        _check_version(request)
        permit = self._permit(request)
        headers = request.headers
        length = domain.parse_length(
            headers.get("Upload-Length"), headers.get("Upload-Defer-Length")
        )
        metadata = headers.get("Upload-Metadata", "")
        domain.parse_metadata(metadata)
        if request.body_exists:
            _check_content_type(request)
        upload = await self._uploads.open(permit, length=length, metadata=metadata)
        if request.body_exists and upload.offset_bytes == 0:
            append = _append(request, offset=0, length=None)
            upload = await self._uploads.append(permit, upload.recording_id, append)
        location = f"{FILES.rpartition('/')[2]}/{upload.recording_id}"
        return web.Response(status=201, headers={"Location": location, **_standing(upload)})

    async def get_offset(self, request: web.Request) -> web.Response:
        """Say how much is stored."""
        _check_version(request)
        upload = await self._uploads.look(self._permit(request), _recording_id(request))
        headers = {"Cache-Control": "no-store", **_standing(upload)}
        if upload.length_bytes is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(upload.length_bytes)
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return web.Response(status=200, headers=headers)

    async def append_bytes(self, request: web.Request) -> web.Response:
        """Append the body."""
        _check_version(request)
        permit = self._permit(request)
        _check_content_type(request)
        offset = request.headers.get("Upload-Offset", "")
        length = request.headers.get("Upload-Length")
        append = _append(
            request,
            offset=domain.parse_number("Upload-Offset", offset),
            length=None if length is None else domain.parse_number("Upload-Length", length),
        )
        upload = await self._uploads.append(permit, _recording_id(request), append)
        return web.Response(status=204, headers=_standing(upload))

    async def terminate_upload(self, request: web.Request) -> web.Response:
        """Discard an upload."""
        _check_version(request)
        await self._uploads.terminate(self._permit(request), _recording_id(request))
        return web.Response(status=204)

    async def override_method(self, request: web.Request) -> web.Response:
        """Do what X-HTTP-Method-Override says."""
        handlers: Mapping[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "PATCH": self.append_bytes,
            "HEAD": self.get_offset,
            "DELETE": self.terminate_upload,
        }
        handler = handlers.get(request.headers.get("X-HTTP-Method-Override", "").upper())
        if handler is None:
            raise MethodNotAllowedError
        return await handler(request)

    def _permit(self, request: web.Request) -> Permit:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenMissingError
        claims = self._claims(UploadClaims, token.strip(), "upload")
        return Permit(
            team_id=claims.team_id,
            thread_id=claims.thread_id,
            update_id=claims.update_id,
            recording_id=claims.recording_id,
            member_id=claims.member_id,
            language=claims.language,
            max_bytes=min(claims.max_bytes, self._max_bytes),
            max_seconds=claims.max_seconds,
        )

    def _claims(self, model: type[ModelT], token: str, audience: str) -> ModelT:
        try:
            return model.model_validate(self._tokens.verify(token, audience))
        except ValidationError:
            # Signed, but for something else: nothing a caller should learn more about.
            raise TokenInvalidError from None

    # --- media ------------------------------------------------------------

    async def get_media(self, request: web.Request) -> web.StreamResponse:
        """Give media, whole or the range asked for."""
        recording_id, kind = _recording_id(request), request.match_info["kind"]
        query: MediaQuery = request[QUERY]
        if not query.token:
            raise TokenMissingError
        claims = self._claims(MediaClaims, query.token, "media")
        if claims.recording_id != recording_id or claims.kind not in (kind, "*"):
            raise MediaNotFoundError
        media = await self._gallery.find(recording_id, kind)
        etag = f'"{media.digest[:32]}"'
        headers = {"ETag": etag, "Cache-Control": MEDIA_CACHE, "Accept-Ranges": "bytes"}
        if matches_none(request, etag):
            return web.Response(status=304, headers=headers)
        headers |= _disposition(media, recording_id, kind, download=query.download)
        try:
            span = parse_range(_range_header(request, etag), media.size_bytes)
        except RangeError as refusal:
            reply = problem_reply(refusal, request[REQUEST_ID])
            reply.headers["Content-Range"] = f"bytes */{media.size_bytes}"
            return reply
        return await self._send(request, media, span, headers)

    async def _send(
        self, request: web.Request, media: Media, span: ByteRange | None, headers: dict[str, str]
    ) -> web.StreamResponse:
        start, end = (span.start, span.end) if span else (0, media.size_bytes)
        response = web.StreamResponse(status=206 if span else 200, headers=headers)
        response.content_type = media.media_type
        response.content_length = end - start
        if span:
            response.headers["Content-Range"] = span.content_range
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        async with aclosing(self._gallery.read(media, start, end)) as pieces:
            # A blob that is missing must show before the status is sent.
            first = await anext(pieces, b"")
            await response.prepare(request)
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        await response.write_eof()
        return response


async def add_tus_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say the protocol's version on everything under /files, refusals included."""
    if request.path == FILES or request.path.startswith(f"{FILES}/"):
        response.headers["Tus-Resumable"] = domain.TUS_VERSION
        if response.status == VersionUnsupportedError.status:
            response.headers["Tus-Version"] = domain.TUS_VERSION


def _tus(
    method: str,
    path: str,
    handler: Callable[[web.Request], Awaitable[web.Response]],
    summary: str,
    access: Access = Access.SIGNED,
    *,
    errors: tuple[type[TidingsError], ...] = (),
) -> Route:
    name = getattr(handler, "__name__", "").replace("_", " ").title().replace(" ", "")
    on_all = "OfAll" if method == "OPTIONS" and path == FILES else ""
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        tag="uploads",
        operation_id=name[0].lower() + name[1:] + on_all,
        access=access,
        rate=RateClass.ORDINARY if path == FILES else RateClass.UNLIMITED,
        responses={{"POST": 201, "HEAD": 200}.get(method, 204): None},
        errors=errors,
        headers=TUS_HEADERS if access is Access.SIGNED else {},
        raw_body=PATCH_TYPE if method in ("PATCH", "POST") else None,
    )


def _append(request: web.Request, *, offset: int, length: int | None) -> Append:
    checksum = request.headers.get("Upload-Checksum")
    return Append(
        offset=offset,
        length=length,
        checksum=None if checksum is None else domain.parse_checksum(checksum),
        body=_body(request),
        body_bytes=request.content_length if request.body_exists else 0,
    )


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    try:
        # As they came from the line: `iter_any` would join them, only to be cut into parts again.
        async for piece, _ in request.content.iter_chunks():
            if piece:
                yield piece
    except (ConnectionError, ClientPayloadError, web.RequestPayloadError) as exc:
        raise BodyCutError from exc


def _standing(upload: Upload) -> dict[str, str]:
    headers = {"Upload-Offset": str(upload.offset_bytes)}
    if upload.state is UploadState.ARRIVING:
        headers["Upload-Expires"] = format_date_time(upload.expires_at.timestamp())
    return headers


def _check_version(request: web.Request) -> None:
    if request.headers.get("Tus-Resumable") != domain.TUS_VERSION:
        raise VersionUnsupportedError


def _check_content_type(request: web.Request) -> None:
    if request.content_type != PATCH_TYPE or "Content-Encoding" in request.headers:
        raise UnsupportedMediaTypeError(
            f"Bytes of an upload are sent as {PATCH_TYPE}, not encoded."
        )


def _recording_id(request: web.Request) -> UUID:
    return path_id(request, "recording_id")


def _range_header(request: web.Request, etag: str) -> str | None:
    """Return Range unless If-Range says the client holds part of something else."""
    if request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    return request.headers.get("Range")


def _disposition(media: Media, recording_id: UUID, kind: str, *, download: bool) -> dict[str, str]:
    """Say whether to save it, and under which name. What nobody probed is never shown."""
    if not download and media.name is None and media.media_type in SUFFIXES:
        return {"Content-Disposition": "inline"}
    suffix = SUFFIXES.get(media.media_type, "bin")
    plain = f"{kind}-{str(recording_id)[-12:]}.{suffix}"
    named = f"; filename*=UTF-8''{quote(media.name, safe='')}" if media.name else ""
    return {"Content-Disposition": f'attachment; filename="{plain}"{named}'}
