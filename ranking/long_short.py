"""Long- and short-term taste of a person in one vector: who they are, and what they clicked last.

The user side of Co-NAML-LSTUR (arXiv 2507.20210), which takes it from LSTUR (An et al. 2019): a
vector learnt for each person, and the last state of a recurrent net over their clicks. Departures,
which mend published code:
- clicks come in order with the newest last, and the most recent are looked at, not the oldest;
- events are moved together before the net reads them, so that padding is never read wherever it
  stands;
- a person that nothing was learnt of has row 0, which is learnt itself: in learning the whole
  vector of a person is replaced by row 0 at random, where published code replaces it by zeros;
- a history may be empty; what is left is the person.

A gated recurrent unit reads by default, as in LSTUR; the published code of the hybrid has an LSTM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

UNKNOWN = 0
"""Number of a person that nothing was learnt of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongShortConfig:
    """Shape of the combiner."""

    num_users: int
    """Persons with a vector of their own; they count from 1. 0 to know nobody."""
    width: int = 64
    """Width D of items, and of what comes out."""
    user_width: int = 64
    """Width of a person's vector and of the recurrent state, where they are joined."""
    reader: Literal["gru", "lstm", "attention"] = "gru"
    """What reads the clicks; attention is ``FadingAttention``, which knows no persons."""
    join: Literal["con", "ini"] = "con"
    """How the two meet: laid side by side and projected, or the person is where the net starts."""
    length: int = 50
    """Most clicks that are looked at, the most recent."""
    hidden_ratio: float = 0.5
    """Chance of a person to be taken for an unknown one while learning."""

    def __post_init__(self) -> None:
        if min(self.width, self.user_width, self.length) < 1 or self.num_users < 0:
            raise ValueError(f"expected widths and lengths of 1 or more: {self}")
        if not 0 <= self.hidden_ratio <= 1:
            raise ValueError(f"expected a share: {self.hidden_ratio = }")


class LongShort(nn.Module):
    """A person and their clicks to one vector."""

    def __init__(self, config: LongShortConfig) -> None:
        super().__init__()
        self.config = config
        inner = config.user_width if config.join == "con" else config.width
        self.person = nn.Embedding(config.num_users + 1, inner)
        nn.init.normal_(self.person.weight, std=0.1)
        reader = {"gru": nn.GRU, "lstm": nn.LSTM}[config.reader]
        self.reader = reader(config.width, inner, batch_first=True)
        self.project = nn.Linear(2 * inner, config.width) if config.join == "con" else None

    def forward(self, users: Tensor, clicks: Tensor, present: Tensor) -> Tensor:
        """Combine.

        Args:
            users: numbers of persons, int64 (B,); ``UNKNOWN`` for one that nothing is known of.
            clicks: vectors of the items clicked, the newest last, (B, T, D).
            present: which of them exist, bool (B, T), in any places.

        Returns:
            (B, D).
        """
        person = self.person(self._known(users))  # (B, P)
        found = self._read(person, clicks, present)
        if self.project is not None:
            found = self.project(torch.cat([person, found], dim=-1))
        return found

    def _known(self, users: Tensor) -> Tensor:
        if not self.training:
            return users
        kept = torch.rand(users.shape) >= self.config.hidden_ratio
        return torch.where(kept, users, UNKNOWN)

    def _read(self, person: Tensor, clicks: Tensor, present: Tensor) -> Tensor:
        """State after the last click, (B, P); where there is none, the state at the start."""
        start = person if self.project is None else torch.zeros_like(person)
        some = present.any(dim=1)
        if not some.any():
            return start
        rows, lengths = together(clicks[some], present[some], self.config.length)
        packed = pack_padded_sequence(rows, lengths.cpu(), batch_first=True, enforce_sorted=False)
        begin = start[some][None].contiguous()
        if isinstance(self.reader, nn.LSTM):
            _, (last, _) = self.reader(packed, (begin, torch.zeros_like(begin)))
        else:
            _, last = self.reader(packed, begin)
        return start.index_put((some,), last[0])


def from_end(present: Tensor) -> Tensor:
    """Place of each row that exists, bool (B, T), counted from 1 for the last."""
    return present.flip(1).cumsum(dim=1).flip(1)


def latest(present: Tensor, most: int) -> Tensor:
    """Of the rows that exist, bool (B, T), the last ones alone."""
    return present & (from_end(present) <= most)


def together(rows: Tensor, present: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Move the rows that exist to the left, in their order, and keep the last of them.

    Args:
        rows: (B, T, D).
        present: which exist, bool (B, T).
        most: rows to keep, at most.

    Returns:
        (B, T', D), and how many exist of each, (B,).
    """
    present = latest(present, most)
    lengths = present.sum(dim=1)
    order = (~present).long().argsort(dim=1, stable=True)[:, : int(lengths.max())]
    return rows.gather(1, order[..., None].expand(-1, -1, rows.shape[-1])), lengths
