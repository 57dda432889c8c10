"""Binds each message to its use case."""

from services.summary.usecases import Summaries
from shared.bus import Runner
from shared.contracts import messages as m


def listen(runner: Runner, summaries: Summaries) -> None:
    """Hear of what was said and written, and of what was removed."""
    runner.on(
        "summary-write",
        {
            m.UpdatePosted: summaries.on_posted,
            m.TranscriptCompleted: summaries.on_transcribed,
        },
    )
    runner.on("summary-forget", {m.UpdateRemoved: summaries.on_removed})
