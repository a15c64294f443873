"""Learnt interests in service: a history in, query vectors and their weights out, or scores.

Items are met by vectors that do not depend on who asks, so that they can stand in an index. The
catalogue may have grown since learning: items without a row are met by their content alone, or,
where the network knows no content, by nothing, and then no query finds them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ingest.histories import History
from ranking.interest_config import InterestConfig
from ranking.interest_network import Asked, InterestNetwork
from ranking.interest_validation import ITEM_CHUNK, padded, target_vectors
from ranking.ranker import items_of
from ranking.sequences import Floats, ItemRows, Numbers, rows_of_catalogue
from retrieval.fitted import FittedError, FittedFile

KIND = "interests"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queries:
    """What is searched for after one history, likeliest first."""

    vectors: Floats
    """Of unit length, (K, D); none after an empty history."""
    weights: Floats
    """Share of each, (K,), adding up to 1; the chance of its interest among the K."""
    codes: Numbers
    """Interest of each by level of the dictionary, (K, L); L is 0 where there are no interests."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InterestRecommender:
    """Finds and scores what may follow a history, by one vector or several."""

    network: InterestNetwork
    """What was learnt."""
    item_ids: tuple[str, ...]
    """Ids of the items that have a row in the network, in the order of the rows."""
    rows: ItemRows
    """The catalogue, N items."""
    space: str = ""
    """Digest of what made the content vectors it was learnt from."""

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors that the items are met by, (N, D); zeros of an item without any."""
        found = self._targets.float().cpu().numpy()
        return np.asarray(found, np.float32)

    @cached_property
    def codes(self) -> Numbers:
        """Interest that each item belongs to, by level, (N, L); L is 0 without interests."""
        if not self.network.has_interests:
            return np.zeros((len(self.rows), 0), np.int64)
        parts = [
            self.network.codes(items_of(self.rows, part, self._device)).cpu().numpy()
            for start in range(0, len(self.rows), ITEM_CHUNK)
            for part in [np.arange(start, min(start + ITEM_CHUNK, len(self.rows)))]
        ]
        return np.concatenate(parts)

    def queries(self, history: History, number: int | None = None) -> Queries:
        """Make the vectors to search with.

        Args:
            history: of one user.
            number: K, where interests are drawn; by default as in the settings. Other kinds have
                the number they have.
        """
        if not len(history.items):
            shape = self.network.config
            levels = self.network.known_codes.shape[1]
            return Queries(
                vectors=np.zeros((0, shape.width), np.float32),
                weights=np.zeros(0, np.float32),
                codes=np.zeros((0, levels), np.int64),
            )
        asked = self._ask([history], number)
        return Queries(
            vectors=asked.vectors[0].cpu().numpy(),
            weights=asked.log_weights[0].exp().cpu().numpy(),
            codes=asked.codes[0].cpu().numpy(),
        )

    def score(self, histories: Sequence[History]) -> Floats:
        """Score every item after each history, merged over its vectors as the settings say.

        Returns:
            (B, N); zeros for an empty history.
        """
        scores = np.zeros((len(histories), len(self.rows)), np.float32)
        some = np.array([n for n, known in enumerate(histories) if len(known.items)], np.int64)
        if len(some):
            asked = self._ask([histories[n] for n in some], None)
            with torch.inference_mode():
                found = self.network.scores(asked, self._targets)
            scores[some] = found.float().cpu().numpy()
        return scores

    def with_settings(self, **changes: Any) -> InterestRecommender:
        """The same with another ``num_interests`` or ``merge``; the weights are shared."""
        config = dataclasses.replace(self.network.config, **changes)
        network = InterestNetwork(config)
        network.load_state_dict(self.network.state_dict())
        return dataclasses.replace(self, network=network.to(self._device).eval())

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""
        state = self.network.state_dict()
        FittedFile(
            kind=KIND,
            config={"network": asdict(self.network.config), "space": self.space},
            item_ids=self.item_ids,
            arrays={name: value.detach().cpu().numpy() for name, value in state.items()},
        ).write(path)

    @classmethod
    def load(
        cls, path: Path, catalogue: Sequence[str], content: Floats | None = None
    ) -> InterestRecommender:
        """Read what ``save`` wrote.

        Args:
            path: of the file.
            catalogue: ids of the items to find, N.
            content: their content vectors, (N, F), where the network knows content.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            settings = file.config["network"]
            shape = InterestConfig(**{**settings, "sizes": tuple(settings["sizes"])})
            network = InterestNetwork(shape)
            network.load_state_dict(
                {name: torch.from_numpy(array) for name, array in file.arrays.items()}
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FittedError(f"{path}: unknown settings: {error}", "fit it again") from error
        row_of_id = {item_id: row for row, item_id in enumerate(file.item_ids)}
        return cls(
            network=network.eval(),
            item_ids=file.item_ids,
            rows=rows_of_catalogue(catalogue, row_of_id, content),
            space=file.config["space"],
        )

    @cached_property
    def _targets(self) -> Tensor:
        self.network.eval()
        return target_vectors(self.network, self.rows)

    @property
    def _device(self) -> str:
        return self.network.place.weight.device.type

    def _ask(self, histories: Sequence[History], number: int | None) -> Asked:
        shape = self.network.config
        self.network.eval()
        events, lengths = padded(histories, shape.length)
        with torch.inference_mode():
            return self.network.ask(
                items_of(self.rows, events, self._device),
                torch.from_numpy(lengths).to(self._device),
                number or shape.num_interests,
            )
