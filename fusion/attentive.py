"""Attentive multi-view encoding: several views of an item become one vector, weighed by attention.

The item side of Co-NAML-LSTUR (arXiv 2507.20210), which takes it from NAML (Wu et al. 2019), for
title, text, category and subcategory, and for any other view: a picture, a sound, a joint vector.
Departures:
- a view that an item lacks is masked out of the attention, as is an event that is padding; both
  have a share of exactly zero, where published code lets the attention look at padding;
- texts come in as vectors of a frozen sentence encoder, one per text, and not as words;
- in learning, views are hidden at random where others are left, so that an item without an abstract
  or without an id is no surprise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

ABSENT = 0
"""Number of the label of an item that has none of a kind, or one that nothing was learnt of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewsConfig:
    """Shape of an encoder of V views: contents first, then labels."""

    content_widths: tuple[int, ...]
    """Width D_v of the vectors of each content view."""
    num_labels: tuple[int, ...] = ()
    """Labels of each labelled view, such as categories; they count from 1."""
    width: int = 64
    """Width D of an item's vector."""
    label_width: int = 32
    """Width of what is learnt of a label."""
    query_width: int = 64
    """Inner width of the attention."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    hidden_ratio: float = 0.1
    """Chance of a view to be hidden while learning, where another is left."""

    def __post_init__(self) -> None:
        counts = (self.width, self.label_width, self.query_width)
        if not self.content_widths + self.num_labels or min(counts) < 1:
            raise ValueError(f"expected a view, and widths of 1 or more: {self}")

    @property
    def num_views(self) -> int:
        """V."""
        return len(self.content_widths) + len(self.num_labels)


class AdditiveAttention(nn.Module):
    """Weighs rows by what they say: ``q . tanh(W x + b)``, and the softmax over those present."""

    def __init__(self, width: int, query_width: int) -> None:
        super().__init__()
        self.map = nn.Linear(width, query_width)
        self.query = nn.Linear(query_width, 1, bias=False)

    def forward(self, rows: Tensor, present: Tensor) -> Tensor:
        """Weigh rows.

        Args:
            rows: (B, T, D).
            present: which rows exist, bool (B, T).

        Returns:
            Shares (B, T): they add to one over the rows present, and are zero elsewhere; all are
            zero where none is present.
        """
        scores = self.query(torch.tanh(self.map(rows))).squeeze(-1)  # (B, T)
        least = torch.finfo(scores.dtype).min
        shares: Tensor = scores.masked_fill(~present, least).softmax(dim=-1) * present
        return shares


class AttentiveViews(nn.Module):
    """Views of items to one vector each, and the share of every view in it."""

    def __init__(self, config: ViewsConfig) -> None:
        super().__init__()
        self.config = config
        self.contents = nn.ModuleList(
            nn.Linear(width, config.width) for width in config.content_widths
        )
        self.tables = nn.ModuleList(
            nn.Embedding(number + 1, config.label_width, padding_idx=ABSENT)
            for number in config.num_labels
        )
        self.labels = nn.ModuleList(
            nn.Linear(config.label_width, config.width) for _ in config.num_labels
        )
        self.attention = AdditiveAttention(config.width, config.query_width)

    def forward(self, contents: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Encode items.

        Args:
            contents: vectors of each content view, (B, D_v); zeros where an item has none.
            labels: number of each label, int64 (B, L); ``ABSENT`` where an item has none.

        Returns:
            Vectors (B, D) and shares of the views (B, V); zeros for an item without any view.
        """
        views, present = self.views(contents, labels)
        if self.training and self.config.hidden_ratio:
            present = self._thinned(present)
        shares = self.attention(views, present)
        return (shares[..., None] * views).sum(dim=1), shares

    def views(self, contents: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Bring every view to one width: (B, V, D), and which are present, (B, V)."""
        found, present = [], []
        for project, content in zip(self.contents, contents, strict=True):
            found.append(project(content))
            present.append(content.any(dim=-1))
        for place, (table, project) in enumerate(zip(self.tables, self.labels, strict=True)):
            found.append(functional.relu(project(table(labels[:, place]))))
            present.append(labels[:, place] != ABSENT)
        views = torch.stack(found, dim=1)
        views = functional.dropout(views, self.config.dropped_ratio, self.training)
        return views, torch.stack(present, dim=1)

    def _thinned(self, present: Tensor) -> Tensor:
        kept = present & (torch.rand(present.shape) >= self.config.hidden_ratio)
        return torch.where(kept.any(dim=1, keepdim=True), kept, present)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemViews:
    """Views of a catalogue."""

    contents: tuple[NDArray[np.float32], ...]
    """Vectors of each content view, (N, D_v); zeros where an item has none."""
    labels: NDArray[np.int64]
    """Number of each label, (N, L); ``ABSENT`` where an item has none."""

    def __post_init__(self) -> None:
        if any(len(content) != len(self.labels) for content in self.contents):
            raise ValueError(
                f"one row per item: {[len(content) for content in self.contents]}, "
                f"{self.labels.shape = }"
            )

    def __len__(self) -> int:
        """N."""
        return len(self.labels)

    def of(self, items: NDArray[np.int64]) -> tuple[list[Tensor], Tensor]:
        """Views of some items as ``AttentiveViews`` reads them."""
        contents = [torch.from_numpy(np.asarray(rows[items])) for rows in self.contents]
        return contents, torch.from_numpy(self.labels[items])
