"""The baseline: faster-whisper called directly.

`python -m tests.support.direct THREADS BATCHED WORDS FILE…`, with 1 for yes and 0 for no. Loading
the model does not count.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

from services.transcription.models import prepare_model


def main(threads: int, paths: list[str], *, batched: bool, words: bool) -> None:
    """Transcribe all, one after the other, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model("base", Path(folder))
        whisper: Any = WhisperModel(
            str(model.folder), device="cpu", compute_type="int8", cpu_threads=threads
        )
    pipeline = BatchedInferencePipeline(whisper) if batched else whisper
    began_s = time.monotonic()
    for path in paths:
        segments, _ = pipeline.transcribe(path, language="en", word_timestamps=words)
        for _ in segments:
            pass
    took_s = time.monotonic() - began_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": round(took_s, 3), "peak_mib": round(peak_mib, 1)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[4:], batched=sys.argv[2] == "1", words=sys.argv[3] == "1")
