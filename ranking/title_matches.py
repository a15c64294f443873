"""Which groups of readers an item matches: the few that a title is worth writing for.

The match of an item and a taste is a logit, made of the two vectors by a small mixer, after the
published head (two projections, an MLP mixer over the two tokens, one logit; Chen et al. 2025,
arXiv 2508.18118). It is learnt from what readers went on to like: one item liked and eight that
others liked, by cross-entropy. Departures:

- beside the mixer stands the product of the two vectors, less what all tastes and all items have in
  common; where both are no better on held-out readers than the plain cosine, that is taken;
- a part of the readers is replaced by the centre of their group, which is what it is asked of;
- drawing negatives as often as they are liked takes popularity out of the logit, and groups compete
  within one item, where it would be the same for all. What it leaves out is how many readers a
  group has: ``worth_of`` adds that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories
from ranking.user_groups import Groups, taste_of

if TYPE_CHECKING:
    from ranking.match_network import MatchNetwork

Array = NDArray[np.float32]
Numbers = NDArray[np.int64]

FEWEST_PAIRS = 2_000
"""Likings below which the cosine is all there is."""
PAIRS_PER_READER = 20
"""Most likings of one reader that are learnt from, the latest."""
PLAIN_SCALE = 10.0
"""What a cosine is multiplied by where nothing has been learnt."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """What readers went on to like."""

    tastes: Array
    """Taste before, (P, D)."""
    items: Numbers
    """What was liked then, (P,)."""
    readers: Numbers
    """Whose it was, (P,)."""

    def __len__(self) -> int:
        return len(self.items)

    def of(self, readers: Numbers) -> Pairs:
        """Those of some readers."""
        kept = np.isin(self.readers, readers)
        return Pairs(tastes=self.tastes[kept], items=self.items[kept], readers=self.readers[kept])


def pairs_of(histories: Histories, vectors: Array, most: int = PAIRS_PER_READER) -> Pairs:
    """Collect what each reader liked next, with the taste that they had before.

    Args:
        histories: who liked what, with the items in the order of the vectors.
        vectors: of the items, (N, D).
        most: likings of one reader, the latest.
    """
    tastes, items, readers = [], [], []
    for reader in range(len(histories)):
        liked = histories.history(reader).items
        for place in range(max(1, len(liked) - most), len(liked)):
            tastes.append(taste_of(vectors, liked[:place]))
            items.append(int(liked[place]))
            readers.append(reader)
    return Pairs(
        tastes=np.array(tastes, np.float32).reshape(len(tastes), vectors.shape[1]),
        items=np.array(items, np.int64),
        readers=np.array(readers, np.int64),
    )


def matches_of(items: Array, groups: Groups, network: MatchNetwork | None = None) -> Array:
    """How well items match groups, as logits, (N, K).

    Args:
        items: unit vectors, (N, D).
        groups: K of them.
        network: what was learnt; None for the cosine alone.
    """
    if network is None:
        return PLAIN_SCALE * (items @ groups.centres.T)
    return network.matches(items, groups.centres)


def worth_of(matches: Array, groups: Groups) -> Array:
    """What a title for each group would be worth, (N, K): its match, and how many would see it."""
    return matches + np.log(groups.share)


def best_groups(worth: Array, most: int) -> Numbers:
    """The groups that titles are written for, best first, (N, at most ``most``)."""
    return np.argsort(-worth, axis=1, kind="stable")[:, :most]
