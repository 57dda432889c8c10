"""The pure rules: roles, what a token may grant, sentences, thread changes, HTML."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workspace.accounts.domain import (
    ScopeUnknownError,
    SignInMethod,
    TokenTooWideError,
    clean_email,
    hash_secret,
    may_forgo_password,
    new_secret,
    require_grantable,
)
from services.workspace.comments.domain import MomentOutsideError, require_moment_inside
from services.workspace.domain import (
    Asker,
    NotYoursError,
    Role,
    RoleTooLowError,
    clean_line,
    clean_text,
    require_author,
    require_member,
    require_owner,
)
from services.workspace.pages.html import Markup, element
from services.workspace.pages.texts import DE, EN, NL, texts_for
from services.workspace.teams.domain import role_after
from services.workspace.threads.domain import (
    ConclusionWithoutEndError,
    ThreadChange,
    ThreadText,
    changed,
)
from services.workspace.updates.domain import (
    RecordingEmptyError,
    RecordingTooLargeError,
    require_size,
    sentences_of,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
ME, OTHER = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Line one\nLine two\n\n- a point", ["Line one", "Line two", "- a point"]),
        ("Dr. Braun kommt am 3. Mai. Gut so.", ["Dr. Braun kommt am 3. Mai.", "Gut so."]),
        ("Z. B. das Rad, u. a. die Achse.", ["Z. B. das Rad, u. a. die Achse."]),
        ('She said "Stop." Then he left.', ['She said "Stop."', "Then he left."]),
        ("Version 2.1 is out. It costs 3.50 now.", ["Version 2.1 is out.", "It costs 3.50 now."]),
        ("Wait… what?", ["Wait…", "what?"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_text_falls_into_sentences(text: str, sentences: list[str]) -> None:
    assert list(sentences_of(text)) == sentences


@given(st.text(max_size=300))
def test_no_word_is_lost_between_sentences(text: str) -> None:
    assert "".join("".join(sentences_of(text)).split()) == "".join(text.split())


@pytest.mark.parametrize("role", list(Role))
def test_only_owners_pass_the_owners_guard(role: Role) -> None:
    if role is Role.OWNER:
        require_owner(role)
    else:
        with pytest.raises(RoleTooLowError):
            require_owner(role)


@pytest.mark.parametrize("role", list(Role))
def test_guests_do_not_pass_the_members_guard(role: Role) -> None:
    if role is Role.GUEST:
        with pytest.raises(RoleTooLowError):
            require_member(role)
    else:
        require_member(role)


def test_an_owner_removes_others_words_but_does_not_reword_them() -> None:
    asker = Asker(person_id=ME)
    require_author(asker, ME, Role.GUEST, owner_too=False)
    require_author(asker, OTHER, Role.OWNER, owner_too=True)
    for role, owner_too in ((Role.OWNER, False), (Role.MEMBER, True)):
        with pytest.raises(NotYoursError):
            require_author(asker, OTHER, role, owner_too=owner_too)


TEAM = uuid4()
LIMITED = Asker(
    person_id=ME,
    only_team=TEAM,
    scopes=frozenset({"teams:read", "tokens:write"}),
    expires_at=NOW,
)


@pytest.mark.parametrize(
    ("scopes", "team", "expires_at"),
    [
        ({"teams:write"}, TEAM, NOW),
        ({"teams:read"}, None, NOW),
        ({"teams:read"}, uuid4(), NOW),
        ({"teams:read"}, TEAM, None),
        ({"teams:read"}, TEAM, NOW + timedelta(seconds=1)),
    ],
)
def test_a_token_grants_no_more_than_it_has(
    scopes: set[str], team: UUID | None, expires_at: datetime | None
) -> None:
    with pytest.raises(TokenTooWideError):
        require_grantable(LIMITED, frozenset(scopes), team, expires_at)


def test_a_token_grants_what_it_has_and_a_session_everything_that_exists() -> None:
    require_grantable(LIMITED, frozenset({"teams:read"}), TEAM, NOW)
    require_grantable(Asker(person_id=ME), frozenset({"teams:write"}), None, None)
    with pytest.raises(ScopeUnknownError):
        require_grantable(Asker(person_id=ME), frozenset({"everything"}), None, None)


@pytest.mark.parametrize(
    ("method", "age", "has_password", "may"),
    [
        (SignInMethod.PASSWORD, timedelta(0), True, False),
        (SignInMethod.PASSWORD, timedelta(days=1), False, True),
        (SignInMethod.LINK, timedelta(minutes=14), True, True),
        (SignInMethod.LINK, timedelta(minutes=15), True, False),
        (SignInMethod.PROVIDER, timedelta(0), True, False),
    ],
)
def test_the_old_password_is_needed_unless_there_is_none_or_a_link_just_brought_one_in(
    method: SignInMethod, age: timedelta, *, has_password: bool, may: bool
) -> None:
    assert may_forgo_password(method, NOW - age, NOW, has_password=has_password) is may


@pytest.mark.parametrize(
    ("current", "offered", "after"),
    [
        (None, Role.GUEST, Role.GUEST),
        (Role.GUEST, Role.MEMBER, Role.MEMBER),
        (Role.GUEST, Role.GUEST, Role.GUEST),
        (Role.MEMBER, Role.OWNER, Role.OWNER),
        (Role.MEMBER, Role.GUEST, Role.MEMBER),
        (Role.OWNER, Role.MEMBER, Role.OWNER),
        (Role.OWNER, Role.GUEST, Role.OWNER),
    ],
)
def test_an_invitation_raises_and_never_lowers(
    current: Role | None, offered: Role, after: Role
) -> None:
    assert role_after(current, offered) is after


OPEN = ThreadText(title="T", concluded_at=None, conclusion=None)


def test_concluding_keeps_the_first_moment_and_reopening_forgets_the_conclusion() -> None:
    concluded = changed(OPEN, ThreadChange(concluded=True, conclusion="Yes"), NOW)
    renamed = changed(concluded, ThreadChange(title="U"), NOW + timedelta(days=1))
    reopened = changed(renamed, ThreadChange(concluded=False), NOW)

    assert renamed == ThreadText(title="U", concluded_at=NOW, conclusion="Yes")
    assert reopened == ThreadText(title="U", concluded_at=None, conclusion=None)
    with pytest.raises(ConclusionWithoutEndError):
        changed(OPEN, ThreadChange(conclusion="Yes"), NOW)


def test_a_moment_lies_inside_a_recording() -> None:
    require_moment_inside(None, is_recording=False, duration_ms=None)
    require_moment_inside(5, is_recording=True, duration_ms=None)
    require_moment_inside(5, is_recording=True, duration_ms=5)
    for is_recording, duration_ms in ((False, None), (True, 4)):
        with pytest.raises(MomentOutsideError):
            require_moment_inside(5, is_recording=is_recording, duration_ms=duration_ms)


def test_lines_and_texts_refuse_what_nobody_typed_on_purpose() -> None:
    assert clean_line("  a b ") == "a b"
    assert clean_text(" a\r\nb\tc \n") == "a\nb\tc"
    for text in ("", "  ", "a\nb", "a\x00b", "a\x1b[0m", "\ud800"):
        with pytest.raises(ValueError, match=r"empty|control"):
            clean_line(text)
    for text in ("", "\n", "a\x00b", "a\x07b", "\udfff"):
        with pytest.raises(ValueError, match=r"empty|control"):
            clean_text(text)


def test_addresses_are_kept_in_lower_case_and_have_two_sides() -> None:
    assert clean_email(" Ann@Example.ORG ") == "ann@example.org"
    for text in ("", "ann", "@x", "a@", "a b@c", "a@b@c", "a\x00@b"):
        with pytest.raises(ValueError, match="email"):
            clean_email(text)


def test_secrets_are_long_and_never_the_same_and_only_hashes_match() -> None:
    secrets = {new_secret("tdg_") for _ in range(100)}
    assert len(secrets) == 100
    assert min(len(secret) for secret in secrets) >= 47
    assert len(hash_secret("a")) == 32
    assert hash_secret("\ud800") != hash_secret("?")


@given(st.text(max_size=50))
def test_nothing_a_person_wrote_becomes_a_tag(text: str) -> None:
    made = element("p", text, title=text)
    assert made.count("<") == 2
    assert made.count('"') == 2
    assert Markup.joined(text).count("<") == 0


@pytest.mark.parametrize(
    ("size_bytes", "refusal"), [(0, RecordingEmptyError), (11, RecordingTooLargeError)]
)
def test_a_recording_of_impossible_size_is_refused_before_it_is_sent(
    size_bytes: int, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        require_size(size_bytes, limit=10)


@pytest.mark.parametrize("size_bytes", [None, 1, 10])
def test_a_recording_of_possible_or_unknown_size_is_welcome(size_bytes: int | None) -> None:
    require_size(size_bytes, limit=10)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("fr-FR, en;q=0.3, de;q=0.7", "de"),
        ("de;q=0, nl;q=0.1", "nl"),
        ("de;q=much, *", "en"),
        ("xx" * 2000, "en"),
    ],
)
def test_pages_speak_what_the_browser_likes_best(accepted: str, language: str) -> None:
    assert texts_for(accepted).language == language


def test_no_sentence_of_the_pages_is_missing_in_a_language() -> None:
    for texts in (EN, DE, NL):
        assert set(texts.roles) == set(Role)
        assert all(texts.fields)
        assert "{team}" in texts.invited
    assert set(DE.refusals) == set(NL.refusals)
