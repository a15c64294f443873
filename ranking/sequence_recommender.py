"""A learnt sequence model in service: histories in, a score for every item of a catalogue out.

The catalogue may have grown since learning: items without a row are met by their content alone, or,
where the network knows no content, by nothing, and then all score alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ingest.histories import History as Liked
from ranking.ranker import SequenceNetwork, history_of, items_of, request_times, worth
from ranking.ranker_config import RankerConfig
from ranking.sequences import MICROSECONDS, Floats, ItemRows, Padded, rows_of_catalogue
from retrieval.fitted import FittedError, FittedFile

KIND = "sequence model"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SequenceRecommender:
    """Scores a catalogue by what a history leads to."""

    network: SequenceNetwork
    """What was learnt."""
    item_ids: tuple[str, ...]
    """Ids of the items that have a row in the network, in the order of the rows."""
    rows: ItemRows
    """The catalogue, N items."""
    weights: Floats
    """What each action is worth, of either sign, (A,)."""
    space: str = ""
    """Digest of what made the content vectors it was learnt from."""

    def score(self, histories: Sequence[Liked]) -> Floats:
        """Score every item after each history; events count as the first action.

        Returns:
            (B, N); zeros for an empty history.
        """
        scores = np.zeros((len(histories), len(self.rows)), np.float32)
        some = np.array([n for n, known in enumerate(histories) if len(known.items)], np.int64)
        if len(some):
            scores[some] = self._score([histories[n] for n in some])
        return scores

    def _score(self, histories: Sequence[Liked]) -> NDArray[np.float32]:
        events = _padded(histories, self.network.config.length)
        asked_at = np.array([known.asked_us // MICROSECONDS for known in histories], np.int64)
        device = self.network.place.weight.device.type
        history = history_of(self.rows, events, request_times(events, asked_at), device)
        self.network.eval()
        with torch.inference_mode():
            found = self.network.scores(
                history,
                torch.from_numpy(events.lengths).to(device),
                items_of(self.rows, np.arange(len(self.rows)), device),
            )
        scores = found.float().cpu().numpy()
        one_action = scores.shape[2] == 1 and self.weights[0] > 0
        return scores[..., 0] if one_action else worth(scores, self.weights).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""
        state = self.network.state_dict()
        FittedFile(
            kind=KIND,
            config={
                "network": asdict(self.network.config),
                "weights": self.weights.tolist(),
                "space": self.space,
            },
            item_ids=self.item_ids,
            arrays={name: value.detach().cpu().numpy() for name, value in state.items()},
        ).write(path)

    @classmethod
    def load(
        cls, path: Path, catalogue: Sequence[str], content: Floats | None = None
    ) -> SequenceRecommender:
        """Read what ``save`` wrote.

        Args:
            path: of the file.
            catalogue: ids of the items to score, N.
            content: their content vectors, (N, F), where the network knows content.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            network = SequenceNetwork(RankerConfig(**file.config["network"]))
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
            weights=np.asarray(file.config["weights"], np.float32),
            space=file.config["space"],
        )


def _padded(histories: Sequence[Liked], most: int) -> Padded:
    lengths = np.array([min(len(known.items), most) for known in histories], np.int64)
    items = np.zeros((len(histories), int(lengths.max())), np.int64)
    times = np.zeros_like(items)
    for row, (known, length) in enumerate(zip(histories, lengths, strict=True)):
        items[row, :length] = known.items[-length:]
        times[row, :length] = known.times_us[-length:] // MICROSECONDS
    return Padded(items=items, actions=np.zeros_like(items), times=times, lengths=lengths)
