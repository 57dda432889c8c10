"""The built page: one document for all its addresses, and assets named after their content."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from shared.errors import MissingError, UnavailableError

DIST = Path(__file__).parents[1] / "page" / "dist"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
NONCE_PLACE = "__NONCE__"
_FOREVER = "public, max-age=31536000, immutable"
_ELSEWHERE = ("//", "/\\")


class PageMissingError(UnavailableError):
    """The page has not been built here; `make setup` builds it."""

    code = "page-not-built"


class AssetMissingError(MissingError):
    """The page has no such file; it may be from an older version: reload."""

    code = "asset-missing"


def document_reply(upload_public_url: str, dist: Path = DIST) -> web.Response:
    """Return the page's document. Its policy allows our own scripts and the upload service."""
    try:
        text = (dist / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PageMissingError from None
    nonce = secrets.token_urlsafe(16)
    headers = {
        "Content-Security-Policy": policy(upload_public_url, nonce),
        "Cache-Control": "no-cache",
    }
    return web.Response(
        text=text.replace(NONCE_PLACE, nonce), content_type="text/html", headers=headers
    )


def asset_reply(name: str, dist: Path = DIST) -> web.FileResponse:
    """Return an asset, compressed if it was and the browser can read that."""
    path = dist / "assets" / name
    media_type = MEDIA_TYPES.get(path.suffix)
    if path.name != name or media_type is None or not path.is_file():
        raise AssetMissingError
    headers = {"Cache-Control": _FOREVER, "Content-Type": f"{media_type}; charset=utf-8"}
    return web.FileResponse(path, headers=headers)


def policy(upload_public_url: str, nonce: str) -> str:
    """Return what the page may load. The nonce is for styles the player makes in its elements."""
    parts = urlsplit(upload_public_url)
    upload = f"{parts.scheme}://{parts.netloc}"
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": f"'self' data: {upload}",
        "media-src": f"'self' blob: {upload}",
        "connect-src": f"'self' {upload}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def local_path(wanted: str) -> str:
    """Return an address of this site to go on to; anything that leads elsewhere becomes home."""
    if not wanted.startswith("/") or wanted.startswith(_ELSEWHERE) or not wanted.isprintable():
        return "/"
    return wanted
