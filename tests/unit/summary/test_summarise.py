"""Summaries rest on what was said: every quote is there, and nothing that was not said is told."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.summary.domain.sentences import (
    LONGEST_CHARACTERS,
    Source,
    Spoken,
    is_evident,
    joined_text,
)
from services.summary.domain.summarise import GIST_SENTENCES, guess_language, summarise
from shared.contracts.summary import Evidence, Statement, StatementKind

pytestmark = pytest.mark.unit

WEDNESDAY = date(2026, 3, 11)
LANGUAGES = ["en", "de", "nl", "fr", "es", "ja", None]

PHRASES = [
    "We have decided to move on Monday.",
    "Anna will write it by Friday",
    "Wir haben beschlossen, dass z. B. am 3. März alles fertig ist.",
    "Kun jij voor vrijdag bellen?",
    "今日は新しい検索について話します。",
    "So, um, okay",
    "and then ... what?",
    "I'll",
    "today I want to talk about the budget of the next two years",
    "Dr. Who?!",
    "<b>&amp;",
]

any_text = st.one_of(
    st.lists(st.sampled_from(PHRASES), min_size=1, max_size=4).map(" ".join),
    st.text(alphabet="ab .!?,;:\n\t\u00a0äßI'll will?\u3002今", max_size=80),
)


@st.composite
def updates(draw: st.DrawFn) -> list[Spoken]:
    """Segments of any text, in any language, spoken or written, sentences broken anywhere."""
    is_spoken = draw(st.booleans())
    segments = []
    for number, text in enumerate(draw(st.lists(any_text, max_size=30))):
        start_ms = number * 9_000 if is_spoken else None
        segments.append(
            Spoken(
                id=number * 7,
                text=text,
                language=draw(st.sampled_from(LANGUAGES)),
                start_ms=start_ms,
                end_ms=None if start_ms is None else start_ms + 8_000,
            )
        )
    return segments


def spoken(*texts: str, language: str = "en", each_ms: int = 5_000) -> list[Spoken]:
    return [
        Spoken(
            id=number,
            text=text,
            language=language,
            start_ms=number * each_ms,
            end_ms=(number + 1) * each_ms,
        )
        for number, text in enumerate(texts)
    ]


def of_kind(statements: tuple[Statement, ...], kind: StatementKind) -> list[Statement]:
    return [statement for statement in statements if statement.kind is kind]


def only(statements: tuple[Statement, ...], kind: StatementKind) -> Statement:
    (statement,) = of_kind(statements, kind)
    return statement


@settings(deadline=None, max_examples=60)
@given(updates())
def test_every_quote_is_in_its_segments(segments: list[Spoken]) -> None:
    by_id = {segment.id: segment for segment in segments}
    for statement in summarise(segments, WEDNESDAY):
        for evidence in statement.evidence:
            used = [by_id[segment_id] for segment_id in evidence.segment_ids]
            assert evidence.quote in joined_text(used)
            assert (evidence.start_ms, evidence.end_ms) == (used[0].start_ms, used[-1].end_ms)


@settings(deadline=None, max_examples=60)
@given(updates())
def test_whoever_says_something_gets_a_title_and_a_gist(segments: list[Spoken]) -> None:
    statements = summarise(segments, WEDNESDAY)
    has_words = any(segment.text.strip() for segment in segments)
    assert len(of_kind(statements, StatementKind.TITLE)) == has_words
    assert has_words <= len(of_kind(statements, StatementKind.GIST)) <= GIST_SENTENCES
    assert all(len(each.text) <= 80 for each in of_kind(statements, StatementKind.TITLE))


@settings(deadline=None, max_examples=60)
@given(updates())
def test_sentences_are_all_words_in_order(segments: list[Spoken]) -> None:
    sentences = Source(segments).sentences()
    words = [word for sentence in sentences for word in sentence.text.split()]
    assert "".join(words) == "".join("".join(segment.text.split()) for segment in segments)
    assert all(len(sentence.text) <= LONGEST_CHARACTERS for sentence in sentences)


@settings(deadline=None, max_examples=60)
@given(updates())
def test_the_same_words_give_the_same_summary(segments: list[Spoken]) -> None:
    assert summarise(segments, WEDNESDAY) == summarise(list(segments), WEDNESDAY)


def test_a_statement_without_its_quote_is_not_evident() -> None:
    segments = spoken("We ship on Friday.")
    assert is_evident(Evidence(segment_ids=(0,), quote="ship on Friday"), segments)
    assert not is_evident(Evidence(segment_ids=(0,), quote="ship on Monday"), segments)
    assert not is_evident(Evidence(segment_ids=(1,), quote="ship on Friday"), segments)


def test_a_sentence_that_spans_segments_names_them_all() -> None:
    segments = spoken("Good. We have decided to move", "to the new index on Monday. Fine.")
    decision = only(summarise(segments, WEDNESDAY), StatementKind.DECISION)
    (evidence,) = decision.evidence
    assert evidence.segment_ids == (0, 1)
    assert (evidence.start_ms, evidence.end_ms) == (0, 10_000)
    assert evidence.quote == "We have decided to move to the new index on Monday."


def test_one_sentence_is_title_and_gist() -> None:
    statements = summarise(spoken("The server is back."), WEDNESDAY)
    assert [(each.kind.value, each.text) for each in statements] == [
        ("title", "The server is back"),
        ("gist", "The server is back."),
    ]


def test_no_words_give_no_statements() -> None:
    assert summarise(spoken(" ", ""), WEDNESDAY) == ()


def test_the_announced_topic_is_the_title() -> None:
    statements = summarise(
        spoken("Hi everyone, this is a quick update on the search migration.", "It went well."),
        WEDNESDAY,
    )
    assert only(statements, StatementKind.TITLE).text == "The search migration"


@pytest.mark.parametrize(
    ("language", "text", "owner", "due", "due_text"),
    [
        ("en", "Anna will write the runbook by Friday.", "Anna", date(2026, 3, 13), "by Friday"),
        ("en", "I'll send the report tomorrow.", "I", date(2026, 3, 12), "tomorrow"),
        ("en", "Tom, can you check the logs?", "Tom", None, None),
        ("en", "Could you please check the logs next week?", "you", None, "next week"),
        ("en", "We need to renew the contract by March 20th.", "we", date(2026, 3, 20), None),
        ("de", "Anna kümmert sich bis Freitag um das Handbuch.", "Anna", date(2026, 3, 13), None),
        ("de", "Ich werde morgen die Kunden informieren.", "ich", date(2026, 3, 12), "morgen"),
        (
            "de",
            "Peter, kannst du bis zum 20. März die Logs prüfen?",
            "Peter",
            date(2026, 3, 20),
            None,
        ),
        ("nl", "Kun jij voor vrijdag de documentatie schrijven?", "jij", date(2026, 3, 13), None),
        ("nl", "Anna zal de klanten bellen.", "Anna", None, None),
        ("fr", "Je vais envoyer le rapport demain.", "je", date(2026, 3, 12), "demain"),
        ("es", "Tenemos que enviar el informe mañana.", "nosotros", date(2026, 3, 12), "mañana"),
        ("en", "I must not forget to call Tom tomorrow.", "I", date(2026, 3, 12), "tomorrow"),
        ("de", "Anna wird morgen nicht nur testen.", "Anna", date(2026, 3, 12), "morgen"),
        ("de", "Ich schicke dir morgen alles, damit nichts fehlt.", "ich", date(2026, 3, 12), None),
    ],
)
def test_actions_tell_owner_and_date_as_said(
    language: str, text: str, owner: str, due: date | None, due_text: str | None
) -> None:
    action = only(summarise(spoken(text, language=language), WEDNESDAY), StatementKind.ACTION)
    assert (action.owner, action.due) == (owner, due)
    assert due_text is None or action.due_text == due_text
    assert action.evidence[0].quote == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Sales will increase next year."),
        ("en", "It will rain tomorrow."),
        ("en", "I will tell you about the budget."),
        ("en", "I'm going to share my screen."),
        ("de", "Der Server wird morgen neu gestartet."),
        ("de", "Ich werde euch heute die Zahlen zeigen."),
        ("nl", "De server gaat morgen uit."),
        ("en", "Anna will not send the report by Friday."),
        ("en", "We should definitely never deploy on Friday."),
        ("de", "Peter muss morgen nicht kommen."),
        ("de", "Wir müssen bis Freitag keine Tests schreiben."),
        ("nl", "Anna zal de klanten morgen niet bellen."),
        ("fr", "On doit pas envoyer le rapport demain."),
        ("es", "No voy a enviar el informe mañana."),
    ],
)
def test_what_nobody_is_to_do_is_no_action(language: str, text: str) -> None:
    statements = summarise(spoken(text, language=language), WEDNESDAY)
    assert of_kind(statements, StatementKind.ACTION) == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We have decided to move on Monday."),
        ("en", "The meeting has been cancelled."),
        ("en", "Let's go with the second option."),
        ("de", "Wir haben uns entschieden, am Montag umzuziehen."),
        ("de", "Der Termin wurde auf Dienstag verschoben."),
        ("nl", "We hebben besloten om maandag over te stappen."),
        ("fr", "Nous avons décidé de changer de serveur."),
        ("es", "Hemos decidido cambiar el servidor."),
    ],
)
def test_decisions_are_found(language: str, text: str) -> None:
    decision = only(summarise(spoken(text, language=language), WEDNESDAY), StatementKind.DECISION)
    assert decision.text == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We haven't decided about the budget."),
        ("en", "Have we agreed on the date?"),
        ("en", "If we agreed on that, it would be easy."),
        ("de", "Wir haben noch nicht entschieden."),
        ("nl", "We hebben nog niet besloten."),
    ],
)
def test_what_is_open_is_no_decision(language: str, text: str) -> None:
    statements = summarise(spoken(text, language=language), WEDNESDAY)
    assert of_kind(statements, StatementKind.DECISION) == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Who is going to test the rollback?"),
        ("en", "The open question is who pays for it."),
        ("de", "Wer testet das Zurückrollen am Montag?"),
        ("nl", "Wat doen we met het budget?"),
        ("ja", "誰がテストしますか\uff1f"),
    ],
)
def test_questions_are_found(language: str, text: str) -> None:
    question = only(summarise(spoken(text, language=language), WEDNESDAY), StatementKind.QUESTION)
    assert question.text == text


@pytest.mark.parametrize("text", ["That's it, right?", "Okay?", "How are you?"])
def test_small_talk_is_no_question(text: str) -> None:
    statements = summarise(spoken(text), WEDNESDAY)
    assert of_kind(statements, StatementKind.QUESTION) == []


def test_a_long_talk_has_chapters_that_begin_where_the_topic_turns() -> None:
    budget = [f"The budget for marketing number {n} grows by ten percent." for n in range(20)]
    servers = [f"Next, the database server number {n} needs more memory." for n in range(20)]
    statements = summarise(spoken(*budget, *servers, each_ms=6_000), WEDNESDAY)
    begins = [each.evidence[0].start_ms for each in of_kind(statements, StatementKind.CHAPTER)]
    assert begins[0] == 0
    assert any(abs((begin or 0) - 120_000) <= 12_000 for begin in begins)


def test_a_short_talk_has_no_chapters() -> None:
    talk = spoken(*(f"This is sentence number {n} of a short talk." for n in range(20)))
    assert of_kind(summarise(talk, WEDNESDAY), StatementKind.CHAPTER) == []


def test_abbreviations_and_ordinals_do_not_end_sentences() -> None:
    german = spoken(
        "Am 3. März kommt Dr. Berg, z. B. mit dem Zug. Danach geht es los.", language="de"
    )
    assert [sentence.text for sentence in Source(german).sentences()] == [
        "Am 3. März kommt Dr. Berg, z. B. mit dem Zug.",
        "Danach geht es los.",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We are going to move the server and it will be fine", "en"),
        ("Wir haben uns für den neuen Server entschieden und das ist gut", "de"),
        ("We hebben de klanten gebeld en het is nu klaar voor de test", "nl"),
        ("Kubernetes PostgreSQL", None),
    ],
)
def test_the_language_of_written_words_is_told_by_their_small_words(
    text: str, language: str | None
) -> None:
    assert guess_language([text]) == language
