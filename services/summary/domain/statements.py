"""Finds decisions, actions and questions by the words people tell them with. Pure.

Nothing is guessed: an owner or a date that was not said is None.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.summary.domain.cues import BY_LANGUAGE, Cues
from services.summary.domain.dates import find_due
from services.summary.domain.names import GIVEN_NAMES, NAME, is_name
from services.summary.domain.sentences import Sentence, Source
from shared.contracts.summary import Statement, StatementKind

MOST_OF_A_KIND = 20
_FEWEST_QUESTION_WORDS = 4
_QUESTION_MARK = re.compile(r"[?\uff1f][\"'\u201d\u2019\u00bb)]*$")


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """The cues of one language, ready to be matched."""

    decisions: tuple[re.Pattern[str], ...]
    undecided: re.Pattern[str]
    named_actions: tuple[re.Pattern[str], ...]
    own_actions: tuple[tuple[re.Pattern[str], str], ...]
    denied: re.Pattern[str]
    small_talk: re.Pattern[str]
    questions: tuple[re.Pattern[str], ...]
    tags: re.Pattern[str]
    fillers: re.Pattern[str]
    everybody: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class _Action:
    """Who is to act, as said."""

    owner: str | None


def _compiled(cues: Cues) -> _Rules:
    def every(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)

    return _Rules(
        decisions=every(cues.decisions),
        undecided=re.compile(cues.undecided, re.IGNORECASE),
        # Names are told by their capitals, so these match as written.
        named_actions=tuple(
            re.compile(pattern.replace("{name}", rf"\b{NAME}")) for pattern in cues.named_actions
        ),
        own_actions=tuple(
            (re.compile(pattern, re.IGNORECASE), owner) for pattern, owner in cues.own_actions
        ),
        denied=re.compile(cues.denied, re.IGNORECASE),
        small_talk=re.compile(cues.small_talk, re.IGNORECASE),
        questions=every(cues.questions),
        tags=re.compile(rf"(?:^|.*\W){cues.tags}", re.IGNORECASE),
        fillers=re.compile(cues.fillers, re.IGNORECASE),
        everybody=cues.everybody,
    )


_RULES: Mapping[str, _Rules] = {language: _compiled(cues) for language, cues in BY_LANGUAGE.items()}


def find_statements(
    source: Source, sentences: Sequence[Sentence], said_on: date
) -> list[Statement]:
    """Return the decisions, then the actions, then the questions, each kind in order and once."""
    found: dict[StatementKind, dict[str, Statement]] = {
        StatementKind.DECISION: {},
        StatementKind.ACTION: {},
        StatementKind.QUESTION: {},
    }
    for sentence in sentences:
        statement = _statement(source, sentence, said_on)
        if statement is not None:
            found[statement.kind].setdefault(statement.text.lower(), statement)
    return [statement for of_kind in found.values() for statement in _firmest(of_kind)]


def _firmest(statements: Mapping[str, Statement]) -> list[Statement]:
    """Return as many as a reader can take in, those with a date or a name rather, in order."""
    kept = list(statements.values())
    if len(kept) <= MOST_OF_A_KIND:
        return kept
    firmness = [(each.due_text is not None) + (each.owner in GIVEN_NAMES) for each in kept]
    best = sorted(range(len(kept)), key=lambda place: (-firmness[place], place))
    return [kept[place] for place in sorted(best[:MOST_OF_A_KIND])]


def without_fillers(text: str, language: str | None) -> str:
    """Return a sentence without the beginnings that say nothing, with a capital."""
    rules = _RULES.get(language or "")
    bare = rules.fillers.sub("", text, count=1) if rules else text
    bare = bare.strip()
    if len(bare.split()) < len(text.split()) / 2:
        return text
    return bare[0].upper() + bare[1:]


def _statement(source: Source, sentence: Sentence, said_on: date) -> Statement | None:
    rules = _RULES.get(sentence.language or "")
    kind: StatementKind | None = None
    owner, due = None, None
    if rules is not None:
        due = find_due(sentence.text, sentence.language, said_on)
        action = _action(rules, sentence.text, is_dated=due is not None)
        if _decides(rules, sentence.text):
            kind = StatementKind.DECISION
        elif action is not None:
            kind, owner = StatementKind.ACTION, action.owner
    if kind is None and _asks(rules, sentence.text):
        kind = StatementKind.QUESTION
    if kind is None:
        return None
    if kind is not StatementKind.ACTION:
        due = None
    return Statement(
        kind=kind,
        text=without_fillers(sentence.text, sentence.language),
        owner=owner,
        due=due.day if due else None,
        due_text=due.text if due else None,
        evidence=(source.evidence(sentence.begin, sentence.end),),
    )


def _decides(rules: _Rules, text: str) -> bool:
    """Tell whether something is settled here; what is open, denied or conditional is not."""
    if _QUESTION_MARK.search(text):
        return False
    for pattern in rules.decisions:
        match = pattern.search(text)
        if match and not rules.undecided.search(f"{_clause_before(text, match)}{match.group()}"):
            return True
    return False


def _clause_before(text: str, match: re.Match[str]) -> str:
    """Return what stands before a match in its own clause."""
    return re.split(r"[,;:\u2013]", text[: match.start()])[-1]


def _action(rules: _Rules, text: str, *, is_dated: bool) -> _Action | None:
    """Return who is asked or promises to act in a sentence, or None when nobody is.

    `We have to` in the middle of a sentence is how people talk; it counts when it has a date.
    """
    for pattern in rules.named_actions:
        for match in pattern.finditer(text):
            owner = match["owner"]
            if rules.denied.match(text[match.end() :]):
                continue
            if is_name(owner, begins_sentence=match.start("owner") == 0):
                return _Action(owner=owner)
    for pattern, owner in rules.own_actions:
        begin = pattern.search(text)
        if begin is None:
            continue
        behind = text[begin.end() :]
        if rules.denied.match(behind) or rules.small_talk.match(behind):
            continue
        is_opening = not rules.fillers.sub("", text[: begin.start()]).strip()
        if is_opening or is_dated or owner not in rules.everybody:
            return _Action(owner=owner)
    return None


def _asks(rules: _Rules | None, text: str) -> bool:
    """Tell whether a sentence leaves something open."""
    if _QUESTION_MARK.search(text):
        is_tag = rules is not None and rules.tags.match(text)
        is_long = len(text.split()) >= _FEWEST_QUESTION_WORDS or " " not in text
        return is_long and not is_tag
    return rules is not None and any(pattern.search(text) for pattern in rules.questions)
