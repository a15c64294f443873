"""Do profiles in words find more than means of vectors do, with the same network and budget?

- *temp-fusion*: the network fed with the mean of the latest three item vectors and that of all.
  *raw text*: the same with sentence vectors of titles. *template*, *smollm2*: encoded profiles. All
  are learnt alike; which round is kept is decided by ndcg at 10 on validation.
- Every item is ranked; what is in ``train`` and ``validation`` is left out for every model. On
  Games rows are also counted the published way.
- SmolLM2 has written of some users only (``benchmarks/profile_writing.py``), who are asked twice:
  with a network learnt from them alone, and with the template's, learnt from everybody.
- Swapped: the template's network asked with profiles of another user. Dot product: no network,
  the mean of the two title vectors against items.

Each seed is a process of its own; the last call puts the parts together:

    python benchmarks/profiles.py --games DIR --cache DIR --seed 0
    python benchmarks/profiles.py --office DIR --cache DIR --seed 0
    python benchmarks/profiles.py --films DIR --cache DIR --seed 0
    python benchmarks/profiles.py --office DIR --cache DIR --seed 0 --written
    python benchmarks/profiles.py --cache DIR --report
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from benchmarks.profile_figures import (
    Figures,
    Score,
    asked,
    gap,
    judged,
    levels,
    of_validation,
    over_seeds,
)
from benchmarks.profile_sets import (
    Floats,
    ProfileSet,
    TextVectors,
    chosen_together,
    films,
    games,
    means,
    office,
)
from benchmarks.profile_writing import WRITER, drawn, known, told
from ranking.profile_network import ProfileNetwork
from ranking.profile_training import ProfileData, ProfileTraining, train_profiles
from ranking.profile_writers import TemplateSummariser, prompt_hash

SEEDS = (0, 1, 2)
JUDGES = 1_000
"""Most users whose validation part decides when learning ends."""
FILM_USERS = 200
"""Of 610: what a busy machine of two cores can learn from in time."""
BASE = ProfileTraining(hidden=128, batch_size=512)
"""Small steps: rounds cost a few seconds each, and learning needs some thousands of steps."""
BASELINE, PUBLISHED = "temp-fusion", "published way"
COMMAND = "python benchmarks/profiles.py --games|--office|--films DIR --cache DIR --seed 0|1|2"


def popular(data: ProfileSet) -> Score:
    """How often items were chosen."""
    counts = np.bincount(data.likings[1], minlength=data.num_items).astype(np.float32)
    return lambda users: np.tile(counts, (len(users), 1))


def learnt(
    data: ProfileSet, profiles: Floats, items: Floats, seed: int
) -> tuple[ProfileNetwork, dict[str, float]]:
    """Learn a network; what it took."""
    users, liked = data.likings
    able = [user for user, part in enumerate(data.validation) if len(part)]
    judges = sorted(np.random.default_rng(0).permutation(able)[:JUDGES].tolist())
    training = ProfileTraining(**{**asdict(BASE), "seed": seed})
    started = time.monotonic()
    fitted = train_profiles(
        ProfileData(profiles=profiles, items=items, liked_by=users, liked=liked),
        training,
        lambda network: of_validation(data, judges, scoring(network, profiles, items)),
    )
    took = time.monotonic() - started
    return fitted.network, {
        "epochs": fitted.epochs,
        "best epoch": fitted.best_epoch,
        "validation ndcg@10": round(fitted.best, 5),
        "seconds": round(took, 1),
    }


def scoring(network: ProfileNetwork, profiles: Floats, items: Floats) -> Score:
    """Scores by a network."""
    people, every = torch.from_numpy(profiles), torch.from_numpy(items)

    def score(users: Sequence[int]) -> Floats:
        with torch.inference_mode():
            return np.asarray(network.score_all(people[list(users)], every).numpy())

    return score


def templates(data: ProfileSet, vectors: TextVectors) -> Floats:
    """Encoded profiles by template, (U, 2, D)."""
    return encoded(data, vectors, lambda of: [w.text for w in TemplateSummariser().write(of)])


def encoded(
    data: ProfileSet, vectors: TextVectors, write: Callable[[list[Any]], list[str]]
) -> Floats:
    """Encoded profiles, (U, 2, D)."""
    both = [told(data, user) for user in range(len(data.train))]
    texts = [text for of in both for text in write([of["short"], of["long"]])]
    return vectors.of(texts).reshape(len(both), 2, -1)


class Rows:
    """Figures of models on one set, each learnt and asked in turn.

    Args:
        data: the set.
        items: vectors of its items.
        seed: of all.
    """

    def __init__(self, data: ProfileSet, items: Floats, seed: int) -> None:
        self.data, self.items, self.seed = data, items, seed
        self.figures: dict[str, Figures] = {"popular": judged(data, popular(data))}
        self.runs: dict[str, dict[str, Any]] = {}

    def add(self, name: str, profiles: Floats) -> ProfileNetwork:
        """Learn with some profiles and ask."""
        network, self.runs[name] = learnt(self.data, profiles, self.items, self.seed)
        score = scoring(network, profiles, self.items)
        self.figures[name] = judged(self.data, score)
        every = torch.from_numpy(profiles)
        with torch.inference_mode():
            short = network.weights(every)[:, 0].numpy()
        self.runs[name] |= {
            "weight of the short profile": [round(float(q), 3) for q in np.quantile(short, QS)],
        }
        print(self.data.name, self.seed, name, self.runs[name], self._said(name), flush=True)
        return network

    def ask(self, name: str, score: Score) -> None:
        """Ask what is not learnt here."""
        self.figures[name] = judged(self.data, score)
        print(self.data.name, self.seed, name, self._said(name), flush=True)

    def _said(self, name: str) -> dict[str, float]:
        return {figure: round(float(v.mean()), 4) for figure, v in self.figures[name].items()}


QS = (0.1, 0.5, 0.9)


def of_games(data: ProfileSet, seed: int) -> Rows:
    """What can be compared without texts."""
    items = chosen_together(data)
    rows = Rows(data, items, seed)
    latest = means(data, lambda user: items[data.train[user]], 3)
    network = rows.add(BASELINE, latest)
    score = scoring(network, latest, items)
    rows.figures[f"popular, {PUBLISHED}"] = judged(data, popular(data), "train")
    rows.figures[f"{BASELINE}, {PUBLISHED}"] = judged(data, score, "train")
    rows.add("without time", np.repeat(latest[:, 1:], 2, axis=1))
    return rows


def some_films(folder: Path) -> ProfileSet:
    """Films of some users."""
    data = films(folder)
    return data.only(drawn(data, FILM_USERS))


def by_means(data: ProfileSet, vectors: TextVectors, items: Floats) -> dict[str, Floats]:
    """Profiles of each row that needs no model, (U, 2, D)."""
    titles = vectors.of([title for of in data.titles for title in of])
    ends = np.cumsum([len(of) for of in data.titles])
    of_user = np.split(titles, ends[:-1])
    return {
        BASELINE: means(data, lambda user: items[data.train[user]], 3),
        "raw text": means(data, lambda user: of_user[user], 3),
        "template": templates(data, vectors),
    }


def of_texts(data: ProfileSet, vectors: TextVectors, seed: int) -> Rows:
    """All rows of a set with texts that need no language model."""
    items = vectors.of(data.described)
    profiles = by_means(data, vectors, items)
    rows = Rows(data, items, seed)
    for name in (BASELINE, "raw text"):
        rows.add(name, profiles[name])
    network = rows.add("template", profiles["template"])
    swapped = profiles["template"][np.random.default_rng(seed).permutation(len(data.train))]
    rows.ask("template, swapped", scoring(network, swapped, items))
    people = profiles["raw text"].mean(axis=1)
    rows.ask("dot product", lambda users: people[list(users)] @ items.T)
    return rows


def of_written(data: ProfileSet, vectors: TextVectors, cache: Path, seed: int) -> Rows:
    """Rows of the users whom SmolLM2 wrote of."""
    items, written = vectors.of(data.described), known(cache, data.name)
    profiles, some = by_means(data, vectors, items), _written_of(data, written)
    part = data.only(some)

    def by_model(of: list[Any]) -> list[str]:
        return [written[prompt_hash(WRITER, telling)].text for telling in of]

    smollm2 = encoded(part, vectors, by_model)
    few = Rows(ProfileSet(**{**_fields(part), "name": f"{data.name}, some"}), items, seed)
    for name, of in profiles.items():
        few.add(name, of[some])
    few.add("smollm2", smollm2)
    network, few.runs["template, learnt from all"] = learnt(data, profiles["template"], items, seed)
    for name, of in (("template", profiles["template"][some]), ("smollm2", smollm2)):
        few.ask(f"{name}, learnt from all", scoring(network, of, items))
    return few


def _fields(data: ProfileSet) -> dict[str, Any]:
    return {name: getattr(data, name) for name in ProfileSet.__dataclass_fields__}


def _written_of(data: ProfileSet, written: Mapping[str, Any]) -> list[int]:
    """Users both of whose profiles SmolLM2 has written of, in order."""
    return sorted(
        user
        for user in drawn(data, len(data.train))
        if written and all(prompt_hash(WRITER, t) in written for t in told(data, user).values())
    )


def keep(cache: Path, rows: Rows) -> None:
    """Keep one seed's figures until all are there."""
    name = f"{rows.data.name.replace(', ', '-')}-{rows.seed}"
    parts = {f"{model}|{name}": v for model, of in rows.figures.items() for name, v in of.items()}
    np.savez(cache / f"figures-{name}.npz", **parts)
    told_of = {"runs": rows.runs, "sizes": _sizes(rows.data)}
    told_of["levels"] = {name: of.tolist() for name, of in levels(rows.data).items()}
    (cache / f"figures-{name}.json").write_text(json.dumps(told_of))


