"""Starts one process of the upload service, as its settings say."""

import os

from services.upload.app import main
from services.upload.settings import Role, Settings
from shared import log, telemetry
from shared.run import run
from shared.settings import load

MODESTY = 5
"""Words come first: a recording is made playable while its last ones are being recognised."""

if __name__ == "__main__":
    settings = load(Settings)
    if settings.role is Role.MEDIA:
        os.nice(MODESTY)
    log.configure("upload", settings)
    telemetry.configure("upload", settings)
    try:
        run(main(settings))
    finally:
        telemetry.stop()
