"""What can go wrong in transcription, beside what `shared.media` says about a recording itself."""

from shared.errors import ConflictError, MissingError, TidingsError


class ModelError(TidingsError):
    """The speech model is missing or damaged."""

    code = "model-unavailable"
    retryable = False


class EngineError(TidingsError):
    """This recording could not be transcribed: the speech engine failed on a part of it."""

    code = "engine-failed"


class FollowingFailedError(TidingsError):
    """This recording could not be transcribed: listening to it failed again and again."""

    code = "transcription-failed"


class NoSpeechError(TidingsError):
    """Nothing was said in this recording, or nothing that could be understood."""

    code = "no-speech-found"


class RecordingExpiredError(TidingsError):
    """The recording never arrived completely."""

    code = "recording-expired"


class RecordingGoneError(TidingsError):
    """The bytes of the recording are not here to be heard again."""

    code = "recording-gone"


class RecordingUnknownError(MissingError):
    """There is no such recording, or not yet."""

    code = "recording-unknown"


class RecordingRemovedError(ConflictError):
    """The recording was removed meanwhile; nobody wants its words."""

    code = "recording-removed"


class ChunkUnknownError(MissingError):
    """There is no such recording, or not yet."""

    code = "chunk-not-found"


class ChunkSettledError(ConflictError):
    """Nobody waits for this chunk any more."""

    code = "chunk-settled"
