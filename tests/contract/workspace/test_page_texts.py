"""What is wrong with an update is said on the page in its reader's language."""

import pytest

from services.transcription.domain import errors as transcription
from services.upload.reviving import RenditionsFailedError
from services.workspace.projections.domain import EXPIRED_CODE
from services.workspace.updates.domain import NEVER_SENT
from shared.media.errors import MediaError
from shared.media.render import RenderFailedError
from tests.support.speech import REPOSITORY

pytestmark = pytest.mark.contract

#: The other languages have what English has; the page does not build without.
ENGLISH = REPOSITORY / "services/workspace/page/src/i18n/en.ts"
PROBLEMS = {
    EXPIRED_CODE,
    NEVER_SENT.code,
    RenditionsFailedError.code,
    transcription.EngineError.code,
    transcription.FollowingFailedError.code,
    transcription.NoSpeechError.code,
    RenderFailedError.code,
    *(kind.code for kind in MediaError.__subclasses__()),
}


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_a_problem_of_an_update_has_a_sentence(code: str) -> None:
    assert f'"{code}": "' in ENGLISH.read_text(encoding="utf-8")
