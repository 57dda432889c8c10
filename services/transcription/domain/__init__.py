"""Rules of transcription. Pure: no I/O, no clock, no samples."""

from services.transcription.domain.cutter import FILE_RULES, WINDOW_MS, CutRules, Cutter, Span
from services.transcription.domain.errors import (
    ChunkSettledError,
    ChunkUnknownError,
    EngineError,
    FollowingFailedError,
    ModelError,
    NoSpeechError,
    RecordingExpiredError,
    RecordingGoneError,
    RecordingRemovedError,
    RecordingUnknownError,
)
from services.transcription.domain.language import (
    Guess,
    Sound,
    Tongue,
    main_language,
    settled_languages,
    tongues_of,
)
from services.transcription.domain.segments import HeardTurn, HeardWord, segments_of

__all__ = [
    "FILE_RULES",
    "WINDOW_MS",
    "ChunkSettledError",
    "ChunkUnknownError",
    "CutRules",
    "Cutter",
    "EngineError",
    "FollowingFailedError",
    "Guess",
    "HeardTurn",
    "HeardWord",
    "ModelError",
    "NoSpeechError",
    "RecordingExpiredError",
    "RecordingGoneError",
    "RecordingRemovedError",
    "RecordingUnknownError",
    "Sound",
    "Span",
    "Tongue",
    "main_language",
    "segments_of",
    "settled_languages",
    "tongues_of",
]
