"""``tidings get`` and ``tidings search``: what was said, out of the system."""

import sys
from pathlib import Path

from services.cli.api import Api, Json
from services.cli.exits import CommandError
from services.cli.output import Output

FORMATS = ("txt", "md", "vtt", "srt", "json")


async def get_transcript(
    api: Api, output: Output, update_id: str, *, form: str, to: Path | None
) -> None:
    """Write a transcript to stdout or a file; the file appears whole or not at all."""
    content = await api.fetch_bytes(f"/api/v1/updates/{update_id}/transcript", format=form)
    if to is None:
        sys.stdout.buffer.write(content)
        return
    save(content, to)
    output.result({"file": str(to), "size_bytes": len(content)}, str(to))


def save(content: bytes, to: Path) -> None:
    """Write a file through a draft beside it."""
    draft = to.with_name(f".{to.name}.part")
    try:
        draft.write_bytes(content)
        draft.replace(to)
    except OSError as exc:
        draft.unlink(missing_ok=True)
        raise CommandError(f"Cannot write {to}: {exc.strerror}.") from exc


async def search(
    api: Api, output: Output, words: str, *, team_id: str | None, thread_id: str | None, limit: int
) -> None:
    """List moments by thread, the best first."""
    shown = 0
    async for group in api.pages(
        "/api/v1/search", q=words, team_id=team_id, thread_id=thread_id, limit=min(limit, 100)
    ):
        if output.as_json:
            output.result(group)
        else:
            _show_group(output, group)
        shown += len(group["moments"])
        if shown >= limit:
            return
    if not shown:
        output.note("Nothing found.")


def _show_group(output: Output, group: Json) -> None:
    output.result({}, group["thread"]["title"])
    for moment in group["moments"]:
        name = moment["author"]["name"]
        snippet = " ".join("".join(part["text"] for part in moment["parts"]).split())
        line = f"  {clock(moment['start_ms'])}  {name}: {snippet}"
        output.result({}, line, f"         {moment['url']}")


def clock(ms: int | None) -> str:
    """Return a place in a recording as people write it, e.g. 1:02:03."""
    if ms is None:
        return "    -"
    seconds = ms // 1000
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds % 60:02}"
    return f"{minutes:2}:{seconds % 60:02}"
