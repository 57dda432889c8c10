"""The real model on real speech: what one chunk gives does not depend on its neighbours."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from services.transcription import app
from services.transcription.domain import EngineError
from services.transcription.engine import Chunk, Engine
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from services.transcription.settings import Settings
from shared.media import decode_file
from tests.support.speech import speech_file

pytestmark = pytest.mark.integration


async def chunk_of(language: str, *, told: bool = False) -> Chunk:
    pcm = b"".join([data async for data in decode_file(speech_file(language).path)])
    samples = np.frombuffer(pcm, dtype="<i2")[: 16_000 * 8]
    return Chunk(pcm=samples, language=language if told else None)


async def test_a_batch_of_languages_gives_what_each_chunk_gives_alone(engine: Engine) -> None:
    batch = [await chunk_of(language) for language in ("de", "en", "fr")]
    together = engine.recognise(batch)
    assert [result.languages for result in together] == [("de",), ("en",), ("fr",)]
    assert together == [engine.recognise([chunk])[0] for chunk in batch]


async def test_chunks_of_any_length_go_together(engine: Engine) -> None:
    short = await chunk_of("en", told=True)
    batch = [
        Chunk(pcm=np.tile(short.pcm, 3), language="en"),
        short,
        Chunk(pcm=np.tile(short.pcm, 2), language="en"),
        Chunk(pcm=short.pcm[:16_000]),
    ]
    together = engine.recognise(batch)
    assert together == [engine.recognise([chunk])[0] for chunk in batch]
    assert together[0].words[-1].start_ms > 16_000


async def test_each_chunk_has_the_names_of_its_own_team_in_mind(engine: Engine) -> None:
    plain, german = await chunk_of("en", told=True), await chunk_of("de", told=True)
    batch = [
        plain,
        replace(plain, glossary=("Wijnhaven",)),
        replace(german, glossary=("Tidings", "Wijnhaven")),
    ]
    together = engine.recognise(batch)
    assert together == [engine.recognise([chunk])[0] for chunk in batch]
    assert all(result.words for result in together)


async def test_two_languages_in_one_chunk_are_told_apart(engine: Engine) -> None:
    pause = np.zeros(8_000, dtype=np.int16)
    parts = [await chunk_of(language) for language in ("de", "en")]
    both = np.concatenate([parts[0].pcm, pause, parts[1].pcm])
    (result,) = engine.recognise([Chunk(pcm=both, languages=("de", "en"))])
    german, english = result.turns
    assert (german.language, english.language) == ("de", "en")
    begins_ms = (parts[0].pcm.size + pause.size) * 1000 // 16_000
    assert german.words[-1].end_ms <= begins_ms + 500
    assert english.words[0].start_ms >= begins_ms - 500


async def test_a_told_language_is_taken_as_certain(engine: Engine) -> None:
    (result,) = engine.recognise([await chunk_of("de", told=True)])
    assert (result.languages, result.language_probability) == (("de",), 1.0)


async def test_detection_keeps_to_the_languages_allowed(model_dir: Path) -> None:
    model = prepare_model("base", model_dir)
    narrow = FasterWhisperEngine(model.folder, name=model.name, threads=1, detectable=("nl", "fr"))
    (result,) = narrow.recognise([await chunk_of("de")])
    assert set(result.languages) <= {"nl", "fr"}


async def test_a_model_of_one_language_uses_it_whatever_it_is_told(tmp_path: Path) -> None:
    model = prepare_model("tiny.en", tmp_path)
    tiny = FasterWhisperEngine(model.folder, name=model.name, threads=1)
    tiny.warm_up()
    assert tiny.languages == {"en"}
    (result,) = tiny.recognise([await chunk_of("en")])
    assert result.languages == ("en",)
    assert result.words


def test_a_moment_without_samples_has_no_words(engine: Engine) -> None:
    (result,) = engine.recognise([Chunk(pcm=np.zeros(0, dtype=np.int16), language="en")])
    assert result.words == ()


def test_no_chunks_are_no_work(engine: Engine) -> None:
    assert engine.recognise([]) == []


def test_a_folder_that_is_no_model_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(EngineError):
        FasterWhisperEngine(tmp_path, name="broken")


async def test_a_gpu_that_cannot_be_used_leaves_the_work_to_the_cpu(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    settings = Settings(
        database_url="postgresql://unused",
        nats_url="nats://unused",
        blob_url="file:///unused",
        model_dir=model_dir,
        threads=1,
    )
    assert settings.device == "auto"
    with ThreadPoolExecutor(1) as executor:
        engine = await app.load_engine(settings, executor)
        assert "GPU cannot be used" in "".join(capfd.readouterr())
        (result,) = engine.recognise([await chunk_of("en", told=True)])
        assert result.words
        with pytest.raises(EngineError):
            await app.load_engine(settings.model_copy(update={"device": "cuda"}), executor)
