"""Writes who speaks into the segments, split where the speaker changes. Pure.

Voices are told apart in steps of most of a second, so a change is moved to the pause or the end of
a sentence that lies near it. Where only one person speaks, nothing is written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.contracts.transcript import SEGMENTS_PER_CHUNK, Segment

REACH_MS = 1_200
"""How far from where the voices seem to change the change may really be."""
EDGE_BONUS_MS = 800
SENTENCE_BONUS_MS = 500
CLAUSE_BONUS_MS = 150
PAUSE_MS = 250
"""Long enough for somebody else to begin."""
_ENDS = (".", "?", "!", "…", ",", ";", ":", "。", "\uff01", "\uff1f", "\uff0c", "、")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """From here to there one person speaks; turns follow each other without gaps."""

    start_ms: int
    end_ms: int
    speaker: str


def runs_of(segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """Return from when to when words follow each other without a pause or the end of a clause.

    People rarely change places in between, so one voice alone is heard there.
    """
    runs: list[tuple[int, int]] = []
    is_open = False
    for segment in segments:
        for word in segment.words:
            if is_open and word.start_ms - runs[-1][1] < PAUSE_MS:
                runs[-1] = (runs[-1][0], word.end_ms)
            else:
                runs.append((word.start_ms, word.end_ms))
            is_open = not word.text.endswith(_ENDS)
        is_open = False
    return runs


def are_several(turns: Sequence[Turn]) -> bool:
    """Tell whether there is anything to tell apart."""
    return len({turn.speaker for turn in turns}) > 1


def with_speakers(segments: Sequence[Segment], turns: Sequence[Turn]) -> tuple[Segment, ...]:
    """Return the same words in segments of one speaker each; unchanged where only one speaks."""
    if not are_several(turns):
        return tuple(segments)
    pieces: list[Segment] = []
    for segment in segments:
        chunk = segment.id // SEGMENTS_PER_CHUNK
        is_same_chunk = bool(pieces) and pieces[-1].id // SEGMENTS_PER_CHUNK == chunk
        first_id = pieces[-1].id + 1 if is_same_chunk else chunk * SEGMENTS_PER_CHUNK
        pieces.extend(
            piece.model_copy(update={"id": first_id + place})
            for place, piece in enumerate(_split(segment, turns))
        )
    return tuple(pieces)


def _split(segment: Segment, turns: Sequence[Turn]) -> list[Segment]:
    places = _places(segment)
    cuts = list(_cuts(segment, turns)) if places else []
    if not cuts:
        middle = (segment.start_ms + segment.end_ms) // 2
        return [segment.model_copy(update={"speaker": _speaker_at(middle, turns)})]
    bounds = [0, *(at for at, _ in cuts), len(segment.words)]
    speakers = [_speaker_before(cuts[0], turns), *(turn.speaker for _, turn in cuts)]
    return [
        _piece(segment, places, begin, end, speaker)
        for begin, end, speaker in zip(bounds, bounds[1:], speakers, strict=False)
        if begin < end
    ]


def _cuts(segment: Segment, turns: Sequence[Turn]) -> Iterator[tuple[int, Turn]]:
    """Yield (index of the first word, turn) for each change of speaker inside, in order."""
    least = 0
    for turn in turns[1:]:
        if segment.start_ms - REACH_MS < turn.start_ms < segment.end_ms + REACH_MS:
            at = _best_cut(segment, turn.start_ms, least)
            if at is not None:
                least = at
                yield at, turn


def _best_cut(segment: Segment, change_ms: int, least: int) -> int | None:
    """Return before which word the change lies, from ``least`` on; None where it lies outside."""
    best: tuple[float, int] | None = None
    for at in range(least, len(segment.words) + 1):
        moment, bonus = _moment(segment, at)
        distance = abs(moment - change_ms)
        if distance <= REACH_MS and (best is None or bonus - distance > best[0]):
            best = (bonus - distance, at)
    return None if best is None else best[1]


def _moment(segment: Segment, at: int) -> tuple[int, int]:
    """Return when the gap before a word is, and how likely people change places there."""
    words = segment.words
    if at == 0:
        return words[0].start_ms, EDGE_BONUS_MS
    if at == len(words):
        return words[-1].end_ms, EDGE_BONUS_MS
    before, after = words[at - 1], words[at]
    pause_ms = max(0, after.start_ms - before.end_ms)
    bonus = pause_ms
    if before.text.endswith((".", "?", "!", "…")):
        bonus += SENTENCE_BONUS_MS
    elif before.text.endswith((",", ";", ":")):
        bonus += CLAUSE_BONUS_MS
    return (before.end_ms + after.start_ms) // 2, bonus


def _speaker_at(moment_ms: int, turns: Sequence[Turn]) -> str:
    return next((turn for turn in turns if moment_ms < turn.end_ms), turns[-1]).speaker


def _speaker_before(cut: tuple[int, Turn], turns: Sequence[Turn]) -> str:
    return turns[turns.index(cut[1]) - 1].speaker


def _places(segment: Segment) -> list[int]:
    """Return where each word stands in the text; nothing where the words are not the text."""
    places: list[int] = []
    reached = 0
    for word in segment.words:
        place = segment.text.find(word.text, reached)
        if place < 0 or segment.text[reached:place].strip():
            return []
        places.append(place)
        reached = place + len(word.text)
    return places


def _piece(segment: Segment, places: Sequence[int], begin: int, end: int, speaker: str) -> Segment:
    words = segment.words[begin:end]
    text_end = places[end] if end < len(places) else len(segment.text)
    return segment.model_copy(
        update={
            "start_ms": words[0].start_ms,
            "end_ms": max(words[-1].end_ms, words[0].start_ms),
            "text": segment.text[places[begin] : text_end].strip(),
            "confidence": round(sum(word.confidence for word in words) / len(words), 2),
            "speaker": speaker,
            "words": words,
        }
    )
