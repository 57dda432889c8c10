"""Opens the store an address names."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from shared.blobs.disk import DiskBlobs
from shared.blobs.port import Blobs
from shared.errors import InvalidError


class BlobUrlError(InvalidError):
    """TIDINGS_BLOB_URL must be file:///folder or s3://bucket/prefix?endpoint=http://host:port&region=name."""

    code = "blob-url"


def open_blobs(url: str, access_key: str | None = None, secret: str | None = None) -> Blobs:
    """Return the store; raise BlobUrlError for an address of no known kind.

    Without ``access_key`` the S3 body looks for credentials where AWS's own tools do.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return DiskBlobs(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        # boto3 takes a second to import; a store on disk does not need it.
        from shared.blobs.s3 import S3Blobs  # noqa: PLC0415
        from shared.blobs.s3_store import S3Store  # noqa: PLC0415

        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if options.keys() - {"endpoint", "region"}:
            raise BlobUrlError
        store = S3Store(
            bucket=parts.netloc,
            endpoint=options.get("endpoint"),
            region=options.get("region", "us-east-1"),
            access_key=access_key,
            secret=secret,
        )
        return S3Blobs(store, prefix=parts.path.strip("/"))
    raise BlobUrlError
