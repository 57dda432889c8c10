"""Rules of comments: where in an update they may point. Pure."""

from shared.errors import InvalidError

TEXT_MAX = 5_000


class MomentOutsideError(InvalidError):
    """The moment lies outside the recording."""

    code = "moment-outside"


class ParentElsewhereError(InvalidError):
    """A reply answers a comment on the same update."""

    code = "parent-elsewhere"


def require_moment_inside(
    at_ms: int | None, *, is_recording: bool, duration_ms: int | None
) -> None:
    """Let a comment point at a moment of a recording, as far as its length is known."""
    if at_ms is None:
        return
    if not is_recording or (duration_ms is not None and at_ms > duration_ms):
        raise MomentOutsideError(errors=(("at_ms", "moment-outside"),))
