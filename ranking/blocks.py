"""Blocks of a causal sequence model: what each place of a history takes from itself and before.

Three kinds, told apart by one setting, all from rows (P, D) to rows (P, D), one row per event:
- ``plain``: attention and two layers, each added to the stream (Kang and McAuley 2018, arXiv
  1808.09781, with normalisation first);
- ``gated``: both parts are let in by a gate that reads the stream before normalisation, and the
  layers are a gated unit (Tikhonovich et al. 2025, arXiv 2508.06450);
- ``pointwise``: attention without softmax, so that how often something happened counts, and no
  further layers (Zhai et al. 2024, arXiv 2402.17152). It divides by the longest length there may
  be, never by a row's own: a score must not depend on what a row is padded to.

Everything but attention looks at one row at a time, so rows of all histories lie in one flat table
and nothing is padded. For attention alone histories are laid out in groups, padded on the right. A
place never looks ahead, so it never sees padding, and no mask but the causal one is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ranking.ranker_config import RankerConfig

BUCKETS = 128
"""Of time gaps; the last is for gaps of more than e to the 38th seconds."""
BUCKET_WIDTH = 0.301
"""Of a bucket, in natural logarithms of seconds."""


def time_buckets(seconds: Tensor) -> Tensor:
    """Bucket of each gap in [0, BUCKETS), int64; gaps below a second are in the first."""
    found = (seconds.clamp(min=1).double().log() / BUCKET_WIDTH).long()
    return found.clamp(max=BUCKETS - 1)


def block_of(config: RankerConfig) -> nn.Module:
    """A block of the kind that the settings name."""
    match config.block:
        case "plain":
            return PlainBlock(config)
        case "gated":
            return GatedBlock(config)
        case "pointwise":
            return PointwiseBlock(config)


def start_small(network: nn.Module, content: nn.Linear | None) -> None:
    """Start a network with small rows and with maps that keep lengths.

    Args:
        network: its embeddings and maps are drawn anew.
        content: its map of content vectors, which starts as small as the rows; None for none.
    """
    for part in network.modules():
        if isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, std=0.02)
        elif isinstance(part, nn.Linear):
            nn.init.xavier_normal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    if content is not None:
        nn.init.normal_(content.weight, std=0.02)


class Drop(nn.Module):
    """Dropout from random bytes: one random number decides on eight entries.

    Drawing a number for each entry takes longer than the products do. The ratio is rounded to
    1/256.
    """

    def __init__(self, ratio: float) -> None:
        super().__init__()
        self.bound = round(256 * ratio)

    def forward(self, rows: Tensor) -> Tensor:
        """Rows of any shape, some entries 0 and the others larger, while learning."""
        if not self.training or self.bound == 0:
            return rows
        words = torch.empty(rows.numel() // 8 + 1, dtype=torch.int64, device=rows.device)
        drawn = words.random_(-(2**63), None).view(torch.uint8)[: rows.numel()]
        kept = (drawn >= self.bound).view(rows.shape)
        return rows * (kept.to(rows.dtype) * (256 / (256 - self.bound)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Histories that attention looks at together."""

    shape: tuple[int, int]
    """B histories, T places."""
    places: Tensor | None = None
    """Row of each place, int64 (B, T), any row where padded; None where rows are the places."""
    kept: Tensor | None = None
    """Which of the B T places have a row of their own, rising, int64; None for all."""
    gaps: Tensor | None = None
    """Bucket of the time from each place (column) to each place (row), (B, T, T); None where time
    is not used."""

    def laid_out(self, rows: Tensor) -> Tensor:
        """Rows (P, D) as histories (B, T, D)."""
        if self.places is None:
            return rows[: self.shape[0] * self.shape[1]].view(*self.shape, -1)
        return functional.embedding(self.places, rows)

    def flat(self, found: Tensor) -> Tensor:
        """Histories (B, T, ...) as rows, those of padding left out."""
        flat = found.flatten(0, 1)
        return flat if self.kept is None else flat.index_select(0, self.kept)


def by_group(
    rows: Tensor, groups: Sequence[Group], look: Callable[[Tensor, Group], Tensor]
) -> Tensor:
    """Lay rows (P, D) out group by group, look, and give what was found as rows (P, D)."""
    found = torch.cat([group.flat(look(group.laid_out(rows), group)) for group in groups])
    return functional.pad(found, (0, 0, 0, len(rows) - len(found)))


