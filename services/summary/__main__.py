"""Runs one summary service."""

from services.summary.app import main
from services.summary.settings import Settings
from shared.run import run
from shared.settings import load

if __name__ == "__main__":
    run(main(load(Settings)))
