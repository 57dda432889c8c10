"""Structured logs: constant text, values as fields, one line per event.

Speech, names of files and tokens never get in: keys that could hold them are dropped, and so are
values (paths, bytes, objects, texts of foreign exceptions) that could carry them unseen.
"""

import logging
import secrets
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import cast
from uuid import UUID

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from shared.errors import TidingsError
from shared.settings import CommonSettings, LogFormat

#: A key is refused when one of its words (split at ``_``) is here.
PRIVATE_WORDS = frozenset(
    {
        "authorization",
        "body",
        "claims",
        "comment",
        "cookie",
        "credential",
        "credentials",
        "email",
        "file",
        "filename",
        "gist",
        "headers",
        "key",
        "metadata",
        "password",
        "path",
        "payload",
        "phrase",
        "query",
        "quote",
        "secret",
        "segment",
        "segments",
        "sentence",
        "snippet",
        "speech",
        "statement",
        "statements",
        "stderr",
        "text",
        "title",
        "token",
        "transcript",
        "url",
        "word",
        "words",
    }
)
#: Texts of these come from code, not from what people said or sent.
SAFE_ERRORS = (TypeError, AttributeError, NameError, ImportError, RuntimeError, TidingsError)
#: Names that the logging machinery itself puts in.
OWN_KEYS = frozenset({"event", "exc_info", "_record", "_from_structlog"})
MAX_FRAMES = 30

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(service: str, settings: CommonSettings) -> None:
    """Send every log line of this process, those of libraries too, to stderr."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _bind(service, settings.instance),
        describe_error,
        drop_private,
        spell_out,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=32)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_hide_foreign_text, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tidings").setLevel(level)


def be_discreet() -> None:
    """Until ``configure`` is called: short lines on stderr that keep the same secrets.

    structlog's own default would print local variables, and with them what people said.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            describe_error,
            drop_private,
            spell_out,
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=32),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_StderrLoggers(),
        cache_logger_on_first_use=False,
    )


class _StderrLoggers:
    """Looks stderr up when a line is written: tests and daemons exchange it."""

    def __call__(self, *_: object) -> structlog.PrintLogger:
        return structlog.PrintLogger(sys.stderr)


def get() -> FilteringBoundLogger:
    """Return the logger: ``log.get().info("upload completed", upload_id=..., size_bytes=...)``."""
    return cast("FilteringBoundLogger", structlog.get_logger("tidings"))


def uncaught(error: BaseException) -> str:
    """Log an error nobody answers, once, with an id that can be told to a person; return the id."""
    error_id = secrets.token_hex(6)
    get().error("uncaught error", error_id=error_id, exc_info=error)
    return error_id


def drop_private(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Remove what could hold speech, names of files or tokens; name it under ``dropped``."""
    dropped = [
        name
        for name, value in event_dict.items()
        if name not in OWN_KEYS and (_is_private(name) or not _is_plain(value))
    ]
    for name in dropped:
        del event_dict[name]
    if dropped:
        event_dict["dropped"] = sorted(dropped)
    return event_dict


def _is_private(name: str) -> bool:
    words = name.lower().split("_")
    # Ids, sizes and counts say nothing: transcript_id, segment_count, file_bytes are welcome.
    return words[-1] not in {"id", "count", "bytes", "ms", "s"} and not PRIVATE_WORDS.isdisjoint(
        words
    )


def _is_plain(value: object) -> bool:
    if value is None or isinstance(value, str | int | float | UUID | date | datetime):
        return True
    if isinstance(value, Mapping):
        return all(
            isinstance(name, str) and not _is_private(name) and _is_plain(inner)
            for name, inner in value.items()
        )
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return all(_is_plain(inner) for inner in value)
    return isinstance(value, set | frozenset) and all(_is_plain(inner) for inner in value)


def spell_out(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Write ids and times as themselves, not as Python would show them."""
    for name, value in event_dict.items():
        if isinstance(value, UUID):
            event_dict[name] = str(value)
        elif isinstance(value, date | datetime):
            event_dict[name] = value.isoformat()
    return event_dict


def describe_error(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Replace ``exc_info`` by kind, code and places; foreign texts may quote what people said."""
    error = _error_of(event_dict.pop("exc_info", None))
    if error is None:
        return event_dict
    event_dict["error"] = describe(error)
    event_dict["places"] = _places(error)
    return event_dict


def describe(error: BaseException) -> str:
    """Return one line about an error that quotes no input."""
    if isinstance(error, BaseExceptionGroup):
        return f"{type(error).__name__}[{', '.join(describe(inner) for inner in error.exceptions)}]"
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(error, TidingsError):
        name = f"{name}({error.code})"
    elif isinstance(error, SAFE_ERRORS):
        name = f"{name}: {error}"
    elif isinstance(error, OSError) and error.strerror:
        name = f"{name}: {error.strerror}"
    elif isinstance(sqlstate, str):
        name = f"{name}({sqlstate})"
    cause = error.__cause__
    return f"{name} from {describe(cause)}" if cause is not None else name


def _places(error: BaseException) -> list[str]:
    """List where it happened, outermost first, the causes after their effects."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{module}:{trace.tb_lineno} {code.co_qualname}")
        trace = trace.tb_next
    inner: Sequence[BaseException] = (
        error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    )
    for below in (*inner, *((error.__cause__,) if error.__cause__ else ())):
        places.append("--")
        places.extend(_places(below))
    return places[-MAX_FRAMES:]


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast("ExcInfo", exc_info)[1]
    return sys.exc_info()[1] if exc_info else None


def _hide_foreign_text(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Keep a library's constant text; its arguments may quote a request or a path."""
    record: logging.LogRecord = event_dict["_record"]
    event_dict["event"] = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    event_dict["logger"] = record.name
    event_dict.pop("positional_args", None)
    return event_dict


def _bind(service: str, instance: str) -> Processor:
    def add(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
        event_dict.setdefault("service", service)
        event_dict.setdefault("instance", instance)
        return event_dict

    return add


be_discreet()
