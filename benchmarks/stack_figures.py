"""What pages of the whole feed are worth: figures of one system, and gaps between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.content_sets import ContentSet
from benchmarks.stack_parts import Numbers, Questions
from retrieval.metrics import coverage, diversity

Floats = NDArray[np.float64]
PAGE, RESAMPLES = 10, 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What was given to each question."""

    lists: Numbers
    """Pages, (Q, 10); -1 where one has ended."""
    pooled: NDArray[np.bool_]
    """Whether the answer was a candidate, (Q,)."""


def by_case(answers: Answers, targets: Numbers) -> dict[str, Floats]:
    """Figures of each question, (Q,)."""
    here = answers.lists == targets[:, None]
    gains = 1 / np.log2(np.arange(PAGE) + 2)
    return {
        "hit@10": here.any(axis=1).astype(np.float64),
        "ndcg@10": here @ gains,
        "pool": answers.pooled.astype(np.float64),
    }


def figures(answers: Answers, targets: Numbers, data: ContentSet) -> dict[str, float]:
    """Means over questions, and what pages are like together."""
    return {
        **{name: float(found.mean()) for name, found in by_case(answers, targets).items()},
        "coverage": coverage(answers.lists, len(data.content)),
        "diversity": diversity(answers.lists, data.content),
    }


def keep_answers(path: Path, known: Mapping[str, Answers]) -> None:
    """Write the answers of a seed."""
    kept: dict[str, Any] = {}
    for name, answers in known.items():
        kept[f"{name}|lists"], kept[f"{name}|pooled"] = answers.lists, answers.pooled
    np.savez_compressed(path, **kept)


def answers_in(path: Path) -> dict[str, Answers]:
    """Read the answers of a seed; none where it was not asked."""
    if not path.exists():
        return {}
    with np.load(path) as kept:
        names = [name.removesuffix("|lists") for name in kept.files if name.endswith("|lists")]
        return {
            name: Answers(lists=kept[f"{name}|lists"], pooled=kept[f"{name}|pooled"])
            for name in names
        }


def report(
    runs: Sequence[Mapping[str, Answers]], questions: Questions, data: ContentSet
) -> dict[str, Any]:
    """Figures of every system over all seeds, and what taking each part out costs."""
    found: dict[str, Any] = {}
    whole = [by_case(run["whole"], questions.targets) for run in runs]
    for name in (one for one in runs[0] if all(one in run for run in runs)):
        each = [figures(run[name], questions.targets, data) for run in runs]
        found[name] = {
            figure: {
                "mean": float(np.mean([one[figure] for one in each])),
                "sd": float(np.std([one[figure] for one in each], ddof=1)),
            }
            for figure in each[0]
        }
        own = [by_case(run[name], questions.targets) for run in runs]
        found[name]["whole less this"] = {
            figure: _gaps(
                [w[figure] - o[figure] for w, o in zip(whole, own, strict=True)], questions
            )
            for figure in ("hit@10", "ndcg@10", "pool")
        }
    return found


def _gaps(differences: Sequence[Floats], questions: Questions) -> dict[str, Any]:
    return {
        "mean": float(np.mean(differences)),
        "interval": interval(np.mean(differences, axis=0), questions.users),
        "interval by seed": [interval(one, questions.users) for one in differences],
    }


def interval(differences: Floats, users: Numbers) -> list[float]:
    """Interval, 95 %, of the mean of differences (Q,): users are drawn, not questions."""
    _, group = np.unique(users, return_inverse=True)
    sums, counts = np.bincount(group, differences), np.bincount(group)
    drawn = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return [round(float(end), 5) for end in np.quantile(means, [0.025, 0.975])]
