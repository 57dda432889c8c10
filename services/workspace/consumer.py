"""Which fact of another service goes to which verb. One durable consumer per kind of fact."""

from collections.abc import Mapping

from services.workspace.projections.usecases import Keeper
from shared.bus import Handler
from shared.contracts import messages as m


def handlers(keeper: Keeper) -> Mapping[str, Mapping[type[m.Message], Handler]]:
    """Return the handlers by durable name, as the runner wants them."""
    return {
        "workspace-follow-recordings": {
            m.RecordingStarted: keeper.keep_started,
            m.RecordingCompleted: keeper.keep_completed,
            m.RecordingReady: keeper.keep_ready,
            m.RecordingRefused: keeper.keep_refused,
            m.RecordingExpired: keeper.keep_expired,
        },
        "workspace-keep-transcripts": {
            m.TranscriptGrew: keeper.keep_growth,
            m.TranscriptCompleted: keeper.keep_transcript,
            m.TranscriptFailed: keeper.keep_failure,
        },
        "workspace-keep-summaries": {m.SummaryCompleted: keeper.keep_summary},
    }
