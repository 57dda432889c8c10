"""`python -m services.standalone`: runs everything until Ctrl-C. `tidings up` turns into it."""

import asyncio
import sys

from services.standalone.app import up
from services.standalone.settings import StandaloneSettings
from shared.errors import TidingsError
from shared.settings import load


def main() -> int:
    """Return 1 after one sentence when something stands in the way, 0 when all went well.

    A wrong setting ends the process with status 78 (`shared.settings.load`).
    """
    settings = load(StandaloneSettings)
    try:
        asyncio.run(up(settings))
    except TidingsError as exc:
        sys.stderr.write(f"tidings: {exc.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
