"""How people's corrections lie over what was heard, and over what it comes to. Pure.

A correction is tied to a stretch of time and the words it replaces there, not to their numbers:
when a recording is transcribed again it finds its place anew. The later one lies over the earlier.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.workspace.domain import Asker, NotYoursError, Role
from services.workspace.transcripts.domain import Anchor, Correction, StoredSegment, StoredWord
from shared.contracts.summary import Statement
from shared.errors import ConflictError, InvalidError

TEXT_MAX = 2_000
REACH_MS = 1_500
"""How far words may have moved: another model, or the same one on other chunks, times anew."""


class WordsChangedError(ConflictError):
    """The words to correct are not there any more; look at the transcript again."""

    code = "words-changed"


class WrittenWordsError(InvalidError):
    """Only what was spoken can be corrected; a written update says what its author wrote."""

    code = "words-written"


def require_may_correct(asker: Asker, author_id: UUID, role: Role) -> None:
    """Let the team correct what it reads; guests only what they said themselves."""
    if role is Role.GUEST and asker.person_id != author_id:
        raise NotYoursError("Guests may correct their own updates only.")


@dataclass(frozen=True, kw_only=True)
class _Said:
    """A word, the place of its segment, and what stands before it in the segment's text."""

    place: int
    word: StoredWord
    gap: str


def corrected(
    heard: Sequence[StoredSegment], corrections: Sequence[Correction]
) -> tuple[StoredSegment, ...]:
    """Return the segments as people corrected them; those nobody touched are the same objects.

    A correction whose words are nowhere near, or are right by now, changes nothing.
    """
    segments = list(heard)
    for correction in corrections:
        line = _line(segments, correction.anchor)
        run = _by_text(line, correction.anchor)
        if (
            run is None
            and _by_text(line, replace(correction.anchor, original=correction.replacement)) is None
        ):
            run = _by_time(line, correction.anchor)
        if run is None:
            continue
        touched = {said.place for said in line[run]}
        line[run] = _replacing(line[run], correction)
        for place in touched:
            segments[place] = _rewritten(
                segments[place], [said for said in line if said.place == place]
            )
    return tuple(segments)


def place_of(shown: Sequence[StoredSegment], anchor: Anchor) -> Anchor:
    """Return the anchor with the exact times of its words, as they are shown now."""
    line = _line(shown, anchor)
    run = _by_text(line, anchor)
    if run is None:
        raise WordsChangedError
    words = [said.word for said in line[run]]
    return replace(
        anchor, start_ms=words[0].start_ms, end_ms=max(words[0].start_ms, words[-1].end_ms)
    )


def restated(
    summarised: Sequence[Statement], corrections: Sequence[Correction]
) -> tuple[Statement, ...]:
    """Return a summary in the words that stand there now, where it rests on corrected ones."""
    statements = list(summarised)
    for correction in corrections:
        statements = [
            _restated(statement, correction)
            if _rests_on(statement, correction.anchor)
            else statement
            for statement in statements
        ]
    return tuple(statements)


def _rests_on(statement: Statement, anchor: Anchor) -> bool:
    return any(
        evidence.start_ms is not None
        and evidence.end_ms is not None
        and evidence.end_ms >= anchor.start_ms - REACH_MS
        and evidence.start_ms <= anchor.end_ms + REACH_MS
        for evidence in statement.evidence
    )


def _restated(statement: Statement, correction: Correction) -> Statement:
    owner = statement.owner
    return statement.model_copy(
        update={
            "text": _reworded(statement.text, correction),
            "owner": owner and _reworded(owner, correction),
            "evidence": tuple(
                evidence.model_copy(update={"quote": _reworded(evidence.quote, correction)})
                for evidence in statement.evidence
            ),
        }
    )


def _reworded(text: str, correction: Correction) -> str:
    """Return the text with a correction made where its words first stand, whatever their marks."""
    words = [_unmarked(word) for word in correction.anchor.original.split()]
    pattern = r"\W+".join(re.escape(word) for word in words if word)
    replacement = _unmarked(correction.replacement)
    found = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE) if pattern else None
    if found is None or not replacement:
        return text
    if found.start() == 0 and text[0].isupper():
        replacement = replacement[0].upper() + replacement[1:]
    return text[: found.start()] + replacement + text[found.end() :]


