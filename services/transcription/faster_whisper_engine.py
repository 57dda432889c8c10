"""Whisper by faster-whisper and CTranslate2: chunks of any recordings and languages in one batch.

Needs a folder with a CTranslate2 Whisper model. Decoding follows faster-whisper's own sequential
path window by window, but all chunks of a batch go through each step together. Where that path
draws random samples after a failed decoding, this one tries other deterministic settings, so that
a repeat after a crash gives the same words.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import (
    get_compression_ratio,
    get_suppressed_tokens,
    merge_punctuations,
)

from services.transcription.domain import EngineError, Sound, Tongue, tongues_of
from services.transcription.engine import (
    SAMPLE_RATE,
    Chunk,
    ChunkResult,
    Samples,
    SpokenWord,
)
from services.transcription.stretches import Stretch, stretches_of
from services.transcription.whisper_windows import (
    DRAFT_WIDTH,
    FULL_WIDTH,
    SHORT_WIDTH,
    Decoded,
    Features,
    Window,
    best,
    result_of,
)

_PREPEND = "\"'“¿([{-"
_APPEND = "\"'.。,\uff0c!\uff01?\uff1f:\uff1a”)]}、"
_MAX_INITIAL_TIMESTAMP_INDEX = 50
"""The first word begins within the first second of a window (steps of 20 ms)."""
_FRAME_MS = 10
_MOST_GLOSSARY_TOKENS = 100
"""Every token of the glossary is read before every window; the model has room for 223."""
_ENCODED_MS = 20
"""What one vector of the encoder's output stands for."""
_LEAST_ENCODED = 25
_MIN_TAIL_FRAMES = 40
"""A rest shorter than 0.4 s behind the last timestamp holds no word worth another window."""
_ATTEMPTS: tuple[dict[str, Any], ...] = (
    {},
    {"repetition_penalty": 1.15, "no_repeat_ngram_size": 4},
    {"beam_size": 1, "repetition_penalty": 1.3, "no_repeat_ngram_size": 3},
)


def count_gpus() -> int:
    """Return how many GPUs there are that CTranslate2 could use, if all their libraries are too."""
    return int(ctranslate2.get_cuda_device_count())