def report(cache: Path) -> None:
    """Put the seeds together."""
    result: dict[str, Any] = {
        "environment": {**environment(("numpy", "torch", "onnxruntime")), "command": COMMAND},
        "settings of all": asdict(BASE),
    }
    for name in ("games", "office", "office-some", "films", "films-some"):
        seeds = [seed for seed in SEEDS if (cache / f"figures-{name}-{seed}.npz").exists()]
        if seeds:
            result[name] = _set(cache, name, seeds)
    for name in ("office", "films"):
        if written := known(cache, name):
            result[f"{name}, written by smollm2"] = _cost(list(written.values()))
    print(write_result("profiles", result))


def _set(cache: Path, name: str, seeds: Sequence[int]) -> dict[str, Any]:
    runs = [np.load(cache / f"figures-{name}-{seed}.npz") for seed in seeds]
    about = [json.loads((cache / f"figures-{name}-{seed}.json").read_text()) for seed in seeds]
    models = dict.fromkeys(key.partition("|")[0] for key in runs[0])
    figures = {
        model: [
            {key.partition("|")[2]: run[key] for key in run if key.partition("|")[0] == model}
            for run in runs
        ]
        for model in models
    }
    groups = {level: np.array(of, bool) for level, of in about[0]["levels"].items()}
    return {
        **about[0]["sizes"],
        "seeds": list(seeds),
        "runs": {model: [one["runs"].get(model) for one in about] for model in about[0]["runs"]},
        "all": {model: over_seeds(of) for model, of in figures.items()},
        "by events learnt from": {
            level: {
                "users": int(which.sum()),
                **{model: over_seeds(of, which) for model, of in figures.items()},
            }
            for level, which in groups.items()
        },
        f"above {BASELINE}, 95 %": {
            model: {which: gap(of, figures[BASELINE], which) for which in ("recall@10", "ndcg@10")}
            for model, of in figures.items()
            if model != BASELINE and PUBLISHED not in model
        },
    }


