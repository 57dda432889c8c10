"""Why media cannot be used. Each class has a stable code and a sentence a manager understands."""

from shared.errors import InvalidError


class MediaError(InvalidError):
    """This recording cannot be used."""

    code = "media-unusable"


class MediaEmptyError(MediaError):
    """The recording is empty: it holds no sound and no picture."""

    code = "media-empty"


class MediaUnreadableError(MediaError):
    """This is not an audio or video file that Tidings can read, or it is too damaged."""

    code = "media-unreadable"


class MediaHasNoAudioError(MediaError):
    """The recording has no sound, so there is nothing to transcribe."""

    code = "media-has-no-audio"


class MediaTooLongError(MediaError):
    """The recording is longer than allowed."""

    code = "media-too-long"


class MediaPictureTooLargeError(MediaError):
    """The picture of this video is larger than Tidings can handle."""

    code = "media-picture-too-large"


class MediaTooManyTracksError(MediaError):
    """The file holds more tracks than a recording can have."""

    code = "media-too-many-tracks"


class MediaTookTooLongError(MediaError):
    """Working on this recording took far longer than its length explains, so it was stopped."""

    code = "media-took-too-long"


class MediaOutputTooLargeError(MediaError):
    """Working on this recording made far more data than its length explains, so it was stopped."""

    code = "media-output-too-large"
