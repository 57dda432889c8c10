"""How probable speech is: the Silero model that faster-whisper carries, run as a stream.

Always asked for the same number of windows at a time, so that the same samples give the same answer
to the last bit however they arrived. Reads the model's file without importing faster-whisper.
"""

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from services.transcription.domain import ModelError
from services.transcription.engine import Samples

WINDOW_SAMPLES = 512
BLOCK_WINDOWS = 16
BLOCK_SAMPLES = WINDOW_SAMPLES * BLOCK_WINDOWS
"""Half a second: what is asked for at a time."""
_CONTEXT_SAMPLES = 64
_ASSET = "assets/silero_vad_v6.onnx"


class VoiceActivity:
    """The detector's view of one recording."""

    def __init__(self) -> None:
        self._session = _load_session()
        self._hidden: NDArray[np.float32] = np.zeros((1, 1, 128), dtype=np.float32)
        self._cell: NDArray[np.float32] = np.zeros((1, 1, 128), dtype=np.float32)
        self._context: NDArray[np.float32] = np.zeros(_CONTEXT_SAMPLES, dtype=np.float32)

    def probabilities(self, block: Samples) -> list[float]:
        """Return one probability for each window of the next ``BLOCK_SAMPLES`` samples."""
        windows = (block.astype(np.float32) / 32768.0).reshape(BLOCK_WINDOWS, WINDOW_SAMPLES)
        tails = windows[:, -_CONTEXT_SAMPLES:]
        contexts = np.concatenate([self._context[np.newaxis], tails[:-1]])
        self._context = tails[-1]
        output, self._hidden, self._cell = self._session.run(
            None,
            {
                "input": np.concatenate([contexts, windows], axis=1),
                "h": self._hidden,
                "c": self._cell,
            },
        )
        return [float(value) for value in np.asarray(output).reshape(-1)]


@lru_cache(maxsize=1)
def _load_session() -> "onnxruntime.InferenceSession":
    spec = importlib.util.find_spec("faster_whisper")
    model = Path(spec.origin).parent / _ASSET if spec and spec.origin else None
    if model is None or not model.is_file():
        raise ModelError(
            "The voice activity model is missing: reinstall the package 'faster-whisper'."
        )
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        str(model), providers=["CPUExecutionProvider"], sess_options=options
    )
