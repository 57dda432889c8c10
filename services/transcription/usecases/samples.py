"""Reads the samples of a chunk."""

import numpy as np

from services.transcription.engine import Samples
from shared.blobs.port import Blobs


async def read_samples(blobs: Blobs, key: str) -> Samples:
    """Return them as they were cut. Raises what the blobs raise where they are gone or away."""
    data = b"".join([data async for data in blobs.read(key)])
    return np.frombuffer(data, dtype="<i2").astype(np.int16)
