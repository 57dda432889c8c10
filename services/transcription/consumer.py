"""Binds each message to its use case."""

from services.transcription.usecases.note import Notes
from services.transcription.usecases.recognise import Recogniser
from services.transcription.usecases.tell_apart import Speakers
from shared.bus import Runner
from shared.contracts.messages import (
    RecordingCompleted,
    RecordingExpired,
    RecordingGrew,
    RecordingRefused,
    RecordingStarted,
    RetranscriptionRequest,
    SpeakersRequest,
    TeamChanged,
    UpdateRemoved,
)


def listen_to_recordings(runner: Runner, notes: Notes) -> None:
    """Keep what other services say about recordings."""
    runner.on(
        "transcription-follow",
        {
            RecordingStarted: notes.note_started,
            RecordingGrew: notes.note_grew,
            RecordingCompleted: notes.note_completed,
            RecordingRefused: notes.note_refused,
            RecordingExpired: notes.note_expired,
        },
    )
    runner.on("transcription-know-teams", {TeamChanged: notes.note_team})
    runner.on("transcription-renew", {RetranscriptionRequest: notes.note_renewal})
    runner.on("transcription-forget", {UpdateRemoved: notes.note_removed})


def tell_speakers(runner: Runner, speakers: Speakers) -> None:
    """Tell the voices of recordings apart, one recording at a time."""
    runner.on("transcription-tell-speakers", {SpeakersRequest: speakers.tell})


def take_chunks(runner: Runner, recogniser: Recogniser, *, max_batch: int, linger_s: float) -> None:
    """Recognise chunks, several at once."""
    runner.on_batch("transcription-recognise", recogniser.recognise, max_batch, linger_s)
