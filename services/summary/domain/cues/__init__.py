"""The words by which decisions, actions, questions and topics are told, by language (ISO 639-1)."""

from collections.abc import Mapping

from services.summary.domain.cues.dutch import DUTCH
from services.summary.domain.cues.english import ENGLISH
from services.summary.domain.cues.french import FRENCH
from services.summary.domain.cues.german import GERMAN
from services.summary.domain.cues.model import Cues
from services.summary.domain.cues.spanish import SPANISH

__all__ = ["BY_LANGUAGE", "Cues"]

BY_LANGUAGE: Mapping[str, Cues] = {
    "en": ENGLISH,
    "de": GERMAN,
    "nl": DUTCH,
    "fr": FRENCH,
    "es": SPANISH,
}
