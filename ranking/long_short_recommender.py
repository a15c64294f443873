"""Long- and short-term taste in service: scores of items for a person and their history.

A person is known by a digest of their id, so that a file names nobody. Somebody who came after
learning is the unknown person, and an item that came later is known by its content alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusion.attentive import ABSENT, AttentiveViews, ItemViews, ViewsConfig
from ingest.histories import History
from ranking.click_network import ClickNetwork
from ranking.fading_attention import FadingAttention, person_encoder
from ranking.impressions import Impressions
from ranking.long_short import UNKNOWN, LongShort, LongShortConfig
from ranking.sequences import Floats, Numbers
from retrieval.fitted import FittedError, FittedFile

KIND = "long and short"
PERSONS = "persons"
"""Array of the digests of persons, (U, 8) bytes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LongShortRecommender:
    """Scores what may follow a history, by who asks and what they did last."""

    network: ClickNetwork
    """What was learnt, made by ``network_of``."""
    item_ids: tuple[str, ...]
    """Ids of the items that have a row of their own, in the order of the rows."""
    persons: tuple[bytes, ...]
    """Digests of the persons that have a row, in the order of the rows."""
    views: ItemViews
    """Of the catalogue, N items."""
    asked_of: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    """Row of each user that histories are numbered by, (U,); empty where there are no such."""
    space: str = ""
    """Digest of what made the content vectors it was learnt from."""

    @cached_property
    def row_of(self) -> dict[bytes, int]:
        """Row of each person, from 1, by digest."""
        return {digest: row for row, digest in enumerate(self.persons, 1)}

    def person(self, user_id: str) -> int:
        """Row of a person; ``UNKNOWN`` for one that nothing was learnt of."""
        return self.row_of.get(digest_of_person(user_id), UNKNOWN)

    def score(self, histories: Sequence[History]) -> Floats:
        """Score every item after each history, (B, N)."""
        known = len(self.asked_of)
        rows = [
            int(self.asked_of[one.user]) if 0 <= one.user < known else UNKNOWN for one in histories
        ]
        return self.rank(rows, histories, np.arange(len(self.views)))

    def rank(self, persons: Sequence[int], histories: Sequence[History], items: Numbers) -> Floats:
        """Score some items for some persons.

        Args:
            persons: rows of B persons.
            histories: of each.
            items: numbers of items, (C,).

        Returns:
            Logits (B, C).
        """
        lengths = [len(history.items) for history in histories]
        ends = np.cumsum(lengths)
        asked = Impressions(
            users=np.array(persons, np.int64),
            items=np.empty(0, np.int64),
            clicked=np.empty(0, bool),
            offsets=np.zeros(len(lengths) + 1, np.int64),
            events=np.concatenate([np.empty(0, np.int64), *(one.items for one in histories)]),
            known=np.column_stack([ends - lengths, ends]),
        )
        vectors = self.network.person_vectors(asked, self._items)
        found = vectors @ self._items[torch.from_numpy(np.ascontiguousarray(items))].T
        return np.asarray(found.numpy(), np.float32)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with anything learnt."""
        return self._file.fingerprint

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""
        self._file.write(path)

    @classmethod
    def load(
        cls, path: Path, catalogue: Sequence[str], content: Floats | None = None
    ) -> LongShortRecommender:
        """Read what ``save`` wrote.

        Args:
            path: of the file.
            catalogue: ids of the items to score, N.
            content: their content vectors, (N, F), where the network knows content.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        arrays = dict(file.arrays)
        try:
            digests = arrays.pop(PERSONS)
            views = {name: _tuple(value) for name, value in file.config["views"].items()}
            network = network_of(ViewsConfig(**views), LongShortConfig(**file.config["persons"]))
            network.load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()})
            row_of = {item_id: row for row, item_id in enumerate(file.item_ids, 1)}
            labels = np.array([row_of.get(item_id, ABSENT) for item_id in catalogue], np.int64)
            known = views_of(labels, content, parts_of(network)[0].config)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FittedError(f"{path}: unknown settings: {error}", "fit it again") from error
        return cls(
            network=network.eval(),
            item_ids=file.item_ids,
            persons=tuple(row.tobytes() for row in digests),
            views=known,
            space=file.config["space"],
        )

    @property
    def _file(self) -> FittedFile:
        views, persons = parts_of(self.network)
        state = {name: value.numpy() for name, value in self.network.state_dict().items()}
        digests = np.frombuffer(b"".join(self.persons), np.uint8).reshape(-1, 8)
        config = {"views": asdict(views.config), "persons": asdict(persons.config)}
        return FittedFile(
            kind=KIND,
            config={**config, "space": self.space},
            item_ids=self.item_ids,
            arrays={**state, PERSONS: digests},
        )

    @cached_property
    def _items(self) -> Tensor:
        return self.network.item_vectors(self.views)


def network_of(views: ViewsConfig, persons: LongShortConfig) -> ClickNetwork:
    """The network of this shape, at a random start."""
    return ClickNetwork(AttentiveViews(views), person_encoder(persons), persons.length)


def parts_of(network: ClickNetwork) -> tuple[AttentiveViews, LongShort | FadingAttention]:
    """Both encoders of such a network.

    Raises:
        TypeError: it is made of others.
    """
    items, persons = network.items, network.persons
    if isinstance(items, AttentiveViews) and isinstance(persons, LongShort | FadingAttention):
        return items, persons
    raise TypeError("expected attention over views beside long- and short-term taste")


def views_of(labels: Numbers, content: Floats | None, shape: ViewsConfig) -> ItemViews:
    """Views of a catalogue for a network of this shape: content where it knows that, and ids.

    Args:
        labels: row of each item, (N,), from 1; ``ABSENT`` for one without.
        content: content vectors, (N, F).
        shape: of the encoder.

    Raises:
        ValueError: the content has another width.
    """
    contents = () if content is None or not shape.content_widths else (content,)
    widths = tuple(rows.shape[1] for rows in contents)
    if widths != shape.content_widths:
        raise ValueError(f"expected content of widths {shape.content_widths}, got {widths}")
    kept = labels[:, None] if shape.num_labels else np.empty((len(labels), 0), np.int64)
    return ItemViews(contents=contents, labels=kept)


def digest_of_person(user_id: str) -> bytes:
    """Eight bytes that stand for a person."""
    return hashlib.blake2b(user_id.encode(), digest_size=8).digest()


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
