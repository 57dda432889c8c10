"""A media worker on a database and a folder of its own for each test."""

from pathlib import Path

import pytest

from shared.blobs import open_blobs
from tests.support.postgres import DatabaseFor
from tests.support.rendition_house import RenditionHouse


@pytest.fixture
async def house(database_for: DatabaseFor, tmp_path: Path) -> RenditionHouse:
    place = tmp_path / "work"
    place.mkdir()
    return RenditionHouse(
        database=await database_for("upload"),
        blobs=open_blobs(f"file://{tmp_path / 'blobs'}"),
        place=place,
    )
