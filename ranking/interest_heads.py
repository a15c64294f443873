"""How what a history amounts to becomes vectors: pooled by attention, or foretold interests.

``L`` counts levels of the dictionary, ``W`` is the width of its entries. P is any number of places
in histories.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ranking.blocks import earlier
from ranking.quantiser import Quantiser

BEAM = 2
"""Codes kept between levels, for each that is asked for."""


class AttentionPool(nn.Module):
    """Several weighted means of a history at each of its places (Cen et al. 2020, ComiRec-SA)."""

    def __init__(self, width: int, num_interests: int) -> None:
        super().__init__()
        self.ask = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False),
            nn.Tanh(),
            nn.Linear(4 * width, num_interests, bias=False),
        )

    def forward(self, keys: Tensor, values: Tensor) -> Tensor:
        """Pool.

        Args:
            keys: what attention reads, (B, T, D).
            values: what is averaged, (B, T, D).

        Returns:
            Means over each place and those before it, (B, T, K, D).
        """
        asked = self.ask(keys).transpose(1, 2)[:, :, None]  # (B, K, 1, T)
        seen = earlier(keys.shape[1], keys.device)  # (T, T)
        shares = asked.masked_fill(~seen, -torch.inf).softmax(dim=-1)  # (B, K, T, T)
        means: Tensor = (shares @ values[:, None]).transpose(1, 2)
        return means


class NextInterest(nn.Module):
    """Chance of each code of what comes next, level by level."""

    def __init__(self, width: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes = sizes
        self.heads = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        self.steps = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
            for _ in sizes[1:]
        )

    def start(self) -> None:
        """Let all codes be alike."""
        for head in self.heads:
            for weight in head.parameters():
                nn.init.zeros_(weight)

    def log_chance(self, states: Tensor, codes: Tensor, quantiser: Quantiser) -> Tensor:
        """Logarithm of the chance of codes, by level.

        Args:
            states: (P, D).
            codes: int64 (P, L).
            quantiser: the dictionary; no gradient goes into it.

        Returns:
            (P, L); what is learnt is to raise their sum.
        """
        found, row = [], states
        for level, head in enumerate(self.heads):
            if level:
                row = self._step(level, row, codes[:, level - 1], quantiser)
            chances = head(row).log_softmax(dim=-1)
            found.append(chances.gather(1, codes[:, level : level + 1])[:, 0])
        return torch.stack(found, dim=-1)

    def best(self, states: Tensor, number: int, quantiser: Quantiser) -> tuple[Tensor, Tensor]:
        """Find the likeliest codes, by a beam.

        Args:
            states: (P, D).
            number: K; fewer come back where the dictionary has fewer codes.
            quantiser: the dictionary.

        Returns:
            Codes, int64 (P, K, L), likeliest first; logarithms of their chances, (P, K).
        """
        codes = torch.zeros((len(states), 1, 0), dtype=torch.int64, device=states.device)
        total = states.new_zeros(len(states), 1)
        rows = states[:, None]  # (P, beam, D)
        for level, head in enumerate(self.heads):
            if level:
                rows = self._step(level, rows, codes[..., -1], quantiser)
            chances = total[..., None] + head(rows).log_softmax(dim=-1)  # (P, beam, S)
            last = level == len(self.heads) - 1
            kept = min(number * (1 if last else BEAM), chances[0].numel())
            total, place = chances.flatten(1).topk(kept, dim=1)
            before, entry = place // self.sizes[level], place % self.sizes[level]
            codes = torch.cat([_taken(codes, before), entry[..., None]], dim=-1)
            rows = _taken(rows, before)
        return codes, total

    def _step(self, level: int, rows: Tensor, chosen: Tensor, quantiser: Quantiser) -> Tensor:
        """Rows (..., D) for a level, given the entries (...) chosen on the one before."""
        entry = quantiser.entry(level - 1, chosen)
        stepped: Tensor = rows + self.steps[level - 1](torch.cat([rows, entry], dim=-1))
        return stepped


class InterestVector(nn.Module):
    """One vector for a history and an interest."""

    def __init__(self, width: int, code_width: int) -> None:
        super().__init__()
        self.into = nn.Linear(width + code_width, 2 * width)
        self.out = nn.Linear(2 * width, width)

    def start(self) -> None:
        """Let interests change nothing yet."""
        nn.init.zeros_(self.out.weight)

    def forward(self, states: Tensor, embedding: Tensor) -> Tensor:
        """States (..., D) and embeddings of codes (..., L W) to unit vectors (..., D)."""
        mixed = self.out(functional.relu(self.into(torch.cat([states, embedding], dim=-1))))
        return functional.normalize(states + mixed, dim=-1)


def _taken(rows: Tensor, place: Tensor) -> Tensor:
    """Rows (P, beam, X) at places (P, kept) of the beam."""
    return rows.gather(1, place[..., None].expand(-1, -1, rows.shape[-1]))
