"""Sound with the packaged YAMNet: one vector and 521 AudioSet class scores in one pass.

- The vector is, in equal parts, the mean over windows of the last layer before the classes, which
  compares sounds, and the peaks of the class scores, which words can be compared with. The model
  gives only classes, so the layer is read from inside it; the interpreter must keep inner tensors.
- Windows overlap by half, so that a short sound is whole in at least one of them.
- A sound shorter than one window is padded with silence.
"""

from __future__ import annotations

import os
import threading
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint
from encoders.onnx import Threads
from encoders.pooling import sound_vector
from encoders.towers import Heard
from encoders.weights import locate, weights_named
from ingest.decoded import Waveform

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 15_600
HOP_SAMPLES = 7_800
LAYER_WIDTH = 1024
NUM_CLASSES = 521
_greeting = threading.Lock()
_INNER_LAYER = "tower0/network/layer28/reduce_mean"


@contextmanager
def _no_greeting() -> Iterator[None]:
    """Send what the native library says at its start nowhere; it has no setting for that."""
    with _greeting, Path(os.devnull).open("wb") as nowhere:
        kept = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


class YamnetEncoder:
    """YAMNet: sounds to vectors and class scores.

    Args:
        threads: how many windows are worked on at once.
    """

    weights = "yamnet"
    width = LAYER_WIDTH + NUM_CLASSES

    def __init__(self, threads: Threads | None = None) -> None:
        self.threads = threads or Threads()
        self._local = threading.local()

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes these vectors."""
        return Fingerprint(
            model=self.weights,
            revision=weights_named(self.weights).files[0].sha256,
            preprocessing=f"{SAMPLE_RATE_HZ} Hz mono, windows of {WINDOW_SAMPLES} samples every "
            f"{HOP_SAMPLES}, mean of {_INNER_LAYER} and peaks of scores",
        )

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of the 521 AudioSet classes, in the order of the scores."""
        with zipfile.ZipFile(locate(self.weights) / "model.tflite") as archive:
            return tuple(archive.read("yamnet_label_list.txt").decode().splitlines())

    def encode(self, media: Sequence[Waveform]) -> NDArray[np.float32]:
        """Encode sounds.

        Args:
            media: B sounds at 16 kHz, of any length.

        Returns:
            Unit vectors, (B, 1545).
        """
        rows = [sound_vector(heard.vectors, heard.scores) for heard in self.hear(media)]
        return np.array(rows, np.float32).reshape(-1, self.width)

    def hear(self, media: Sequence[Waveform]) -> list[Heard]:
        """Encode every window of each sound.

        Args:
            media: B sounds at 16 kHz, of any length.

        Raises:
            ModelUnavailableError: the weights are not in the cache.
            ValueError: a sound has another rate.
        """
        cut = [_windows(waveform) for waveform in media]
        windows = [window for part, _ in cut for window in part]
        if len(windows) < 2 or self.threads.number < 2:
            results = [self._window(window) for window in windows]
        else:
            results = list(self._pool.map(self._window, windows))
        heard, start = [], 0
        for part, starts in cut:
            chosen = results[start : start + len(part)]
            start += len(part)
            heard.append(
                Heard(
                    vectors=np.array([vector for vector, _ in chosen], np.float32),
                    scores=np.array([score for _, score in chosen], np.float32),
                    centres_seconds=(np.array(starts) + WINDOW_SAMPLES / 2) / SAMPLE_RATE_HZ,
                )
            )
        return heard

    def _window(
        self, samples: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        model, inner, (scale, zero) = self._interpreter()
        model.set_tensor(model.get_input_details()[0]["index"], samples)
        model.invoke()
        scores = model.get_tensor(model.get_output_details()[0]["index"])
        layer = (model.get_tensor(inner).astype(np.float32) - zero) * scale
        return layer.reshape(LAYER_WIDTH), scores.reshape(NUM_CLASSES)

    def _interpreter(self) -> tuple[Any, int, tuple[float, int]]:
        """This thread's interpreter (one may not be shared), the inner layer and its scale."""
        if not hasattr(self._local, "model"):
            path = locate(self.weights) / "model.tflite"
            from ai_edge_litert.interpreter import Interpreter

            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors.*")
                model = Interpreter(
                    model_path=str(path), num_threads=1, experimental_preserve_all_tensors=True
                )
            with _no_greeting():
                model.allocate_tensors()
            layer = next(d for d in model.get_tensor_details() if d["name"] == _INNER_LAYER)
            self._local.model = (model, layer["index"], layer["quantization"])
        found: tuple[Any, int, tuple[float, int]] = self._local.model
        return found

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads.number, thread_name_prefix=self.weights)


def resampled(waveform: Waveform, sample_rate_hz: int) -> Waveform:
    """The same sound at another rate; itself where it has that rate already."""
    if waveform.sample_rate_hz == sample_rate_hz:
        return waveform
    import torch
    from torchaudio.functional import resample

    samples = torch.from_numpy(np.ascontiguousarray(waveform.samples))
    changed = resample(samples, waveform.sample_rate_hz, sample_rate_hz)
    return Waveform(samples=changed.numpy(), sample_rate_hz=sample_rate_hz)


def _windows(waveform: Waveform) -> tuple[list[NDArray[np.float32]], list[int]]:
    """Windows of a sound and the sample that each starts at."""
    if waveform.sample_rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(f"expected {SAMPLE_RATE_HZ} Hz, got {waveform.sample_rate_hz = }")
    samples = waveform.samples
    count = 1 + max(0, -(-(len(samples) - WINDOW_SAMPLES) // HOP_SAMPLES))
    # The last window of a long sound starts earlier rather than hear silence that is not there.
    starts = [min(i * HOP_SAMPLES, max(0, len(samples) - WINDOW_SAMPLES)) for i in range(count)]
    padded = np.pad(samples, (0, max(0, WINDOW_SAMPLES - len(samples)))).astype(np.float32)
    return [padded[start : start + WINDOW_SAMPLES] for start in starts], starts
