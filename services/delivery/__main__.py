"""Starts delivery as its settings say."""

from services.delivery.app import SERVICE, main
from services.delivery.settings import Settings
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
