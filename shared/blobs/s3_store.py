"""A bucket and the calls to it: in threads, with botocore's errors translated once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

from shared.blobs.port import BlobMissingError, BlobsUnavailableError
from shared.blobs.threads import in_thread
from shared.errors import StorageFullError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 16

MISSING_CODES = frozenset({"404", "NoSuchKey", "NotFound"})
"""Not NoSuchBucket: whoever looks in the wrong place knows nothing of what is missing there."""
_FULL_CODES = frozenset({"507", "InsufficientStorage", "XMinioStorageFull", "QuotaExceeded"})
_PAST_END_CODES = frozenset({"416", "InvalidRange"})
_UNSUPPORTED_CODES = frozenset({"501", "NotImplemented", "405", "MethodNotAllowed"})

P = ParamSpec("P")
T = TypeVar("T")


class PastEndError(Exception):
    """The range asked for begins after the object's last byte."""


class UnsupportedError(Exception):
    """This server does not know the operation."""


class S3Store:
    """One bucket of one server."""

    def __init__(
        self,
        *,
        bucket: str,
        endpoint: str | None,
        region: str,
        access_key: str | None,
        secret: str | None,
    ) -> None:
        self.bucket = bucket
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        # A session of our own: boto3's shared one is not made for threads.
        self.client: S3Client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": 4},
                max_pool_connections=THREADS,
                s3={"addressing_style": "path" if endpoint else "auto"},
                # Servers other than Amazon's know only the checksums they must.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    async def call(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the call's result, or raise one of our errors."""
        with _s3_errors():
            return await self.run(call, *args, **kwargs)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of local work done in this store's threads; its errors are its own."""
        return await in_thread(self._executor, call, *args, **kwargs)


@contextmanager
def _s3_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        raise _translated(str(exc.response.get("Error", {}).get("Code"))) from exc
    except (BotoCoreError, HTTPClientError, HTTPError, OSError) as exc:
        raise BlobsUnavailableError from exc


def _translated(code: str) -> Exception:
    if code in MISSING_CODES:
        return BlobMissingError()
    if code in _FULL_CODES:
        return StorageFullError()
    if code in _PAST_END_CODES:
        return PastEndError()
    if code in _UNSUPPORTED_CODES:
        return UnsupportedError()
    return BlobsUnavailableError(reason=code)