def _sizes(data: ProfileSet) -> dict[str, Any]:
    counts = {part: sum(map(len, getattr(data, part))) for part in ("train", "validation", "test")}
    return {"users": len(asked(data)), "items": data.num_items, "events": counts}


def _cost(written: Sequence[Any]) -> dict[str, float]:
    return {
        "texts": len(written),
        "calls": sum(one.calls for one in written),
        "answers refused": sum(one.refused for one in written),
        "replaced by the template": sum(one.writer != WRITER for one in written),
        "characters read": sum(one.characters_read for one in written),
        "characters written": sum(one.characters_written for one in written),
        "seconds per text": round(float(np.mean([one.seconds for one in written])), 2),
    }


def main() -> None:
    """Measure one seed of the sets that are given, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("games", "office", "films"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--seed", type=int, choices=SEEDS, default=0)
    parser.add_argument("--written", action="store_true", help="compare SmolLM2's users")
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(parents=True, exist_ok=True)
    if args.games:
        keep(args.cache, of_games(games(args.games), args.seed))
    vectors = TextVectors(args.cache)
    of_words = {"office": office, "films": some_films}
    for name, read in of_words.items():
        if folder := getattr(args, name):
            data = read(folder)
            if args.written:
                keep(args.cache, of_written(data, vectors, args.cache, args.seed))
            else:
                keep(args.cache, of_texts(data, vectors, args.seed))
    if args.report:
        report(args.cache)


if __name__ == "__main__":
    main()