def _unmarked(text: str) -> str:
    """Return text without the marks around it."""
    return re.sub(r"^\W+|\W+$", "", text)


def _line(segments: Sequence[StoredSegment], anchor: Anchor) -> list[_Said]:
    """Return the words of all segments that a correction can reach."""
    first_ms, last_ms = anchor.start_ms - REACH_MS, anchor.end_ms + REACH_MS
    return [
        _Said(place=place, word=word, gap=gap)
        for place, segment in enumerate(segments)
        if segment.start_ms is not None
        and segment.end_ms is not None
        and segment.end_ms >= first_ms
        and segment.start_ms <= last_ms
        for word, gap in _spaced(segment)
    ]


def _spaced(segment: StoredSegment) -> Iterator[tuple[StoredWord, str]]:
    """Yield each word with what the text has before it; a blank where the text lacks the word."""
    text, reached = segment.text, 0
    for word in segment.words:
        spoken = word.text.strip()
        place = text.find(spoken, reached)
        if place < 0 or text[reached:place].strip():
            yield word, " "
        else:
            yield word, text[reached:place]
            reached = place + len(spoken)


def _by_text(line: Sequence[_Said], anchor: Anchor) -> slice | None:
    """Return the run of words that says the same and begins nearest in time."""
    wanted = _bare(anchor.original)
    found: list[tuple[int, slice]] = []
    for first, said in enumerate(line):
        distance_ms = abs(said.word.start_ms - anchor.start_ms)
        if distance_ms > REACH_MS or not _bare(said.word.text):
            continue
        spoken = ""
        for last in range(first, len(line)):
            spoken += _bare(line[last].word.text)
            if not wanted.startswith(spoken):
                break
            if spoken == wanted:
                found.append((distance_ms, slice(first, last + 1)))
                break
    return min(found, key=lambda each: each[0])[1] if found else None


def _by_time(line: Sequence[_Said], anchor: Anchor) -> slice | None:
    """Return the run of words that are said in the stretch, each by more than half."""
    inside = [
        number
        for number, said in enumerate(line)
        if anchor.start_ms <= (said.word.start_ms + said.word.end_ms) / 2 <= anchor.end_ms
    ]
    return slice(inside[0], inside[-1] + 1) if inside else None


def _bare(text: str) -> str:
    """Return text as it is compared: no blanks, marks or capitals, unless it is marks alone."""
    return "".join(filter(str.isalnum, text.casefold())) or "".join(text.split())


def _replacing(run: Sequence[_Said], correction: Correction) -> list[_Said]:
    """Return the words that stand in for a run, over the same stretch of time."""
    first = run[0]
    texts = correction.replacement.split()
    return [
        _Said(
            place=first.place,
            gap=first.gap if number == 0 else " ",
            word=StoredWord(
                start_ms=start_ms,
                end_ms=end_ms,
                text=f" {text}" if number or first.word.text.startswith(" ") else text,
                confidence=1.0,
                correction=correction.id,
            ),
        )
        for number, (text, (start_ms, end_ms)) in enumerate(
            zip(texts, _times([said.word for said in run], texts), strict=True)
        )
    ]


def _times(run: Sequence[StoredWord], texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return when the new words are said: as the old ones if as many, else by their length."""
    if len(run) == len(texts):
        return [(word.start_ms, word.end_ms) for word in run]
    start_ms, total = run[0].start_ms, sum(map(len, texts))
    span_ms = max(0, run[-1].end_ms - start_ms)
    ends = [
        start_ms + span_ms * sum(map(len, texts[: number + 1])) // total
        for number in range(len(texts))
    ]
    return list(zip([start_ms, *ends], ends, strict=False))


def _rewritten(segment: StoredSegment, line: Sequence[_Said]) -> StoredSegment:
    """Return a segment made of these words, which remembers what was heard."""
    return replace(
        segment,
        text="".join(said.gap + said.word.text.strip() for said in line).strip(),
        words=tuple(said.word for said in line),
        original=segment.text if segment.original is None else segment.original,
    )
