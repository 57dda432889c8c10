"""Every format keeps every word in order; captions are strict WebVTT and SubRip."""

import html
import json
import re
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.workspace.transcripts.captions import (
    LINE_CHARACTERS,
    LINES,
    LONGEST_MS,
    PAUSE_MS,
    Cue,
    cut_cues,
)
from services.workspace.transcripts.domain import StoredSegment, StoredTranscript, StoredWord
from services.workspace.transcripts.formats import (
    MEDIA_TYPES,
    Format,
    TranscriptHasNoTimesError,
    render,
    to_srt,
    to_vtt,
)
from shared.contracts.transcript import Segment, Word

pytestmark = pytest.mark.unit

UPDATE = UUID("01890000-0000-7000-8000-000000000001")
ADDRESS = "http://localhost:8080/updates/01890000-0000-7000-8000-000000000001"
_VTT_TIME = re.compile(r"^(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})$")

spoken_words = st.text(
    alphabet="abcäß今日🙂<>&-#*_[]()`\\.!?,;\"'|~$019+=", min_size=1, max_size=12
)


def timed(
    *sentences: str, start_ms: int = 0, word_ms: int = 300, pause_ms: int = 0
) -> StoredTranscript:
    """Return a transcript whose words follow each other without gaps."""
    segments = []
    for number, sentence in enumerate(sentences):
        words = []
        for text in sentence.split():
            words.append(
                StoredWord(
                    start_ms=start_ms, end_ms=start_ms + word_ms, text=f" {text}", confidence=0.9
                )
            )
            start_ms += word_ms
        segments.append(
            StoredSegment(
                id=number,
                start_ms=words[0].start_ms,
                end_ms=words[-1].end_ms,
                text=sentence,
                language="en",
                confidence=0.9,
                words=tuple(words),
            )
        )
        start_ms += pause_ms
    return transcript_of(*segments)


def transcript_of(*segments: StoredSegment, title: str = "Weekly update") -> StoredTranscript:
    return StoredTranscript(
        update_id=UPDATE,
        title=title,
        address=ADDRESS,
        state="complete",
        language="en",
        duration_ms=60_000,
        segments=segments,
        gist=("We ship on Friday.",),
    )


@st.composite
def transcripts(draw: st.DrawFn) -> StoredTranscript:
    """Any transcript, also one whose engine gave words backwards, double or not at all."""
    segments = []
    for number in range(draw(st.integers(0, 6))):
        texts = draw(st.lists(spoken_words, min_size=1, max_size=30))
        times = draw(
            st.lists(st.integers(0, 90_000), min_size=2 * len(texts), max_size=2 * len(texts))
        )
        if draw(st.booleans()):
            times.sort()
        words = tuple(
            StoredWord(
                start_ms=times[2 * i], end_ms=times[2 * i + 1], text=" " + text, confidence=0.5
            )
            for i, text in enumerate(texts)
        )
        segments.append(
            StoredSegment(
                id=number,
                start_ms=min(times),
                end_ms=max(times),
                text=" ".join(texts),
                language="en",
                confidence=0.5,
                speaker=draw(st.sampled_from([None, "Anna", "B & <C>"])),
                words=words if draw(st.booleans()) else (),
            )
        )
    return transcript_of(*segments)


def all_words(transcript: StoredTranscript) -> list[str]:
    return [word for segment in transcript.segments for word in segment.text.split()]


