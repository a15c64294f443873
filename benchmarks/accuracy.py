"""How well words find pictures and sounds with the bundled family, and pictures words.

- Flickr8k (1,000 photographs, five captions each): with the shipped map, which has seen no caption,
  and with a map learnt on the captions of 800 photographs, judged on those of the other 200 with
  all 1,000 (or all 5,000 captions) as candidates; folds drawn with three seeds.
- ESC-10 (400 sounds, ten classes): zero-shot by the names of the classes, and a linear probe of the
  native vectors over the data set's own five folds.
- Nothing is chosen here: strengths are cross-validated inside the captions that are learnt from.

    python benchmarks/accuracy.py --flickr DIR --esc DIR --out benchmarks/results/accuracy.json

The file keeps the figures of sentence encoders that a run leaves out (``--text-models``).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from environment import environment
from numpy.typing import NDArray
from PIL import Image

from encoders.alignment import Alignment, fit_ridge, shipped
from encoders.alignment_fit import fit, fit_centre
from encoders.audio import SAMPLE_RATE_HZ, YamnetEncoder, resampled
from encoders.base import Encoder, unit
from encoders.image import ClipImageEncoder
from encoders.multilingual import MultilingualEncoder
from encoders.text import BGE_SMALL, MINILM, OnnxTextEncoder
from ingest.decoded import Waveform

Array = NDArray[np.float32]
Recalls = dict[str, float]
DEPTHS = (1, 5, 10)
SEEDS = (0, 1, 2)
NUM_FOLDS = 5
COMMAND = "python benchmarks/accuracy.py --flickr DIR --esc DIR"
PROMPT = "the sound of {}"
PROBE_STRENGTH = 10.0
"""C of the logistic regression, set beforehand."""


def cached(cache: Path, name: str, make: Callable[[], Array]) -> Array:
    """An array made once per cache folder."""
    path = cache / f"{name}.npy"
    if not path.exists():
        np.save(path, make())
    return np.asarray(np.load(path), np.float32)


def text_encoder(name: str) -> Encoder[str]:
    """A packaged sentence encoder by name."""
    for model in (MINILM, BGE_SMALL):
        if model.weights == name:
            return OnnxTextEncoder(model)
    return MultilingualEncoder()


def recalls(queries: Array, items: Array, good: NDArray[np.bool_]) -> Recalls:
    """Percentage of queries with a good item among the first 1, 5 and 10.

    Args:
        queries: unit vectors, (Q, D).
        items: unit vectors, (N, D).
        good: whether an item answers a query, (Q, N).
    """
    scores = queries @ items.T
    best = np.where(good, scores, -np.inf).max(axis=1)
    ranks = (scores > best[:, None]).sum(axis=1)
    return {f"recall@{k}": 100 * float((ranks < k).mean()) for k in DEPTHS}


class Flickr:
    """Vectors of the photographs and captions.

    Args:
        folder: holds captions.txt and images/.
        text_model: sentence encoder.
        cache: keeps vectors between runs.
    """

    def __init__(self, folder: Path, text_model: str, cache: Path) -> None:
        rows = [r.split(",", 1) for r in (folder / "captions.txt").read_text().splitlines()[1:]]
        files = sorted({file for file, _ in rows})
        place = {file: index for index, file in enumerate(files)}
        self.owners = np.array([place[file] for file, _ in rows])
        self.text_model = text_model
        self.images = cached(cache, "flickr-images", lambda: _pictures(folder / "images", files))
        self.words = cached(
            cache,
            f"flickr-{text_model}",
            lambda: text_encoder(text_model).encode([words.strip('"') for _, words in rows]),
        )
        self.good = self.owners[:, None] == np.arange(len(files))[None]

    def both_ways(
        self, image_map: Alignment, text_map: Alignment, asked: NDArray[np.bool_] | None = None
    ) -> dict[str, Recalls]:
        """Recall of captions for photographs and of photographs for captions.

        Args:
            image_map: brings photographs into the joint space.
            text_map: brings captions there.
            asked: photographs, (N,), whose captions and which themselves are queries; all if none.
        """
        items, captions = image_map.apply(self.images), text_map.apply(self.words)
        asked = np.ones(len(items), bool) if asked is None else asked
        of_asked = asked[self.owners]
        return {
            "text to image": recalls(captions[of_asked], items, self.good[of_asked]),
            "image to text": recalls(items[asked], captions, self.good.T[asked]),
        }

    def without_captions(self) -> dict[str, Recalls]:
        """The shipped maps, which have seen no caption."""
        return self.both_ways(
            shipped("clip-vit-b16", self.text_model), shipped(self.text_model, self.text_model)
        )

    def with_captions(self, seed: int, *, from_nothing: bool = False) -> dict[str, Recalls]:
        """Maps learnt on four folds of photographs and judged on the fifth, mean over folds.

        Args:
            seed: which photographs form a fold.
            from_nothing: plain ridge regression without the shipped map, for comparison.
        """
        order = np.random.default_rng(seed).permutation(len(self.images))
        found = []
        for fold in range(NUM_FOLDS):
            asked = np.isin(np.arange(len(order)), order[fold::NUM_FOLDS])
            seen = ~asked[self.owners]
            text_map = shipped(self.text_model, self.text_model)
            if from_nothing:
                owned = self.images[self.owners[seen]]
                image_map = fit_ridge(owned, text_map.apply(self.words[seen]), 5.0)
            else:
                text_map = fit_centre(self.words[seen], text_map)
                image_map, _ = fit(
                    self.images,
                    text_map.apply(self.words[seen]),
                    self.owners[seen],
                    shipped("clip-vit-b16", self.text_model),
                    seed,
                )
            found.append(self.both_ways(image_map, text_map, asked))
        return _average(found)


def measure_flickr(folder: Path, text_model: str, cache: Path) -> dict[str, Any]:
    """Every figure of one sentence encoder on Flickr8k."""
    data = Flickr(folder, text_model, cache)
    runs = [data.with_captions(seed) for seed in SEEDS]
    return {
        "no captions": data.without_captions(),
        "own captions, 5 folds": _average(runs),
        "own captions, 5 folds, spread over seeds": _average(runs, np.std),
        "own captions, 5 folds, without the shipped map": _average(
            [data.with_captions(seed, from_nothing=True) for seed in SEEDS]
        ),
        "chance": {
            "text to image": {f"recall@{k}": k / 10 for k in DEPTHS},
            "image to text": {f"recall@{k}": 100 * (1 - 0.999**k) for k in DEPTHS},
        },
    }


def measure_esc(folder: Path, text_model: str, cache: Path) -> dict[str, Any]:
    """Zero-shot accuracy with one sentence encoder, and that of a linear probe, on ESC-10."""
    from sklearn.linear_model import LogisticRegression

    files = sorted(folder.glob("*/*.ogg"))
    names = sorted({file.parent.name for file in files})
    labels = np.array([names.index(file.parent.name) for file in files])
    folds = np.array([int(file.name[0]) for file in files])
    native = cached(cache, "esc", lambda: _sounds(files))
    spoken = [name.split(" - ")[1].lower() for name in names]
    sounds = shipped("yamnet", text_model).apply(native)
    encoder, text_map = text_encoder(text_model), shipped(text_model, text_model)
    asked = {"prompted": [PROMPT.format(s) for s in spoken], "bare names": spoken}
    zero_shot = {
        kind: _accuracy(sounds @ text_map.apply(encoder.encode(words)).T, labels)
        for kind, words in asked.items()
    }
    probe = []
    for fold in np.unique(folds):
        held = folds == fold
        model = LogisticRegression(C=PROBE_STRENGTH, max_iter=2000)
        model.fit(native[~held], labels[~held])
        probe.append(float((model.predict(native[held]) == labels[held]).mean()))
    return {
        "zero-shot": zero_shot,
        "linear probe, 5 folds": {"mean": float(np.mean(probe)), "folds": probe},
        "chance": 1 / len(names),
    }


def _accuracy(scores: Array, labels: NDArray[np.integer]) -> float:
    return float((scores.argmax(axis=1) == labels).mean())


def _average(
    runs: list[dict[str, Recalls]], how: Callable[..., Any] = np.mean
) -> dict[str, Recalls]:
    return {
        way: {depth: float(how([run[way][depth] for run in runs])) for depth in runs[0][way]}
        for way in runs[0]
    }


def _pictures(folder: Path, files: list[str]) -> Array:
    encoder = ClipImageEncoder()
    rows = []
    for file in files:
        with Image.open(folder / file) as picture:
            rows.append(encoder.encode([np.asarray(picture.convert("RGB"))]))
    return np.concatenate(rows)


def _sounds(files: list[Path]) -> Array:
    import soundfile

    encoder, rows = YamnetEncoder(), []
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        sound = Waveform(samples=samples.mean(axis=1), sample_rate_hz=rate)
        rows.append(encoder.encode([resampled(sound, SAMPLE_RATE_HZ)]))
    return unit(np.concatenate(rows))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Accuracy of the bundled family.")
    parser.add_argument("--flickr", type=Path, required=True, help="captions.txt and images/")
    parser.add_argument("--esc", type=Path, required=True, help="one folder of .ogg per class")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/accuracy.json"))
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "accuracy")
    models = [MINILM.weights, BGE_SMALL.weights, MultilingualEncoder.weights]
    parser.add_argument("--text-models", nargs="+", default=models)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    for model in args.text_models:
        where = environment(("numpy", "onnxruntime", "ai-edge-litert", "scikit-learn", "pillow"))
        results[model] = {
            "environment": {**where, "command": f"{COMMAND} --text-models {model}"},
            "flickr8k-1k": measure_flickr(args.flickr, model, args.cache),
            "esc-10": measure_esc(args.esc, model, args.cache),
        }
        args.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
