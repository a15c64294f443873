"""What the parts of a feed's score count, learnt from what people chose among its candidates.

The parts are the ranker, the person's taste in interests, and each source by its places. Their
strengths are those under which what people went on to like was likeliest among the candidates, as
weights of signals are. So they are logarithms of factors like all else in a score, and beside them
a boost, a rule or fatigue counts for what it says.

- Sources that are there for what a log cannot tell are not learnt of: nobody chose what nobody was
  shown. They count as the settings say.
- A part that says the same of all candidates is not learnt of either, such as taste without a view.
- Nothing counts less than nothing: a part that would is left out, and the others are learnt anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ranking.feed_config import FeedConfig, source_weights
from ranking.feed_pool import EXPLORE, NEWEST, VARIED
from ranking.feed_scores import RANKER, Scored, place_odds
from ranking.signals import Floats, Question, fit_weights

INTEREST = "interest"
"""Name of the part that goes by taste in interests."""
UNTOLD = ("fresh", EXPLORE, VARIED, NEWEST)
"""Sources that a log says nothing of."""


def parts_of(sources: Sequence[str]) -> tuple[str, ...]:
    """Give the names of the parts that can be learnt of, for a feed with these sources."""
    return (RANKER, INTEREST, *(name for name in sources if name not in UNTOLD))


def whole(config: FeedConfig) -> FeedConfig:
    """Give the settings under which ``said`` has the parts as they are."""
    return replace(config, ranker=1.0, interest=1.0)


def said(candidates: Scored, parts: Sequence[str]) -> Floats:
    """Give what each part says of each candidate, (P, C).

    Args:
        candidates: as a feed with the settings of ``whole`` scores them.
        parts: names of the parts, P of them.
    """
    pool = candidates.pool
    rows = [
        candidates.parts[part]
        if part in (RANKER, INTEREST)
        else place_odds(pool.places[:, pool.names.index(part)])
        for part in parts
    ]
    return np.array(rows, np.float32)


def choice(candidates: Scored, parts: Sequence[str], item: int) -> Question | None:
    """Give what parts say of the candidates among which an item was chosen.

    Args:
        candidates: see ``said``.
        parts: their names.
        item: number of what was chosen.

    Returns:
        None where it is not among them.
    """
    places = np.flatnonzero(candidates.items == item)
    if not len(places):
        return None
    nothing = np.zeros(len(candidates.items), np.float32)
    return Question(base=nothing, signals=said(candidates, parts), chosen=int(places[0]))


def strengths_of(config: FeedConfig, parts: Sequence[str]) -> Floats:
    """Give the strengths that settings have, (P,)."""
    own = {RANKER: config.ranker, INTEREST: config.interest}
    return np.array(
        [own[part] if part in own else config.strength_of(part) for part in parts], np.float32
    )


def fit_strengths(questions: Sequence[Question], parts: Sequence[str]) -> dict[str, float]:
    """Learn what parts count.

    Args:
        questions: choices, see ``choice``, none of which ranker or sources learnt from.
        parts: their names, P of them.

    Returns:
        Strengths by name, 0 or more, of those parts that tell candidates apart.

    Raises:
        ValueError: there is no question.
    """
    spread = np.array([one.signals.std(axis=1) for one in questions]).reshape(-1, len(parts))
    told = np.flatnonzero(spread.max(axis=0, initial=0) > 0)
    left = told
    while len(left):
        strengths = fit_weights([replace(one, signals=one.signals[left]) for one in questions])
        if (strengths >= 0).all():
            break
        left = left[strengths >= 0]
    found = dict.fromkeys((parts[place] for place in told.tolist()), 0.0)
    if len(left):
        found |= zip((parts[p] for p in left.tolist()), strengths.tolist(), strict=True)
    return found


def with_strengths(config: FeedConfig, strengths: Mapping[str, float]) -> FeedConfig:
    """Give settings with strengths in place of their own; parts not named keep theirs."""
    agreement = config.agreement or 1.0
    weights = dict(source_weights(config.weights))
    weights |= {
        name: strength / agreement
        for name, strength in strengths.items()
        if name not in (RANKER, INTEREST)
    }
    return replace(
        config,
        ranker=strengths.get(RANKER, config.ranker),
        interest=strengths.get(INTEREST, config.interest),
        agreement=agreement,
        weights=tuple(f"{name}:{weight:.6g}" for name, weight in weights.items()),
    )
