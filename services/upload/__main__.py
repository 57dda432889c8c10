"""Starts one process of the upload service, as its settings say."""

from services.upload.app import main
from services.upload.settings import Settings
from shared import log, telemetry
from shared.run import run
from shared.settings import load

if __name__ == "__main__":
    settings = load(Settings)
    log.configure("upload", settings)
    telemetry.configure("upload", settings)
    try:
        run(main(settings))
    finally:
        telemetry.stop()
