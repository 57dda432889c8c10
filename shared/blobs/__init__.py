"""Bytes too large for tables and messages, kept under keys on disk (`file:`) or in S3 (`s3:`)."""

from shared.blobs.opening import open_blobs
from shared.blobs.port import BlobInfo, BlobKeyError, BlobMissingError, Blobs, BlobsUnavailableError

__all__ = [
    "BlobInfo",
    "BlobKeyError",
    "BlobMissingError",
    "Blobs",
    "BlobsUnavailableError",
    "open_blobs",
]
