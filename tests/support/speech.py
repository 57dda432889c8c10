"""Finds real speech for tests, or makes some where there is none.

Real recordings lie in ``TIDINGS_TEST_SPEECH`` (default ``../shared/speech`` beside the repository).
Without them a test run speaks a few sentences with a synthesiser instead; under ``CI=true`` their
absence is an error, so that a measured build never passes on synthetic speech unnoticed.
"""

import atexit
import ctypes
import functools
import json
import os
import shutil
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader

REPOSITORY = Path(__file__).resolve().parents[2]
SENTENCES = {
    "en": "We decided to move the launch to Friday. Anna will tell the customers tomorrow.",
    "de": "Wir haben beschlossen, den Start auf Freitag zu verschieben. Anna sagt es den Kunden.",
    "nl": "We hebben besloten de lancering naar vrijdag te verplaatsen. Anna belt de klanten.",
    "fr": "Nous avons décidé de déplacer le lancement à vendredi. Anna prévient les clients.",
    "es": "Hemos decidido mover el lanzamiento al viernes. Ana avisará a los clientes mañana.",
}
_SHORTEST_S, _LONGEST_S = 4.0, 12.0
_CLEAR_HZ = 16_000
_WORDS = 5

_SYNCHRONOUS = 2
_BY_CHARACTER = 1
_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class SpeechMissingError(Exception):
    """Real speech is required here and was not found."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One file and what is known about it."""

    path: Path
    seconds: float
    language: str | None
    text: str | None
    kind: str
    quality: str = "high"
    """How far the words can be trusted: ``high``, ``medium`` or ``none``."""
    sample_rate: int = 22_050
    note: str | None = None


def speech_dir() -> Path | None:
    """Return the folder of real speech, None where tests may make their own."""
    folder = Path(os.environ.get("TIDINGS_TEST_SPEECH", REPOSITORY.parent / "shared" / "speech"))
    if (folder / "manifest.jsonl").is_file():
        return folder
    if os.environ.get("CI") == "true":
        raise SpeechMissingError("set TIDINGS_TEST_SPEECH to the folder with manifest.jsonl")
    return None


@functools.cache
def manifest() -> tuple[Recording, ...]:
    """Return every recording there is: the real ones, else one synthetic per language."""
    folder = speech_dir()
    if folder is None:
        return tuple(_synthetic(language) for language in SENTENCES)
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_described(folder, json.loads(line)) for line in lines)


def speech_file(language: str = "en") -> Recording:
    """Return a short, clear recording of known words in the language."""
    found = [
        recording
        for recording in manifest()
        if recording.language == language
        and recording.kind == "speech"
        and len((recording.text or "").split()) >= _WORDS
        and _SHORTEST_S <= recording.seconds <= _LONGEST_S
    ]
    clear = [
        recording
        for recording in found
        if recording.quality == "high" and recording.sample_rate >= _CLEAR_HZ
    ]
    best = (*clear, *found)
    return best[0] if best else _synthetic(language)


def recording_named(name: str) -> Recording | None:
    """Return the real recording whose path ends so, None where there is only synthetic speech."""
    return next((found for found in manifest() if str(found.path).endswith(name)), None)


def synthesize(text: str, language: str, path: Path) -> Path:
    """Speak the text into a WAV file at ``path``."""
    library, sample_rate = _synthesizer()
    samples = bytearray()

    def keep(wave_data: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if count > 0:
            samples.extend(ctypes.string_at(wave_data, count * ctypes.sizeof(ctypes.c_short)))
        return 0

    callback = _CALLBACK(keep)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(language.encode()) != 0:
        raise ValueError(f"the synthesiser has no voice for {language!r}")
    spoken = text.encode()
    library.espeak_Synth(spoken, len(spoken) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        out.writeframes(bytes(samples))
    return path


@functools.cache
def _synthesizer() -> tuple[ctypes.CDLL, int]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    sample_rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
    if sample_rate <= 0:
        raise RuntimeError("the speech synthesiser did not start")
    return library, sample_rate


@functools.cache
def _synthetic_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tidings-speech-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _synthetic(language: str) -> Recording:
    text = SENTENCES[language]
    path = synthesize(text, language, _synthetic_folder() / f"{language}.wav")
    with wave.open(str(path), "rb") as made:
        seconds = made.getnframes() / made.getframerate()
    return Recording(
        path=path, seconds=seconds, language=language, text=text, kind="speech", note="synthetic"
    )


def _described(folder: Path, line: dict[str, object]) -> Recording:
    language, text, note = line.get("language"), line.get("text"), line.get("note")
    return Recording(
        path=folder / str(line["path"]),
        seconds=float(str(line["seconds"])),
        language=str(language) if language else None,
        text=str(text) if text else None,
        kind=str(line["kind"]),
        quality=str(line.get("ref_quality") or "none"),
        sample_rate=int(str(line.get("sample_rate") or 0)),
        note=str(note) if note else None,
    )
