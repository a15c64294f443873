"""Does learning to fuse pay? Items liked together, found by one another's joint vectors.

- Data and questions: ``fuse_sets.py``. Ranking is over all items but the one asked with; short
  videos also leave out what it was seen with in training, and films are counted so as well.
  recall@k is the share of the right items, at most k of them, among the first k.
- Masked mean and single modalities learn nothing. The others learn by ``fusion.train`` from the
  same pairs, with the same steps and the same early stopping on items held out from training.
- Chosen on the validation part with seed 0, for each rival alike: the learning rate.
- A modality is taken away from every item at once (what a fuser is worth without it), and from the
  items asked with alone (a new item that lacks it, in a catalogue that has it).
- Words: films that nobody had liked in training, found by their own words from their posters, and
  by their plots from all they have.

    python benchmarks/fuse.py --videos DIR --ratings DIR --posters DIR --plots DIR --cache DIR

The file keeps the figures of measures and rivals that a run leaves out (``--measures``,
``--rivals``).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from environment import RESULTS, environment, write_result
from fuse_rivals import RIVALS, rival
from fuse_sets import DataSet, Questions, films, short_videos

from fusion.judge import fused
from fusion.network import FusionNetwork
from fusion.train import TrainConfig, TrainReport, train
from fusion.weights import NetworkConfig
from ingest.item import MODALITIES

COMMAND = "python benchmarks/fuse.py --videos DIR --ratings DIR --posters DIR --plots DIR"
SEEDS = (0, 1, 2)
DEPTHS = (10, 20)
RATES = (5e-4, 1.5e-3)
CONFIG = TrainConfig(epochs=6, num_steps=40)
"""Few steps, for a machine of two cores; more may help."""
VIDEOS, FILMS, ALONE = "tiktok-diffmm", "ml-latest-small", "ml-latest-small, without events"
MEASURES = (VIDEOS, FILMS, ALONE)
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
    if data.unseen:
        found["never seen together"] = ranked(whole, whole[data.unseen.asked], data.unseen)
    for name in data.modalities:
        some = vectors_of(network, data, [name])
        found[f"only {name}"] = ranked(some, some[asked], data.test)
        found[f"only {name}, of the items asked with"] = ranked(whole, some[asked], data.test)
    return found


def learnt(
    data: DataSet, name: str, config: TrainConfig, folder: Path
) -> tuple[FusionNetwork, TrainReport]:
    """A network at its best round, and how it got there."""
    network = rival(name, data.views.width, config.seed)
    checkpoint = folder / f"{data.name}-{name}.safetensors"
    _, report = train(data.views, data.pairs, config, checkpoint, lambda _: None, network)
    checkpoint.unlink()
    return network, report


def compare(
    data: DataSet,
    rivals: Sequence[str],
    cache: Path,
    words: Callable[[FusionNetwork], Figures] | None,
) -> Any:
    """Rivals on one data set."""
    start = FusionNetwork(NetworkConfig(width=data.views.width)).eval()
    result: dict[str, Any] = {"masked mean": measured(start, data)}
    if words:
        result["masked mean"]["words"] = words(start)
    for name in rivals:
        tried = {}
        for rate in RATES:
            config = replace(CONFIG, learning_rate=rate)
            network, report = learnt(data, name, config, cache)
            whole = vectors_of(network, data)
            score = ranked(whole, whole[data.valid.asked], data.valid)["ndcg@20"]
            tried[rate] = (score, network, report.best_epoch)
        rate = max(tried, key=lambda r: tried[r][0])
        networks, epochs = [tried[rate][1]], [tried[rate][2]]
        for seed in SEEDS[1:]:
            config = replace(CONFIG, learning_rate=rate, seed=seed)
            network, report = learnt(data, name, config, cache)
            networks.append(network)
            epochs.append(report.best_epoch)
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


def by_views_alone(sets: dict[str, DataSet], plots: DataSet, cache: Path) -> Any:
    """What learning without any event gives, from whole views and from parts of views as tokens."""
    result: dict[str, Any] = {}
    for name, data in sets.items():
        alone, words, runs = replace(data, pairs=data.pairs[:0]), word_recall(data, plots), []
        for seed in SEEDS:
            network, report = learnt(alone, "gated", replace(CONFIG, seed=seed), cache)
            held_out = {
                "words to posters, recall@10, before": 100 * report.before.words,
                "words to posters, recall@10": 100 * report.after.words,
                "films": report.after.num_worded,
            }
            found = {**measured(network, data), "words": words(network)}
            runs.append({**found, "films held out": held_out})
        result[name] = _over_seeds(runs)
        print("views alone", name, result[name], flush=True)
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
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=MEASURES)
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=RIVALS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.cache.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "fusion.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name in args.measures:
        where = environment(("numpy", "torch", "onnxruntime"))
        where["command"] = f"{COMMAND} --measures '{name}'"
        if args.rivals != RIVALS:
            where["command"] += f" --rivals {' '.join(map(repr, args.rivals))}"
        result[name] = {**result.get(name, {}), "environment": where, **measure(name, args)}
        write_result("fusion", result)


def measure(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """One part of the figures."""
    if name == VIDEOS:
        videos = short_videos(args.videos, args.cache)
        return {"sizes": sizes(videos), **compare(videos, args.rivals, args.cache, None)}
    folders = (args.ratings, args.posters, args.plots, args.cache)
    data, worded = films(*folders), films(*folders, "words")
    if name == FILMS:
        found = compare(data, args.rivals, args.cache, word_recall(data, worded))
        return {"sizes": sizes(data), **found}
    sets = {"whole views": data, "title, genres and plot": worded}
    sets["quarters of posters"] = films(*folders, "patches")
    return dict(by_views_alone(sets, worded, args.cache))


def sizes(data: DataSet) -> dict[str, float]:
    """How much there is to learn from and to find."""
    return {
        "items": len(data.views),
        "pairs": len(data.pairs),
        "questions": len(data.test.asked),
        "right items a question": float(data.test.right.sum(axis=1).mean()),
    }


if __name__ == "__main__":
    main()
