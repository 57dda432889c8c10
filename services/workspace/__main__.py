"""Starts the workspace as its settings say."""

from services.workspace.app import SERVICE, main
from services.workspace.settings import Settings
from shared import log, telemetry
from shared.run import run
from shared.settings import load

if __name__ == "__main__":
    settings = load(Settings)
    log.configure(SERVICE, settings)
    telemetry.configure(SERVICE, settings)
    try:
        run(main(settings))
    finally:
        telemetry.stop()