def parsed_vtt(text: str) -> list[tuple[int, int, list[str]]]:
    """Parse strictly: header, blank line, then cues of a timing line and text without markup."""
    assert "\x00" not in text
    assert text.endswith("\n")
    head, *blocks = text.rstrip("\n").split("\n\n")
    assert head == "WEBVTT"
    cues = []
    for block in blocks:
        timing, *lines = block.split("\n")
        assert lines, "a cue without text"
        start, arrow, end = timing.split(" ")
        assert arrow == "-->"
        shown = []
        for raw in lines:
            line = re.sub(r"^<v [^<>\n]+>", "", raw)
            assert "-->" not in line
            assert not re.search(r"[<>]", line), "unescaped markup"
            assert not re.search(r"&(?!amp;|lt;|gt;)", line), "unescaped ampersand"
            shown.append(line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        cues.append((vtt_ms(start), vtt_ms(end), shown))
    return cues


def vtt_ms(text: str) -> int:
    match = _VTT_TIME.match(text)
    assert match, text
    hours, minutes, seconds, thousandths = (int(part) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


@settings(deadline=None, max_examples=60)
@given(transcripts())
def test_captions_keep_every_word_and_never_overlap(transcript: StoredTranscript) -> None:
    cues = parsed_vtt(render(transcript, Format.VTT))
    shown = [word for _, _, lines in cues for line in lines for word in line.split()]
    assert shown == all_words(transcript)
    free_from_ms = 0
    for start_ms, end_ms, lines in cues:
        assert free_from_ms <= start_ms < end_ms
        assert len(lines) <= LINES
        free_from_ms = end_ms


@settings(deadline=None, max_examples=60)
@given(transcripts())
def test_caption_lines_are_short_unless_one_word_is_longer(transcript: StoredTranscript) -> None:
    for cue in cut_cues(transcript.segments):
        assert all(len(line) <= LINE_CHARACTERS or " " not in line for line in cue.lines)
        assert cue.end_ms - cue.start_ms <= LONGEST_MS


@settings(deadline=None, max_examples=60)
@given(transcripts())
def test_text_formats_keep_every_word_in_order(transcript: StoredTranscript) -> None:
    plain = render(transcript, Format.TXT, speakers=False)
    assert plain.split() == all_words(transcript)
    data = json.loads(render(transcript, Format.JSON))
    assert data["text"].split() == all_words(transcript)
    assert [w for s in data["segments"] for w in s["text"].split()] == all_words(transcript)
    unescaped = re.sub(r"\\([\\`*_\[\]<>|~&$!#.)+=-])", r"\1", render(transcript, Format.MD))
    body = " ".join(unescaped.split("\n\n")[2:])
    for speaker in ("Anna", "B & <C>"):
        body = body.replace(f"**{speaker}:** ", "")
    body = re.sub(rf"\[\d+:\d\d\]\({re.escape(ADDRESS)}\?t=\d+\) ", "", body)
    assert body.split() == all_words(transcript)


@settings(deadline=None, max_examples=60)
@given(transcripts())
def test_subrip_is_numbered_and_says_what_webvtt_says(transcript: StoredTranscript) -> None:
    cues = cut_cues(transcript.segments)
    blocks = [block for block in to_srt(cues).split("\n\n") if block]
    assert [block.split("\n")[0] for block in blocks] == [str(n + 1) for n in range(len(cues))]
    for block, (start_ms, end_ms, _) in zip(blocks, parsed_vtt(to_vtt(cues)), strict=True):
        start, end = block.split("\n")[1].split(" --> ")
        assert (vtt_ms(start.replace(",", ".")), vtt_ms(end.replace(",", "."))) == (
            start_ms,
            end_ms,
        )
        assert "-->" not in block.split("\n", 2)[2]


def test_caption_ends_with_the_sentence() -> None:
    first = "We ship the new search on Friday morning."
    second = "After that everybody may rest for a while in the sun."
    cues = cut_cues(timed(f"{first} {second}").segments)
    assert [" ".join(cue.lines) for cue in cues] == [first, second]


def test_caption_does_not_stay_through_a_long_silence() -> None:
    words = (
        StoredWord(start_ms=0, end_ms=400, text="First", confidence=1),
        StoredWord(start_ms=400 + PAUSE_MS, end_ms=2_400, text="second", confidence=1),
    )
    segment = StoredSegment(
        id=0, start_ms=0, end_ms=2_400, text="First second", language="en", words=words
    )
    assert [(cue.start_ms, cue.end_ms) for cue in cut_cues([segment])] == [
        (0, 1_000),
        (1_600, 2_600),
    ]


def test_two_lines_are_balanced() -> None:
    (cue,) = cut_cues(
        timed("The migration of the database will take us two days", word_ms=200).segments
    )
    assert cue.lines == ("The migration of the database", "will take us two days")


def test_text_without_spaces_is_broken_between_words() -> None:
    texts = ["今日は"] * 30
    words = tuple(
        StoredWord(start_ms=i * 200, end_ms=i * 200 + 200, text=text, confidence=1)
        for i, text in enumerate(texts)
    )
    segment = StoredSegment(
        id=0, start_ms=0, end_ms=6_000, text="".join(texts), language="ja", words=words
    )
    cues = cut_cues([segment])
    assert "".join(line for cue in cues for line in cue.lines) == "".join(texts)
    assert all(len(line) <= LINE_CHARACTERS for cue in cues for line in cue.lines)


def test_spoken_markup_stays_text_in_captions() -> None:
    text = "<v Boss> a --> b & <script>"
    shown = to_vtt([Cue(start_ms=0, end_ms=1_000, lines=(text,))])
    assert html.unescape(shown.split("\n")[3]) == text
    assert "<script>" not in shown


def test_captions_in_another_language_say_which() -> None:
    cues = [
        Cue(start_ms=0, end_ms=900, lines=("Good morning",), language="en"),
        Cue(start_ms=900, end_ms=1_900, lines=("goedemorgen",), language="nl", speaker="Wim"),
    ]
    shown = to_vtt(cues, "en").split("\n")
    assert (shown[3], shown[6]) == ("Good morning", "<v Wim><lang nl>goedemorgen</lang>")


def test_spoken_markup_stays_text_in_markdown() -> None:
    page = render(timed("# [x](javascript:alert) <b>"), Format.MD)
    assert r"\# \[x\](javascript:alert) \<b\>" in page
    assert page.startswith("# Weekly update\n\n> We ship on Friday.\n\n[0:00](")


def test_markdown_of_a_written_update_cannot_start_a_list() -> None:
    segment = StoredSegment(id=0, start_ms=None, end_ms=None, text="1. First", language="en")
    assert render(transcript_of(segment), Format.MD).endswith("\n\n1\\. First\n")


def test_markdown_paragraphs_link_to_their_moment() -> None:
    page = render(timed("First part.", "Second part.", start_ms=83_500, pause_ms=5_000), Format.MD)
    assert f"[1:23]({ADDRESS}?t=83) First part." in page
    assert f"[1:29]({ADDRESS}?t=89) Second part." in page


def test_plain_text_tells_times_and_speakers_when_asked() -> None:
    segments = [
        StoredSegment(id=0, start_ms=0, end_ms=900, text="Hello.", language="en", speaker="Anna"),
        StoredSegment(
            id=1, start_ms=3_661_000, end_ms=3_662_000, text="Bye.", language="en", speaker="Ben"
        ),
    ]
    transcript = transcript_of(*segments)
    assert render(transcript, Format.TXT) == "Anna: Hello.\n\nBen: Bye.\n"
    assert render(transcript, Format.TXT, times=True, speakers=False) == (
        "[0:00] Hello.\n\n[1:01:01] Bye.\n"
    )


def test_json_speaks_in_seconds_with_the_usual_names() -> None:
    spoken = Segment(
        id=1000,
        start_ms=250,
        end_ms=1_500,
        text=" Hello there.",
        language="en",
        language_probability=0.99,
        confidence=0.8,
        words=(Word(start_ms=250, end_ms=700, text=" Hello", confidence=0.7),),
    )
    data = json.loads(render(transcript_of(StoredSegment.spoken(spoken)), Format.JSON))
    assert data["duration"] == 60.0
    assert data["text"] == "Hello there."
    assert data["segments"][0] == {
        "id": 1000,
        "start": 0.25,
        "end": 1.5,
        "text": " Hello there.",
        "language": "en",
        "language_probability": 0.99,
        "confidence": 0.8,
        "speaker": None,
        "words": [{"start": 0.25, "end": 0.7, "word": " Hello", "probability": 0.7}],
    }


@pytest.mark.parametrize("wanted", [Format.VTT, Format.SRT])
def test_captions_of_a_written_update_are_refused(wanted: Format) -> None:
    segment = StoredSegment(id=0, start_ms=None, end_ms=None, text="Hello.", language="en")
    with pytest.raises(TranscriptHasNoTimesError):
        render(transcript_of(segment), wanted)


def test_an_empty_transcript_is_an_empty_but_valid_page() -> None:
    empty = transcript_of()
    assert render(empty, Format.VTT) == "WEBVTT\n"
    assert render(empty, Format.SRT) == ""
    assert render(empty, Format.TXT) == ""


def test_every_format_has_a_media_type() -> None:
    assert set(MEDIA_TYPES) == set(Format)
