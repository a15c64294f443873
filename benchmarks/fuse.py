"""Does learning to fuse pay? Items liked together, found by one another's joint vectors.

- Data and questions: ``fuse_sets.py``. Ranking is over all items but those seen together in
  training; recall@k is the share of the right items, at most k of them, among the first k.
- Masked mean and single modalities learn nothing. The others learn by ``fusion.train`` from the
  same pairs, with the same steps and the same early stopping on items held out from training.
- Chosen on the validation part with seed 0, for each rival alike: the learning rate.
- A modality is taken away from every item at once (what a fuser is worth without it), and from the
  items asked with alone (a new item that lacks it, in a catalogue that has it).
- Words: films that nobody had liked in training, found by their own words from their posters, and
  by their plots from all they have.

    python benchmarks/fuse.py --videos DIR --ratings DIR --posters DIR --plots DIR --cache DIR
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from environment import environment, write_result
from fuse_rivals import rival
from fuse_sets import DataSet, Questions, films, short_videos

from fusion.judge import fused
from fusion.network import FusionNetwork
from fusion.train import TrainConfig, train
from fusion.weights import NetworkConfig
from ingest.item import MODALITIES

SEEDS = (0, 1, 2)
DEPTHS = (10, 20)
RATES = (5e-4, 1.5e-3)
RIVALS = {
    "gated": True,
    "attention without gates": False,
    "concatenation and projection": True,
}
CONFIG = TrainConfig(epochs=6, num_steps=40)
"""Few steps, for a machine of two cores; more may help."""
Figures = dict[str, float]


def ranked(vectors: np.ndarray, asked: np.ndarray, questions: Questions) -> Figures:
    """Recall and NDCG, in percent.

    Args:
        vectors: unit vectors of the candidates, (N, D).
        asked: unit vectors of the questions, (Q, D).
        questions: what is right, and what is no candidate.
    """
    scores = np.where(questions.known, -np.inf, asked @ vectors.T)
    first = np.argsort(-scores, axis=1)[:, : max(DEPTHS)]
    hits = np.take_along_axis(questions.right, first, axis=1)
    counts = questions.right.sum(axis=1)
    gains = 1 / np.log2(np.arange(max(DEPTHS)) + 2)
    found: Figures = {}
    for depth in DEPTHS:
        possible = np.minimum(counts, depth)
        best = np.array([gains[:n].sum() for n in possible])
        found[f"recall@{depth}"] = 100 * float((hits[:, :depth].sum(axis=1) / possible).mean())
        found[f"ndcg@{depth}"] = 100 * float(
            ((hits[:, :depth] * gains[:depth]).sum(1) / best).mean()
        )
    return found


def vectors_of(network: FusionNetwork, data: DataSet, kept: Sequence[str] = ()) -> np.ndarray:
    """Joint vectors of all items, from all or some of their modalities."""
    allowed = np.array([not kept or name in kept for name in MODALITIES])
    rows = []
    for start in range(0, len(data.views), 512):
        tokens, present = data.views.batch(np.arange(start, min(start + 512, len(data.views))))
        rows.append(fused(network, tokens, present & allowed[:, None]))
    return np.concatenate(rows)


def measured(network: FusionNetwork, data: DataSet) -> dict[str, Figures]:
    """Every figure of one state of a network on the test questions."""
    whole = vectors_of(network, data)
    asked = data.test.asked
    found = {"all": ranked(whole, whole[asked], data.test)}
    for name in data.modalities:
        some = vectors_of(network, data, [name])
        found[f"only {name}"] = ranked(some, some[asked], data.test)
        found[f"only {name}, of the items asked with"] = ranked(whole, some[asked], data.test)
    return found


def learnt(
    data: DataSet, name: str, config: TrainConfig, shape: NetworkConfig, folder: Path
) -> tuple[FusionNetwork, int]:
    """A network at its best round, and which that was."""
    network = rival(name, replace(shape, gated=RIVALS[name]), config.seed)
    checkpoint = folder / f"{data.name}-{name}.safetensors"
    _, report = train(data.views, data.pairs, config, checkpoint, lambda _: None, network)
    checkpoint.unlink()
    return network, report.best_epoch


def compare(data: DataSet, cache: Path, words: Callable[[FusionNetwork], Figures] | None) -> Any:
    """All rivals on one data set."""
    shape = NetworkConfig(width=data.views.width)
    start = FusionNetwork(shape).eval()
    result: dict[str, Any] = {"masked mean": measured(start, data)}
    if words:
        result["masked mean"]["words"] = words(start)
    for name in RIVALS:
        tried = {}
        for rate in RATES:
            config = replace(CONFIG, learning_rate=rate)
            network, epoch = learnt(data, name, config, shape, cache)
            whole = vectors_of(network, data)
            score = ranked(whole, whole[data.valid.asked], data.valid)["ndcg@20"]
            tried[rate] = (score, network, epoch)
        rate = max(tried, key=lambda r: tried[r][0])
        networks, epochs = [tried[rate][1]], [tried[rate][2]]
        for seed in SEEDS[1:]:
            config = replace(CONFIG, learning_rate=rate, seed=seed)
            network, epoch = learnt(data, name, config, shape, cache)
            networks.append(network)
            epochs.append(epoch)
        result[name] = _over_seeds([measured(network, data) for network in networks])
        if words:
            result[name]["words"] = _over_seeds([{"w": words(n)} for n in networks])["w"]
        result[name]["chosen"] = {
            "learning rate": rate,
            "validation ndcg@20 by rate": {str(r): t[0] for r, t in tried.items()},
            "best round": epochs,
        }
        print(data.name, name, result[name], flush=True)
    return result


def word_recall(data: DataSet, plots: DataSet) -> Callable[[FusionNetwork], Figures]:
    """Recall by words of films that no training pair names.

    Args:
        data: films with whole views.
        plots: the same films with the plot as the last part of their words.
    """
    unseen = np.setdiff1d(np.arange(len(data.views)), data.pairs)
    tokens, present = plots.views.batch(unseen)
    text = MODALITIES.index("text")
    told = present[:, text].sum(axis=1) == 4  # the whole, title, genres and plot
    own, plot = tokens[:, text, 0], tokens[told, text, 3]

    def found(network: FusionNetwork) -> Figures:
        posters = vectors_of(network, data, ["image"])[unseen]
        everything = vectors_of(network, data)[unseen]
        return {
            "words to posters, recall@10": _recall(own, posters, np.arange(len(unseen))),
            "plot to films, recall@10": _recall(plot, everything, np.flatnonzero(told)),
        }

    return found


def _recall(queries: np.ndarray, items: np.ndarray, own: np.ndarray) -> float:
    scores = queries @ items.T
    ranks = (scores > scores[np.arange(len(own)), own][:, None]).sum(axis=1)
    return 100 * float((ranks < 10).mean())


def by_views_alone(data: DataSet, words: Callable[[FusionNetwork], Figures], cache: Path) -> Any:
    """What learning without any event does to finding by words."""
    found = []
    for seed in SEEDS:
        alone = replace(data, pairs=data.pairs[:0])
        config = replace(CONFIG, seed=seed)
        shape = NetworkConfig(width=data.views.width)
        network, epoch = learnt(alone, "gated", config, shape, cache)
        found.append({"words": words(network), "all": measured(network, data)["all"]})
        print("views alone", epoch, found[-1], flush=True)
    return _over_seeds(found)


def with_parts(sets: dict[str, DataSet], rate: float, cache: Path) -> Any:
    """Gated fusion with parts of views as tokens, at the learning rate that suits whole views."""
    result = {}
    for name, data in sets.items():
        shape = NetworkConfig(width=data.views.width)
        config = replace(CONFIG, learning_rate=rate)
        runs = [
            measured(learnt(data, "gated", replace(config, seed=seed), shape, cache)[0], data)
            for seed in SEEDS[:2]
        ]
        result[name] = _over_seeds(runs)["all"]
        print("parts", name, result[name], flush=True)
    return result


def _over_seeds(runs: list[dict[str, Figures]]) -> dict[str, Any]:
    """Mean and standard deviation of every figure."""
    return {
        part: {
            name: {
                "mean": float(np.mean([run[part][name] for run in runs])),
                "sd": float(np.std([run[part][name] for run in runs], ddof=1)),
            }
            for name in runs[0][part]
        }
        for part in runs[0]
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Fusion by items liked together.")
    for name in ("videos", "ratings", "posters", "plots"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "fusion")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.cache.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"environment": environment(("numpy", "torch", "onnxruntime"))}
    folders = (args.ratings, args.posters, args.plots, args.cache)
    data = films(*folders)
    parts = {name: films(*folders, name) for name in ("words", "patches")}
    words = word_recall(data, parts["words"])
    videos = short_videos(args.videos, args.cache)
    measures: dict[str, Callable[[], Any]] = {
        "tiktok-diffmm": lambda: compare(videos, args.cache, None),
        "ml-latest-small": lambda: compare(data, args.cache, words),
        "ml-latest-small, without events": lambda: by_views_alone(data, words, args.cache),
        "ml-latest-small, parts of views as tokens": lambda: with_parts(
            parts, result["ml-latest-small"]["gated"]["chosen"]["learning rate"], args.cache
        ),
    }
    result["sizes"] = {
        each.name: {
            "items": len(each.views),
            "pairs": len(each.pairs),
            "questions": len(each.test.asked),
            "right items a question": float(each.test.right.sum(axis=1).mean()),
        }
        for each in (videos, data)
    }
    for name, measure in measures.items():
        result[name] = measure()
        write_result("fusion", result)


if __name__ == "__main__":
    main()
