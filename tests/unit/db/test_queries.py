"""Reading queries.sql."""

from pathlib import Path

import pytest

from shared.db import load_queries

pytestmark = pytest.mark.unit

GOOD = """\
-- Statements of the example service.

-- name: claim_part
-- Takes the next part that nobody works on.
SELECT id
FROM parts; -- the table

-- name: drop_part
-- Removes a part.
-- It has one row at most.
DELETE FROM parts WHERE id = $1;
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "queries.sql"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_query_is_found_by_its_name(tmp_path: Path) -> None:
    queries = load_queries(_write(tmp_path, GOOD))
    assert list(queries) == ["claim_part", "drop_part"]
    assert queries["claim_part"] == "SELECT id\nFROM parts; -- the table"
    assert queries["drop_part"].endswith("DELETE FROM parts WHERE id = $1")


def test_an_unknown_name_tells_which_file_lacks_it(tmp_path: Path) -> None:
    queries = load_queries(_write(tmp_path, GOOD))
    with pytest.raises(KeyError, match=r"queries\.sql has no query named 'claim_parts'"):
        queries["claim_parts"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1;\n", "before the first"),
        ("-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;\n", "repeated"),
        ("-- name: ClaimPart\n-- One.\nSELECT 1;\n", "lower_case"),
        ("-- name: a\nSELECT 1;\n", "needs a '-- sentence'"),
        ("-- name: a\n-- Only words.\n", "needs a '-- sentence'"),
        ("-- name: a\n-- Only words.\n-- And more.\n", "needs a '-- sentence'"),
    ],
)
def test_a_careless_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load_queries(_write(tmp_path, text))
