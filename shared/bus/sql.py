"""The bus's own statements: outbox and inbox, in whichever service's schema the connection sees."""

from pathlib import Path
from typing import Final

from shared.db import load_queries

QUERIES: Final = load_queries(Path(__file__).with_name("queries.sql"))
