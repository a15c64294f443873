"""Figures of the profiles' benchmark: what was found for each user, in three ways of counting.

The published ndcg takes as ideal the best order of what was *found* among the first K, not of what
ought to be found; it is given beside the standard one to compare with the published rows, and with
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.profile_sets import ProfileSet
from retrieval.scoring import top_k

Floats = NDArray[np.float32]
Figures = dict[str, NDArray[np.float64]]
"""Of each user asked, by name."""
KS = (10, 20)
PEOPLE_AT_ONCE = 256
RESAMPLES = 2_000
Score = Callable[[Sequence[int]], Floats]
"""Scores of all items for some users, (B, N)."""


def asked(data: ProfileSet) -> list[int]:
    """Users with something to be found."""
    return [user for user, items in enumerate(data.test) if len(items)]


def judged(data: ProfileSet, score: Score, seen: str = "train and validation") -> Figures:
    """Figures on the test part.

    Args:
        data: the users.
        score: what is judged.
        seen: whether items of ``train`` alone or of ``train and validation`` are left out.
    """
    users, rows = asked(data), []
    for start in range(0, len(users), PEOPLE_AT_ONCE):
        part = users[start : start + PEOPLE_AT_ONCE]
        scores = np.array(score(part), np.float32)
        for line, user in zip(scores, part, strict=True):
            line[data.train[user]] = -np.inf
            if seen == "train and validation":
                line[data.validation[user]] = -np.inf
        best = top_k(scores, max(KS))
        rows += [_of_user(found, data.test[user]) for found, user in zip(best, part, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def of_validation(data: ProfileSet, users: Sequence[int], score: Score) -> float:
    """Standard ndcg at 10 on the validation part, for deciding when learning ends."""
    found = []
    for start in range(0, len(users), PEOPLE_AT_ONCE):
        part = users[start : start + PEOPLE_AT_ONCE]
        scores = np.array(score(part), np.float32)
        for line, user in zip(scores, part, strict=True):
            line[data.train[user]] = -np.inf
        for best, user in zip(top_k(scores, max(KS)), part, strict=True):
            found.append(_of_user(best, data.validation[user])["ndcg@10"])
    return float(np.mean(found))


def gap(one: Sequence[Figures], other: Sequence[Figures], name: str) -> list[float]:
    """Interval, 95 %, of how much better one is: users are drawn, seeds are averaged."""
    differences = np.mean([a[name] - b[name] for a, b in zip(one, other, strict=True)], axis=0)
    draw = np.random.default_rng(0)
    means = [
        differences[draw.integers(len(differences), size=len(differences))].mean()
        for _ in range(RESAMPLES)
    ]
    return [float(end) for end in np.quantile(means, [0.025, 0.975])]


def over_seeds(
    runs: Sequence[Figures], which: NDArray[np.bool_] | None = None
) -> dict[str, object]:
    """Mean and standard deviation of every figure over seeds, of all users or some."""
    kept = slice(None) if which is None else which
    means = {name: [float(run[name][kept].mean()) for run in runs] for name in runs[0]}
    return {
        name: {"mean": float(np.mean(found)), "sd": float(np.std(found, ddof=1))}
        if len(found) > 1
        else found[0]
        for name, found in means.items()
    }


def levels(data: ProfileSet) -> Mapping[str, NDArray[np.bool_]]:
    """Thirds of the users asked by how many events are learnt from, cut at whole numbers."""
    lengths = np.array([len(data.train[user]) for user in asked(data)])
    low, high = np.quantile(lengths, [1 / 3, 2 / 3]).astype(int)
    return {
        f"up to {low}": lengths <= low,
        f"{low + 1} to {high}": (lengths > low) & (lengths <= high),
        f"{high + 1} and more": lengths > high,
    }


def _of_user(best: NDArray[np.int64], wanted: NDArray[np.int64]) -> dict[str, float]:
    hits = np.isin(best, wanted)
    number = len(np.unique(wanted))
    gains = 1 / np.log2(np.arange(2, max(KS) + 2))
    row = {}
    for k in KS:
        gained, count = float((hits[:k] * gains[:k]).sum()), int(hits[:k].sum())
        row[f"recall@{k}"] = count / max(number, 1)
        row[f"ndcg@{k}"] = gained / gains[: min(k, max(number, 1))].sum()
        row[f"published ndcg@{k}"] = gained / gains[:count].sum() if count else 0.0
    return row
