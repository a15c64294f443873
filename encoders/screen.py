"""Words on screen, read with RapidOCR (extra ``ocr``)."""

from __future__ import annotations

import importlib.metadata
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint
from encoders.onnx import Threads
from encoders.wheels import ModelUnavailableError

MIN_CONFIDENCE = 0.6
"""Lines that the reader is less sure of are left out: patterns read as letters score low."""
MIN_CHARACTERS = 2
"""Lines with fewer letters and digits are left out: edges and logos read as single signs."""
MAX_LINES = 200
"""Lines kept per content."""


class ScreenReader:
    """Reads the words that are visible in frames.

    Args:
        threads: how much of the machine reading may use.
    """

    def __init__(self, threads: Threads | None = None) -> None:
        self.threads = threads or Threads()

    @property
    def fingerprint(self) -> Fingerprint:
        """What made the words.

        Raises:
            ModelUnavailableError: the extra is not installed.
        """
        try:
            version = importlib.metadata.version("rapidocr")
        except importlib.metadata.PackageNotFoundError as error:
            raise _missing() from error
        return Fingerprint(
            model="rapidocr",
            revision=version,
            preprocessing=f"lines of {MIN_CHARACTERS} characters and confidence {MIN_CONFIDENCE} "
            "or more, repeats left out",
        )

    def read(self, frames: NDArray[np.uint8]) -> str:
        """Read frames of one content.

        Args:
            frames: RGB, (T, H, W, 3) uint8, large enough to read.

        Returns:
            One line per line on screen, in order of first sight; a line that stays on screen, or
            differs only in case, spacing and punctuation, is told once. Empty without words.

        Raises:
            ModelUnavailableError: the extra is not installed.
        """
        lines: dict[str, str] = {}
        for frame in frames:
            # The reader takes channels in the order blue, green, red.
            found = self._engine(np.ascontiguousarray(frame[..., ::-1]))
            for text, score in zip(found.txts or (), found.scores or (), strict=True):
                key = "".join(filter(str.isalnum, text)).casefold()
                if len(key) >= MIN_CHARACTERS and score >= MIN_CONFIDENCE:
                    lines.setdefault(key, " ".join(text.split()))
        return "\n".join(list(lines.values())[:MAX_LINES])

    @cached_property
    def _engine(self) -> Any:
        try:
            from rapidocr import RapidOCR
        except ImportError as error:
            raise _missing() from error
        return RapidOCR(
            params={
                "Global.log_level": "error",
                "EngineConfig.onnxruntime.intra_op_num_threads": self.threads.number,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )


def _missing() -> ModelUnavailableError:
    return ModelUnavailableError(
        "words on screen need a reader that is not installed",
        "install sensorium[ocr], or set encoders.screen = false",
    )
