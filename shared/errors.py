"""The one family of errors: a kind fixes what HTTP answers and what the bus does.

A class carries a stable kebab-case ``code``, an HTTP ``status`` and whether trying again can
help; its docstring is the default text a person reads. Services subclass the kinds in their
own ``domain.py``.
"""

from typing import ClassVar

Field = str | int | float | bool | None


class TidingsError(Exception):
    """Something went wrong on our side."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = True

    def __init__(self, detail: str | None = None, **fields: Field) -> None:
        """Keep the sentence for people (``detail``) apart from ``fields`` for programs."""
        self.detail = detail or " ".join((type(self).__doc__ or "").split())
        self.fields = fields
        super().__init__(self.detail)


class InvalidError(TidingsError):
    """The request cannot be understood or breaks a rule."""

    code = "invalid"
    status = 422
    retryable = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[tuple[str, str], ...] = (),
        **fields: Field,
    ) -> None:
        """Name each faulty field and its code in ``errors``: ``(("title", "too-long"),)``."""
        super().__init__(detail, **fields)
        self.errors = errors


class MalformedError(InvalidError):
    """The request is not well-formed."""

    code = "malformed"
    status = 400


class UnauthenticatedError(TidingsError):
    """Sign in, or send a valid token."""

    code = "unauthenticated"
    status = 401
    retryable = False


class DeniedError(TidingsError):
    """You may not do this."""

    code = "denied"
    status = 403
    retryable = False


class MissingError(TidingsError):
    """There is nothing here, or not for you."""

    code = "not-found"
    status = 404
    retryable = True


class GoneError(MissingError):
    """This was here once and has been removed."""

    code = "gone"
    status = 410


class ConflictError(TidingsError):
    """This is already done, or something else was faster."""

    code = "conflict"
    status = 409
    retryable = False


class StaleError(ConflictError):
    """Someone changed this in the meantime; fetch it again."""

    code = "stale"
    status = 412


class TooMuchError(TidingsError):
    """That is more than is allowed at the moment."""

    code = "too-much"
    status = 429
    retryable = True

    def __init__(
        self, detail: str | None = None, *, retry_after_s: float = 1.0, **fields: Field
    ) -> None:
        """Say in ``retry_after_s`` when trying again makes sense."""
        super().__init__(detail, **fields)
        self.retry_after_s = retry_after_s


class TooLargeError(InvalidError):
    """This is larger than allowed."""

    code = "too-large"
    status = 413


class UnavailableError(TidingsError):
    """Not possible right now; it is worth trying again."""

    code = "unavailable"
    status = 503
    retryable = True

    def __init__(
        self, detail: str | None = None, *, retry_after_s: float = 2.0, **fields: Field
    ) -> None:
        """Say in ``retry_after_s`` when trying again makes sense."""
        super().__init__(detail, **fields)
        self.retry_after_s = retry_after_s


class StorageFullError(UnavailableError):
    """There is no space left to store this."""

    code = "storage-full"
