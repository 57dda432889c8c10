from collections.abc import AsyncIterator

import pytest

from services.cli.events import SseEvent, parse_sse

pytestmark = pytest.mark.unit


async def lines(text: str) -> AsyncIterator[bytes]:
    for line in text.splitlines(keepends=True):
        yield line.encode()


async def parsed(text: str) -> list[SseEvent]:
    return [event async for event in parse_sse(lines(text))]


async def test_an_event_has_its_id_kind_and_data() -> None:
    assert await parsed("id: 7\nevent: fact\ndata: {}\n\n") == [
        SseEvent(id="7", event="fact", data=["{}"])
    ]


async def test_comments_keep_the_line_alive_and_say_nothing() -> None:
    assert await parsed(": still here\n\ndata: a\n\n: still here\n\n") == [SseEvent(data=["a"])]


async def test_an_event_that_is_cut_off_is_not_given() -> None:
    assert await parsed("data: a\n\nid: 8\ndata: b\n") == [SseEvent(data=["a"])]


async def test_several_data_lines_belong_together() -> None:
    assert (await parsed("data: a\ndata:  b\r\n\n"))[0].data == ["a", " b"]


async def test_an_id_with_a_nul_is_ignored() -> None:
    assert (await parsed("id: \0\ndata: a\n\n"))[0].id is None
