"""Voice embeddings: the Resemblyzer encoder, run with numpy from the weights in its wheel.

Needs no torch: the checkpoint is a pickle of plain tensors, checked by sha256 and read with an
unpickler that knows nothing but them. A voiceprint lives in memory only and is kept nowhere.
"""

import hashlib
import importlib.util
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from services.transcription.domain import ModelError
from services.transcription.engine import SAMPLE_RATE, Samples

Floats = NDArray[np.float32]

HOP_SAMPLES = 160
WINDOW_FRAMES = 160
"""What one voiceprint is taken of: 1.6 s in steps of 10 ms."""
_FFT = 400
_MELS = 40
_LAYERS = 3
_LOUDNESS_DBFS = -30.0
_BATCH = 64
_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
_LEGACY_PICKLES = 3
"""Before the tensors an old torch file has a magic number, its version and its machine."""


class _Layer(NamedTuple):
    """Weights of one LSTM layer, transposed for multiplying from the left."""

    inputs: Floats
    recurrent: Floats
    bias: Floats


class VoiceEncoder:
    """Turns stretches of 1.6 s of speech into voiceprints. Slow work: keep it off the loop."""

    def __init__(self) -> None:
        """Raise ``ModelError`` when the weights are missing or not the ones we know."""
        tensors = _load_weights()
        self._layers = [
            _Layer(
                inputs=np.ascontiguousarray(tensors[f"lstm.weight_ih_l{number}"].T),
                recurrent=np.ascontiguousarray(tensors[f"lstm.weight_hh_l{number}"].T),
                bias=tensors[f"lstm.bias_ih_l{number}"] + tensors[f"lstm.bias_hh_l{number}"],
            )
            for number in range(_LAYERS)
        ]
        self._projection = np.ascontiguousarray(tensors["linear.weight"].T)
        self._offset = tensors["linear.bias"]

    def voiceprints(self, pcm: Samples, starts: list[int]) -> Floats:
        """Return one unit vector for each window of 1.6 s that begins at a frame of 10 ms."""
        frames = mel_frames(pcm)
        needed = max(starts, default=0) + WINDOW_FRAMES
        if len(frames) < needed:
            frames = np.pad(frames, ((0, needed - len(frames)), (0, 0)))
        prints = [
            self._encode(
                np.stack([frames[s : s + WINDOW_FRAMES] for s in starts[at : at + _BATCH]])
            )
            for at in range(0, len(starts), _BATCH)
        ]
        return np.concatenate(prints) if prints else np.zeros((0, 256), dtype=np.float32)

    def _encode(self, windows: Floats) -> Floats:
        """Run the network over a batch: (windows, frames, mels) in, (windows, 256) out."""
        sequence = np.ascontiguousarray(windows.transpose(1, 0, 2))
        for layer in self._layers:
            sequence = _run_layer(layer, sequence)
        raw = np.maximum(sequence[-1] @ self._projection + self._offset, 0.0)
        norms = np.linalg.norm(raw, axis=1, keepdims=True)
        return np.asarray(raw / np.maximum(norms, 1e-9), dtype=np.float32)


def _run_layer(layer: _Layer, sequence: Floats) -> Floats:
    """Run one LSTM layer over (frames, windows, width)."""
    count, batch, _ = sequence.shape
    width = layer.recurrent.shape[0]
    gates_of_input = sequence @ layer.inputs + layer.bias
    hidden = np.zeros((batch, width), dtype=np.float32)
    cell = np.zeros((batch, width), dtype=np.float32)
    output = np.empty((count, batch, width), dtype=np.float32)
    for step in range(count):
        gates = gates_of_input[step] + hidden @ layer.recurrent
        sigmoids = 1.0 / (1.0 + np.exp(-np.clip(gates, -60.0, 60.0)))
        candidate = np.tanh(gates[:, 2 * width : 3 * width])
        cell = sigmoids[:, width : 2 * width] * cell + sigmoids[:, :width] * candidate
        hidden = sigmoids[:, 3 * width :] * np.tanh(cell)
        output[step] = hidden
    return output


def mel_frames(pcm: Samples) -> Floats:
    """Return 40 mel powers for every 10 ms, as the encoder was trained on (no logarithm)."""
    wave = pcm.astype(np.float32) / 32768.0
    rms = float(np.sqrt(np.mean(wave**2))) if wave.size else 0.0
    if rms > 0:
        # Quiet speech is made louder; loud speech stays.
        wave = wave * max(1.0, 10 ** (_LOUDNESS_DBFS / 20) / rms)
    padded = np.pad(wave, _FFT // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::HOP_SAMPLES]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
    power = np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2
    return np.asarray(power @ _mel_filters(), dtype=np.float32)


@lru_cache(maxsize=1)
def _mel_filters() -> NDArray[np.float64]:
    """Return the filter bank (bins, mels): Slaney's scale, each filter of equal area."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE / 2), _MELS + 2))
    bins = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - lower) / (centre - lower)
    falling = (upper - bins[:, None]) / (upper - centre)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (upper - lower))


def _hz_to_mel(hz: float) -> float:
    """Slaney's mel: linear to 1 kHz, logarithmic above."""
    step, knee_hz, knee = 200.0 / 3, 1000.0, 15.0
    return knee + float(np.log(hz / knee_hz)) / (np.log(6.4) / 27.0) if hz >= knee_hz else hz / step


def _mel_to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    step, knee_hz, knee = 200.0 / 3, 1000.0, 15.0
    above = knee_hz * np.exp((np.log(6.4) / 27.0) * (mels - knee))
    return np.where(mels >= knee, above, mels * step)


class _Storage(NamedTuple):
    """A run of numbers in the file, named by its key."""

    key: str
    size: int


class _TensorUnpickler(pickle.Unpickler):
    """Reads tensors and nothing else: whatever another name in the pickle would do is refused."""

    @override
    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _described,
            ("torch", "FloatStorage"): _Storage,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(name)
        return allowed[module, name]

    @override
    def persistent_load(self, pid: Any) -> _Storage:
        _, _, key, _, size, *_ = pid
        return _Storage(key=key, size=size)


def _described(
    storage: _Storage, offset: int, shape: tuple[int, ...], *_: Any
) -> tuple[_Storage, int, tuple[int, ...]]:
    return storage, offset, shape


def _load_weights() -> dict[str, Floats]:
    spec = importlib.util.find_spec("resemblyzer")
    path = Path(spec.origin).with_name("pretrained.pt") if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ModelError(
            "Telling speakers apart needs the wheel 'resemblyzer', not installed here."
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ModelError("The voice encoder's weights are damaged: reinstall 'resemblyzer'.")
    return read_checkpoint(content)


def read_checkpoint(content: bytes) -> dict[str, Floats]:
    """Return the named tensors of ``model_state`` in a torch file of the old format."""
    stream = io.BytesIO(content)
    for _ in range(_LEGACY_PICKLES):
        _TensorUnpickler(stream).load()
    state = _TensorUnpickler(stream).load()["model_state"]
    keys = _TensorUnpickler(stream).load()
    storages: dict[str, Floats] = {}
    for key in keys:
        (size,) = np.frombuffer(stream.read(8), dtype="<i8")
        storages[key] = np.frombuffer(stream.read(4 * int(size)), dtype="<f4")
    return {
        name: storages[storage.key][offset : offset + int(np.prod(shape))].reshape(shape)
        for name, (storage, offset, shape) in state.items()
    }