class FasterWhisperEngine:
    """A Whisper model in memory. Calls must not overlap."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        device: str = "cpu",
        compute_type: str = "int8",
        threads: int = 0,
        beam: int = 5,
        detectable: Sequence[str] = (),
    ) -> None:
        """Load the model. Raises ``EngineError`` where that fails.

        ``threads`` 0 lets CTranslate2 choose; ``beam`` is how many texts are weighed against each
        other; ``detectable`` restricts what detection may answer.
        """
        logging.getLogger("faster_whisper").setLevel(logging.WARNING)
        try:
            self._whisper = WhisperModel(
                str(folder),
                device=device,
                compute_type=compute_type,
                cpu_threads=threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as exc:
            raise EngineError(
                f"The speech model in {folder} cannot be loaded on {device}."
            ) from exc
        self._name = name
        self._beam = beam
        self._tokenizers: dict[str, Tokenizer] = {}
        self._languages: frozenset[str] = frozenset(self._whisper.supported_languages)
        self._detectable = self._languages & frozenset(detectable) or self._languages

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._name

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes the model was trained on."""
        return self._languages

    def warm_up(self) -> None:
        """Set up buffers and threads by encoding a second of nothing, which no one waits for.

        Raises ``EngineError`` where the device cannot do it.
        """
        silence = self._window(Chunk(pcm=np.zeros(SAMPLE_RATE, dtype=np.int16)))
        try:
            self._encode([silence], silence.width)
        except RuntimeError as exc:
            raise EngineError from exc

    def recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
        """Decode all chunks together; one whose last words were cut off gets another window."""
        try:
            return self._recognise(batch)
        except (RuntimeError, ValueError, IndexError) as exc:
            raise EngineError from exc

    def _recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
        windows = [self._window(chunk) for chunk in batch]
        pending = [window for window in windows if window.size > 0]
        while pending:
            for width in sorted({window.width for window in pending}):
                self._hear([window for window in pending if window.width == width], width)
            rest = [part for window in pending for part in window.parts or [window]]
            pending = [window for window in rest if window.size >= _MIN_TAIL_FRAMES]
        return [result_of(window.parts or [window]) for window in windows]

    def _hear(self, windows: Sequence[Window], width: int) -> None:
        """Bring each window forward: parted, a step further, or due to be heard at full width."""
        encoded = self._encode(windows, width)
        for row, window in enumerate(windows):
            self._detect(window, encoded, row)
        rows = [row for row, window in enumerate(windows) if not window.parts]
        if not rows:
            return
        whole = [windows[row] for row in rows]
        seen = encoded if len(whole) == len(windows) else _rows(encoded, rows)
        for row, (window, text) in enumerate(zip(whole, self._decode(whole, seen), strict=True)):
            if window.may_widen and not text.is_clear:
                window.widen()
            else:
                self._advance(window, text, seen, row)

    def _window(self, chunk: Chunk) -> Window:
        """Return a chunk as it is before it was heard.

        A model of one language needs no detection; an unknown code is ignored, not refused.
        """
        languages = self._languages & frozenset(chunk.languages) or self._detectable
        language = chunk.language if chunk.language in self._languages else None
        if language is None and len(languages) == 1:
            language = next(iter(languages))
        return Window(
            pcm=chunk.pcm,
            features=self._features(chunk.pcm),
            language=language,
            languages=languages,
            widths=(DRAFT_WIDTH, SHORT_WIDTH) if chunk.is_draft else (SHORT_WIDTH, FULL_WIDTH),
            is_draft=chunk.is_draft,
            glossary=self._glossary(chunk.glossary),
        )

    def _glossary(self, terms: tuple[str, ...]) -> tuple[int, ...]:
        """Return as many of the terms as there is room for, as a sentence before what is said."""
        tokens: tuple[int, ...] = ()
        for count in range(1, len(terms) + 1):
            sentence = f" {', '.join(terms[:count])}."
            longer = tuple(
                self._whisper.hf_tokenizer.encode(sentence, add_special_tokens=False).ids
            )
            if len(longer) > _MOST_GLOSSARY_TOKENS:
                break
            tokens = longer
        return tokens

    def _features(self, pcm: Samples) -> Features:
        features: Features = self._whisper.feature_extractor(pcm.astype(np.float32) / 32768.0)
        return features

    def _encode(self, windows: Sequence[Window], width: int) -> Any:
        """Return what the encoder makes of each window, padded to this width.

        A CPU does it one window at a time: the attention of several does not fit its cache.
        """
        seen = [
            pad_or_trim(window.features[:, window.seek : window.seek + window.size], width)
            for window in windows
        ]
        if self._whisper.model.device != "cpu" or len(seen) == 1:
            return self._whisper.encode(np.stack(seen))
        encoded = [np.asarray(self._whisper.encode(features[np.newaxis])) for features in seen]
        return ctranslate2.StorageView.from_array(np.concatenate(encoded))

    def _detect(self, window: Window, encoded: Any, row: int) -> None:
        """Settle the language where it is not known; where there are several, part the window.

        The encoder has seen all of the window, so each stretch is judged by its own part of that.
        """
        if window.language is not None:
            return
        stretches = stretches_of(window.pcm)
        seen = _rows(encoded, [row])
        tongues = tongues_of([self._sound(window, stretch, seen) for stretch in stretches])
        if len(tongues) == 1:
            window.language, window.probability = tongues[0].language, tongues[0].probability
            return
        window.parts = [
            self._part(
                window, tongue, stretches[tongue.first].start_ms, stretches[tongue.end - 1].end_ms
            )
            for tongue in tongues
        ]

    def _sound(self, window: Window, stretch: Stretch, encoded: Any) -> Sound:
        """Return how probable each language is for one stretch."""
        begin = min(stretch.start_ms // _ENCODED_MS, encoded.shape[1] - _LEAST_ENCODED)
        end = max(stretch.end_ms // _ENCODED_MS, begin + _LEAST_ENCODED)
        seen = ctranslate2.StorageView.from_array(
            np.ascontiguousarray(np.asarray(encoded)[:, begin:end])
        )
        (found,) = self._whisper.model.detect_language(seen)
        odds = {
            language: probability
            for language, probability in ((token.strip("<|>"), p) for token, p in found)
            if language in window.languages
        }
        total = sum(odds.values())
        return Sound(
            odds={
                language: probability / total if total > 0 else 1 / len(odds)
                for language, probability in odds.items()
            },
            speech_ms=stretch.end_ms - stretch.start_ms,
        )

    def _part(self, window: Window, tongue: Tongue, start_ms: int, end_ms: int) -> Window:
        """Return what was spoken in one language as a window of its own."""
        first, end = (ms * SAMPLE_RATE // 1000 for ms in (start_ms, end_ms))
        pcm = window.pcm[first:end]
        return Window(
            pcm=pcm,
            features=self._features(pcm),
            language=tongue.language,
            languages=window.languages,
            widths=window.widths,
            is_draft=window.is_draft,
            glossary=window.glossary,
            offset_ms=start_ms,
            probability=tongue.probability,
        )

    def _decode(self, windows: Sequence[Window], encoded: Any) -> list[Decoded]:
        """Try each setting on the windows for which none before it gave a good text.

        Where another width may help, that comes before another setting.
        """
        candidates: list[list[Decoded]] = [[] for _ in windows]
        waiting = list(range(len(windows)))
        for number, attempt in enumerate(_ATTEMPTS):
            decoded = self._try(windows, waiting, encoded, attempt, is_guided=number == 0)
            for index, candidate in zip(waiting, decoded, strict=True):
                candidates[index].append(candidate)
            waiting = [
                index
                for index in waiting
                if candidates[index][-1].is_poor and windows[index].may_retry
            ]
            if not waiting:
                break
        return [best(tried) for tried in candidates]

    def _try(
        self,
        windows: Sequence[Window],
        waiting: Sequence[int],
        encoded: Any,
        attempt: dict[str, Any],
        *,
        is_guided: bool,
    ) -> list[Decoded]:
        """Decode the waiting windows, those of one kind with prompts of one length together.

        Only the first attempt is guided by the glossary: it may be what led the decoder astray.
        """
        prompts = {index: self._prompt(windows[index], is_guided=is_guided) for index in waiting}
        decoded: dict[int, Decoded] = {}
        kinds = {index: (windows[index].is_draft, len(prompts[index])) for index in waiting}
        for kind in sorted(set(kinds.values())):
            alike = [index for index in waiting if kinds[index] == kind]
            part = encoded if len(alike) == len(windows) else _rows(encoded, alike)
            results = self._generate(
                [windows[index] for index in alike],
                [prompts[index] for index in alike],
                part,
                attempt,
            )
            decoded |= zip(alike, results, strict=True)
        return [decoded[index] for index in waiting]

    def _prompt(self, window: Window, *, is_guided: bool) -> list[int]:
        tokenizer = self._tokenizer(window)
        if not is_guided or not window.glossary:
            return list(tokenizer.sot_sequence)
        return [tokenizer.sot_prev, *window.glossary, *tokenizer.sot_sequence]

    def _generate(
        self,
        windows: Sequence[Window],
        prompts: Sequence[list[int]],
        encoded: Any,
        attempt: dict[str, Any],
    ) -> list[Decoded]:
        tokenizers = [self._tokenizer(window) for window in windows]
        results = self._whisper.model.generate(
            encoded,
            prompts,
            max_length=self._whisper.max_length,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizers[0], [-1]),
            max_initial_timestamp_index=_MAX_INITIAL_TIMESTAMP_INDEX,
            **{"beam_size": 1 if windows[0].is_draft else self._beam, **attempt},
        )
        return [
            Decoded(
                tokens=result.sequences_ids[0],
                log_prob=result.scores[0]
                * len(result.sequences_ids[0])
                / (len(result.sequences_ids[0]) + 1),
                no_speech=result.no_speech_prob,
                looping=get_compression_ratio(tokenizer.decode(result.sequences_ids[0]).strip()),
            )
            for tokenizer, result in zip(tokenizers, results, strict=True)
        ]

    def _advance(self, window: Window, decoded: Decoded, encoded: Any, row: int) -> None:
        """Add a window's words to its chunk and move on to what is left of it."""
        tokens, frames = self._settled(window, decoded)
        if tokens:
            self._align(window, tokens, _rows(encoded, [row]))
        window.seek += frames

    def _settled(self, window: Window, result: Decoded) -> tuple[list[int], int]:
        """Return the text tokens that stand, and how many frames of the window they account for."""
        if result.is_silence or (window.is_remnant and result.is_unlikely):
            return [], window.size
        tokenizer = self._tokenizer(window)
        segments, seek, _ = self._whisper._split_segments_by_timestamps(  # noqa: SLF001 - the same rule as upstream
            tokenizer=tokenizer,
            tokens=result.tokens,
            time_offset=0.0,
            segment_size=window.size,
            segment_duration=window.size * _FRAME_MS / 1000,
            seek=0,
        )
        if seek <= 0:
            return [token for token in result.tokens if token < tokenizer.eot], window.size
        tokens = [
            token for segment in segments for token in segment["tokens"] if token < tokenizer.eot
        ]
        return tokens, seek

    def _align(self, window: Window, tokens: list[int], encoded: Any) -> None:
        """Find each word's place in time by the model's attention.

        One window at a time: padded beside longer texts the last bits of the confidence change.
        """
        words = self._whisper.find_alignment(
            self._tokenizer(window), [tokens], encoded, [window.size]
        )[0]
        merge_punctuations(words, _PREPEND, _APPEND)
        offset_ms = window.offset_ms + window.seek * _FRAME_MS
        window.add(
            SpokenWord(
                start_ms=offset_ms + round(word["start"] * 1000),
                end_ms=offset_ms + round(word["end"] * 1000),
                text=word["word"],
                confidence=min(1.0, max(0.0, float(word["probability"]))),
            )
            for word in words
            if word["word"].strip()
        )

    def _tokenizer(self, window: Window) -> Tokenizer:
        language = window.language or "en"
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(
                self._whisper.hf_tokenizer,
                self._whisper.model.is_multilingual,
                task="transcribe",
                language=language,
            )
        return self._tokenizers[language]


def _rows(encoded: Any, indices: Sequence[int]) -> Any:
    """Return some rows of an encoder output, on the CPU; CTranslate2 moves them where needed."""
    on_cpu = encoded if encoded.device == "cpu" else encoded.to_device(ctranslate2.Device.cpu)
    return ctranslate2.StorageView.from_array(
        np.ascontiguousarray(np.asarray(on_cpu)[list(indices)])
    )