class CausalAttention(nn.Module):
    """Attention with softmax over a place and those before it."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        self.num_heads, self.dropped_ratio = config.num_heads, config.dropped_ratio
        self.mix = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.time_bias = nn.Parameter(torch.zeros(BUCKETS)) if config.time != "none" else None

    def forward(self, rows: Tensor, groups: Sequence[Group]) -> Tensor:
        """Attend.

        Args:
            rows: one per event, (P, D); rows beyond those of the groups are nobody's.
            groups: whose rows they are, in this order.

        Returns:
            What each event found, (P, D).
        """
        taken: Tensor = self.out(by_group(self.mix(rows), groups, self._look))
        return taken

    def _look(self, mixed: Tensor, group: Group) -> Tensor:
        """What each place finds, (B, T, D), from what it asks, shows and says, (B, T, 3 D)."""
        asked, key, value = by_head(mixed, 3, self.num_heads)  # (B, H, T, D / H)
        dropped = self.dropped_ratio if self.training else 0.0
        mask = None
        if group.gaps is not None and self.time_bias is not None:
            mask = self.time_bias[group.gaps][:, None]  # (B, 1, T, T)
            mask = mask.masked_fill(~earlier(mixed.shape[1], mixed.device), -torch.inf)
        found = functional.scaled_dot_product_attention(
            asked, key, value, attn_mask=mask, dropout_p=dropped, is_causal=mask is None
        )
        return found.transpose(1, 2).flatten(2)


class PlainBlock(nn.Module):
    """Attention, then two layers; each is added."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        width, inner = config.width, config.width * config.expansion
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = CausalAttention(config)
        self.drop = Drop(config.dropped_ratio)
        self.layers = nn.Sequential(
            nn.Linear(width, inner), nn.ReLU(), self.drop, nn.Linear(inner, width)
        )

    def forward(self, rows: Tensor, groups: Sequence[Group]) -> Tensor:
        """Rows (P, D) of groups, to rows (P, D)."""
        rows = rows + self.drop(self.attention(self.norms[0](rows), groups))
        changed: Tensor = rows + self.drop(self.layers(self.norms[1](rows)))
        return changed


class GatedUnit(nn.Module):
    """Two maps, one of which lets the other through, and a third back; none has a bias."""

    def __init__(self, width: int, inner: int, dropped_ratio: float) -> None:
        super().__init__()
        self.into = nn.Linear(width, 2 * inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)
        self.drop = Drop(dropped_ratio)

    def forward(self, rows: Tensor) -> Tensor:
        """Rows (P, D) to rows (P, D)."""
        gate, value = self.into(rows).chunk(2, dim=-1)
        found: Tensor = self.out(self.drop(functional.silu(gate) * value))
        return found


class GatedBlock(nn.Module):
    """Attention, then a gated unit; each is added as far as a gate lets it."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        width = config.width
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.attention = CausalAttention(config)
        self.unit = GatedUnit(width, width * config.expansion, config.dropped_ratio)
        self.drop = Drop(config.dropped_ratio)

    def forward(self, rows: Tensor, groups: Sequence[Group]) -> Tensor:
        """Rows (P, D) of groups, to rows (P, D)."""
        found = self.attention(self.norms[0](rows), groups)
        rows = rows + torch.sigmoid(self.gates[0](rows)) * self.drop(found)
        found = self.unit(self.norms[1](rows))
        changed: Tensor = rows + torch.sigmoid(self.gates[1](rows)) * self.drop(found)
        return changed


class PointwiseBlock(nn.Module):
    """Attention that adds up instead of averaging, let through by a gate."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        width = config.width
        self.num_heads, self.length = config.num_heads, config.length
        self.norm, self.found_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix = nn.Linear(width, 4 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.drop = Drop(config.dropped_ratio)
        self.place_bias = nn.Parameter(torch.zeros(config.length))
        self.time_bias = nn.Parameter(torch.zeros(BUCKETS)) if config.time != "none" else None

    def forward(self, rows: Tensor, groups: Sequence[Group]) -> Tensor:
        """Rows (P, D) of groups, to rows (P, D)."""
        mixed = functional.silu(self.mix(self.norm(rows)))
        gate = mixed[:, : rows.shape[1]]
        found = by_group(mixed[:, rows.shape[1] :], groups, self._look)
        changed: Tensor = rows + self.out(self.drop(gate * self.found_norm(found)))
        return changed

    def _look(self, mixed: Tensor, group: Group) -> Tensor:
        """What each place finds, (B, T, D), from what it asks, shows and says, (B, T, 3 D)."""
        num_places = mixed.shape[1]
        asked, key, value = by_head(mixed, 3, self.num_heads)
        place = torch.arange(num_places, device=mixed.device)
        bias = self.place_bias[(place[:, None] - place).clamp(min=0)]  # (T, T)
        if group.gaps is not None and self.time_bias is not None:
            bias = bias + self.time_bias[group.gaps][:, None]  # (B, 1, T, T)
        share = functional.silu(asked @ key.transpose(2, 3) + bias) / self.length
        share = share * earlier(num_places, mixed.device)  # (B, H, T, T)
        return (share @ value).transpose(1, 2).flatten(2)


def by_head(rows: Tensor, num_parts: int, num_heads: int) -> tuple[Tensor, ...]:
    """Cut rows (B, T, P D) into P parts, each (B, H, T, D / H)."""
    batch, num_places, width = rows.shape
    parts = rows.view(batch, num_places, num_parts, num_heads, width // num_parts // num_heads)
    return parts.permute(2, 0, 3, 1, 4).unbind()


def earlier(num_places: int, device: torch.device) -> Tensor:
    """Which place (column) a place (row) may look at: itself and those before, bool (T, T)."""
    return torch.ones(num_places, num_places, dtype=torch.bool, device=device).tril()
