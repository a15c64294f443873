"""A learnt sequence model in service: histories in, scores for a catalogue or for candidates out.

- The catalogue may have grown since learning: items without a row are met by their content alone,
  or, where the network knows no content, by nothing, and then all score alike.
- Vectors of the catalogue are computed once, at first use, and held: 4 D bytes an item, twice that
  where items are compared by cosine. A request then costs what its history and candidates cost.
- Requests that come at the same time share one pass of the network over their histories; each then
  compares what is looked for with candidates of its own (``ranking/shared_calls.py``).
- After an empty history items stand in the order of how often they were met in learning.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ingest.event_rules import EventRules
from ingest.histories import History as Liked
from ranking.action_worth import worth_of_actions
from ranking.actions import Actions
from ranking.ranker import SequenceNetwork, happened_of, items_of, request_times
from ranking.ranker_config import RankerConfig
from ranking.sequence_validation import ITEM_CHUNK
from ranking.sequences import MICROSECONDS, Floats, ItemRows, Numbers, Padded, rows_of_catalogue
from ranking.shared_calls import SharedCalls
from retrieval.fitted import FittedError, FittedFile

KIND = "sequence model"
COUNTS = "counts"
"""Array of how often items were met; the network's own names hold a dot or are its parameters."""
FLOAT_BYTES = 4
Acted = Sequence[Numbers] | None
"""Number of each event's action, for each history; None for the first action everywhere."""
Asked = tuple[Liked, Numbers | None]
"""A history that is not empty, and the actions of its events."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceRecommender:
    """Scores items by what a history leads to."""

    network: SequenceNetwork
    """What was learnt."""
    item_ids: tuple[str, ...]
    """Ids of the items that have a row in the network, in the order of the rows."""
    rows: ItemRows
    """The catalogue, N items."""
    weights: Floats
    """What each action is worth, of either sign, (A,); not learnt and not kept in the file."""
    actions: tuple[tuple[str, ...], ...] = ()
    """Conditions of the events that each action stands for, (A,); see ``ranking.actions``. Empty
    where there is one action: what was liked."""
    counts: Numbers | None = None
    """How often the items of ``item_ids`` were met in learning; None where that is not known."""
    space: str = ""
    """Digest of what made the content vectors it was learnt from."""

    @property
    def size_bytes(self) -> int:
        """Memory of the catalogue's vectors once they are held."""
        tables = 1 if self.network.config.temperature is None else 2
        return tables * FLOAT_BYTES * self.network.config.width * len(self.rows)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with all that scores depend on but the catalogue."""
        digest = hashlib.blake2b(self._file.fingerprint.encode(), digest_size=8)
        digest.update(self.weights.tobytes())
        return digest.hexdigest()

    def weighed(self, rules: EventRules) -> SequenceRecommender:
        """The same with what actions are worth by these rules; nothing is learnt anew."""
        if not self.actions:
            return self
        return replace(self, weights=Actions.by(self.actions, rules).weights)

    def score(self, histories: Sequence[Liked], actions: Sequence[Numbers] | None = None) -> Floats:
        """Score every item after each history.

        Args:
            histories: B of them; one may be empty.
            actions: number of each event's action, (T,) for each history; where not given, events
                count as the first action.

        Returns:
            (B, N).
        """
        return self._scores(histories, None, actions)

    def rank(
        self,
        histories: Sequence[Liked],
        candidates: Numbers,
        actions: Sequence[Numbers] | None = None,
    ) -> Floats:
        """Score some items after each history; no other item is looked at.

        Args:
            histories: B of them; one may be empty.
            candidates: numbers of items, (C,).
            actions: as for ``score``.

        Returns:
            (B, C): the columns of ``score``.
        """
        return self._scores(histories, candidates, actions)

    @torch.inference_mode()
    def chances(self, history: Liked, candidates: Numbers, actions: Numbers) -> Floats:
        """Give how likely each action is, should some of them happen to an item.

        Args:
            history: of one user, not empty.
            candidates: numbers of items, (C,).
            actions: number of each event's action, (T,).

        Returns:
            (C, A), rows adding up to 1.
        """
        sought = torch.stack(list(self._sought([(history, actions)])))
        met = functional.embedding(torch.from_numpy(candidates).to(self._met.device), self._met)
        found = _products(sought, met)[0].softmax(dim=-1)
        return np.asarray(found.cpu().numpy(), np.float32)

    def _scores(
        self, histories: Sequence[Liked], candidates: Numbers | None, actions: Acted
    ) -> Floats:
        often = self._often if candidates is None else self._often[candidates]
        scores = np.tile(often, (len(histories), 1))
        some = [number for number, known in enumerate(histories) if len(known.items)]
        if some:
            asked = [(histories[n], None if actions is None else actions[n]) for n in some]
            with torch.inference_mode():
                sought = torch.stack(list(self._shared(asked)))  # (B, A, D + 1)
                scores[some] = self._found(sought, candidates)
        return scores

    def _found(self, sought: Tensor, candidates: Numbers | None) -> Floats:
        met = self._met
        if candidates is not None:
            met = functional.embedding(torch.from_numpy(candidates).to(met.device), met)
        scores = _products(sought, met)  # (B, C, A)
        if scores.shape[2] == 1 and self.weights[0] > 0:
            return np.asarray(scores[..., 0].cpu().numpy(), np.float32)
        weights = torch.from_numpy(self.weights).to(scores.device)
        return np.asarray(worth_of_actions(scores, weights).cpu().numpy(), np.float32)

    @cached_property
    def _shared(self) -> SharedCalls[Asked, Tensor]:
        """What is looked for after histories, computed for several threads in one pass."""
        at_once = (os.cpu_count() or 1) if self._device == "cpu" else 1
        return SharedCalls(self._sought, at_once)

    @torch.inference_mode()
    def _sought(self, asked: Sequence[Asked]) -> Sequence[Tensor]:
        """What is looked for after the last event of each history, (A, D + 1) for each."""
        histories = [history for history, _ in asked]
        events = _padded(histories, [acted for _, acted in asked], self.network.config.length)
        asked_at = np.array([history.asked_us // MICROSECONDS for history in histories], np.int64)
        device = self._device
        items = torch.from_numpy(events.items[events.some]).to(device)
        happened = happened_of(events, request_times(events, asked_at), device, first=0)
        states = self.network.states_of(functional.embedding(items, self._vectors), [happened])
        last = torch.from_numpy(np.cumsum(events.lengths) - 1).to(device)
        return self.network.asked(states[last]).unbind()

    @property
    def _device(self) -> str:
        return self.network.place.weight.device.type

    @cached_property
    def _vectors(self) -> Tensor:
        """Vectors of the catalogue, (N, D)."""
        self.network.eval()
        chunks = (
            np.arange(start, min(start + ITEM_CHUNK, len(self.rows)))
            for start in range(0, len(self.rows), ITEM_CHUNK)
        )
        with torch.inference_mode():
            parts = [self.network.items(items_of(self.rows, n, self._device)) for n in chunks]
            empty = torch.zeros(0, self.network.config.width, device=self._device)
            return torch.cat([empty, *parts])

    @cached_property
    def _met(self) -> Tensor:
        """What the catalogue is met by, (N, D); the vectors themselves where that is the same."""
        with torch.inference_mode():
            return self.network.met(self._vectors)

    @cached_property
    def _often(self) -> Floats:
        """Scores after an empty history, (N,)."""
        if self.counts is None:
            return np.zeros(len(self.rows), np.float32)
        known = np.append(self.counts, 0)[self.rows.id_rows]
        return np.asarray(np.log1p(known), np.float32)

    @property
    def _file(self) -> FittedFile:
        state = self.network.state_dict()
        arrays = {name: value.detach().cpu().numpy() for name, value in state.items()}
        return FittedFile(
            kind=KIND,
            config={
                "network": asdict(self.network.config),
                "actions": self.actions,
                "space": self.space,
            },
            item_ids=self.item_ids,
            arrays=arrays if self.counts is None else {**arrays, COUNTS: self.counts},
        )

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""
        self._file.write(path)

    @classmethod
    def load(
        cls, path: Path, catalogue: Sequence[str], content: Floats | None = None
    ) -> SequenceRecommender:
        """Read what ``save`` wrote; actions are worth what the built-in rules say.

        Args:
            path: of the file.
            catalogue: ids of the items to score, N.
            content: their content vectors, (N, F), where the network knows content.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        arrays = dict(file.arrays)
        counts = arrays.pop(COUNTS, None)
        try:
            network = SequenceNetwork(RankerConfig(**file.config["network"]))
            network.load_state_dict(
                {name: torch.from_numpy(array) for name, array in arrays.items()}
            )
            actions = tuple(tuple(some) for some in file.config["actions"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FittedError(f"{path}: unknown settings: {error}", "fit it again") from error
        row_of_id = {item_id: row for row, item_id in enumerate(file.item_ids)}
        return cls(
            network=network.eval(),
            item_ids=file.item_ids,
            rows=rows_of_catalogue(catalogue, row_of_id, content),
            weights=(
                Actions.by(actions, EventRules()).weights if actions else np.ones(1, np.float32)
            ),
            actions=actions,
            counts=counts,
            space=file.config["space"],
        )


def _products(sought: Tensor, met: Tensor) -> Tensor:
    """Scores of items met so, by what is looked for, (B, C, A), float32."""
    found = sought[..., :-1].flatten(0, 1) @ met.T + sought[..., -1:].flatten(0, 1)
    return found.view(*sought.shape[:2], -1).transpose(1, 2).float()


def _padded(histories: Sequence[Liked], actions: Sequence[Numbers | None], most: int) -> Padded:
    lengths = np.array([min(len(known.items), most) for known in histories], np.int64)
    items = np.zeros((len(histories), int(lengths.max())), np.int64)
    times, acted = np.zeros_like(items), np.zeros_like(items)
    for row, (known, length) in enumerate(zip(histories, lengths.tolist(), strict=True)):
        items[row, :length] = known.items[-length:]
        times[row, :length] = known.times_us[-length:] // MICROSECONDS
        own = actions[row]
        if own is not None:
            acted[row, :length] = own[-length:]
    return Padded(items=items, actions=acted, times=times, lengths=lengths)
