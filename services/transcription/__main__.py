"""Runs one follower or one recogniser, as ``TIDINGS_TRANSCRIPTION_ROLE`` says."""

from services.transcription.app import main
from services.transcription.settings import Settings
from shared.run import run
from shared.settings import load

if __name__ == "__main__":
    run(main(load(Settings)))
