"""How much of what held-out users liked next several vectors find, while they are learnt.

Every item is ranked, without those of the history. At most ``MOST_CASES`` questions are asked, the
same ones every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ingest.histories import History
from ranking.interest_network import InterestNetwork
from ranking.ranker import items_of
from ranking.sequences import ItemRows
from ranking.splits import Case

Numbers = NDArray[np.int64]

MOST_CASES = 5_000
"""More tell no better which state is best."""
MOST_SCORES = 2**24
"""Scores computed at once."""
ITEM_CHUNK = 65_536
"""Item vectors computed at once."""
PLACES = 50
"""Length of the lists that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Questions of held-out users."""

    cases: tuple[Case, ...]
    """Those with a history; others are left out."""
    rows: ItemRows
    """What is known of the items."""

    def recall(self, network: InterestNetwork) -> float:
        """Share of the items asked for that are among the first fifty, mean over questions.

        The network's mode and everything random stay as they are.
        """
        cases = [case for case in self.cases if len(case.history.items)]
        if len(cases) > MOST_CASES:
            drawn = np.random.default_rng(0).permutation(len(cases))[:MOST_CASES]
            cases = [cases[number] for number in np.sort(drawn)]
        training = network.training
        network.eval()
        targets = target_vectors(network, self.rows)
        step = max(1, MOST_SCORES // (len(self.rows) * network.config.num_interests))
        found = [
            self._recall(network, cases[start : start + step], targets)
            for start in range(0, len(cases), step)
        ]
        network.train(training)
        return float(np.concatenate(found).mean()) if found else 0.0

    @torch.inference_mode()
    def _recall(
        self, network: InterestNetwork, cases: Sequence[Case], targets: Tensor
    ) -> NDArray[np.float64]:
        events, lengths = padded([case.history for case in cases], network.config.length)
        device = targets.device.type
        asked = network.ask(
            items_of(self.rows, events, device),
            torch.from_numpy(lengths).to(device),
            network.config.num_interests,
        )
        scores = network.scores(asked, targets)
        for line, case in zip(scores, cases, strict=True):
            line[torch.from_numpy(case.history.items).to(device)] = -torch.inf
        best = scores.topk(min(PLACES, scores.shape[1]), dim=1).indices.cpu().numpy()
        shares = []
        for line, case in zip(best, cases, strict=True):
            new = case.targets[~np.isin(case.targets, case.history.items)]
            shares.append(np.isin(new, line).mean() if len(new) else 0.0)
        return np.array(shares)


@torch.inference_mode()
def target_vectors(network: InterestNetwork, rows: ItemRows) -> Tensor:
    """Vectors that the items of a catalogue are met by, (N, D)."""
    device = network.place.weight.device.type
    starts = range(0, len(rows), ITEM_CHUNK)
    parts = (np.arange(start, min(start + ITEM_CHUNK, len(rows))) for start in starts)
    return torch.cat([network.targets(items_of(rows, part, device)) for part in parts])


def padded(histories: Sequence[History], most: int) -> tuple[Numbers, Numbers]:
    """The last events of histories, items (B, T) padded on the right and lengths (B,)."""
    lengths = np.array([min(len(known.items), most) for known in histories], np.int64)
    items = np.zeros((len(histories), int(lengths.max(initial=0))), np.int64)
    for row, (known, length) in enumerate(zip(histories, lengths, strict=True)):
        items[row, :length] = known.items[-length:]
    return items, lengths
