"""Blocks of a causal sequence model: what each place of a history takes from itself and before.

Three kinds, told apart by one setting, all from (B, T, D) to (B, T, D):
- ``plain``: attention and two layers, each added to the stream (Kang and McAuley 2018, arXiv
  1808.09781, with normalisation first);
- ``gated``: both parts are let in by a gate that reads the stream before normalisation, and the
  layers are a gated unit (Tikhonovich et al. 2025, arXiv 2508.06450);
- ``pointwise``: attention without softmax, so that how often something happened counts, and no
  further layers (Zhai et al. 2024, arXiv 2402.17152). It divides by the longest length there may
  be, never by a row's own: a score must not depend on what a row is padded to.

Histories are padded on the right. A place never looks ahead, so it never sees padding, and no mask
but the causal one is needed.
"""

from __future__ import annotations

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


class CausalAttention(nn.Module):
    """Attention with softmax over a place and those before it."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        self.num_heads, self.dropped_ratio = config.num_heads, config.dropped_ratio
        self.mix = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.time_bias = nn.Parameter(torch.zeros(BUCKETS)) if config.time != "none" else None

    def forward(self, rows: Tensor, gaps: Tensor | None) -> Tensor:
        """Attend.

        Args:
            rows: one per place, (B, T, D).
            gaps: bucket of the time from each place (column) to each place (row), (B, T, T);
                None where time is not used.

        Returns:
            What each place found, (B, T, D).
        """
        asked, key, value = by_head(self.mix(rows), 3, self.num_heads)  # (B, H, T, D / H)
        dropped = self.dropped_ratio if self.training else 0.0
        mask = None
        if gaps is not None and self.time_bias is not None:
            mask = self.time_bias[gaps][:, None]  # (B, 1, T, T)
            mask = mask.masked_fill(~earlier(rows.shape[1], rows.device), -torch.inf)
        found = functional.scaled_dot_product_attention(
            asked, key, value, attn_mask=mask, dropout_p=dropped, is_causal=mask is None
        )
        taken: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return taken


class PlainBlock(nn.Module):
    """Attention, then two layers; each is added."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        width, inner = config.width, config.width * config.expansion
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = CausalAttention(config)
        self.drop = nn.Dropout(config.dropped_ratio)
        self.layers = nn.Sequential(
            nn.Linear(width, inner), nn.ReLU(), self.drop, nn.Linear(inner, width)
        )

    def forward(self, rows: Tensor, gaps: Tensor | None) -> Tensor:
        """Rows (B, T, D) and buckets of time (B, T, T) or None, to rows (B, T, D)."""
        rows = rows + self.drop(self.attention(self.norms[0](rows), gaps))
        changed: Tensor = rows + self.drop(self.layers(self.norms[1](rows)))
        return changed


class GatedUnit(nn.Module):
    """Two maps, one of which lets the other through, and a third back; none has a bias."""

    def __init__(self, width: int, inner: int, dropped_ratio: float) -> None:
        super().__init__()
        self.into = nn.Linear(width, 2 * inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)
        self.drop = nn.Dropout(dropped_ratio)

    def forward(self, rows: Tensor) -> Tensor:
        """Rows (B, T, D) to rows (B, T, D)."""
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
        self.drop = nn.Dropout(config.dropped_ratio)

    def forward(self, rows: Tensor, gaps: Tensor | None) -> Tensor:
        """Rows (B, T, D) and buckets of time (B, T, T) or None, to rows (B, T, D)."""
        found = self.attention(self.norms[0](rows), gaps)
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
        self.drop = nn.Dropout(config.dropped_ratio)
        self.place_bias = nn.Parameter(torch.zeros(config.length))
        self.time_bias = nn.Parameter(torch.zeros(BUCKETS)) if config.time != "none" else None

    def forward(self, rows: Tensor, gaps: Tensor | None) -> Tensor:
        """Rows (B, T, D) and buckets of time (B, T, T) or None, to rows (B, T, D)."""
        num_places = rows.shape[1]
        gate, *mixed = functional.silu(self.mix(self.norm(rows))).chunk(4, dim=-1)
        asked, key, value = by_head(torch.cat(mixed, dim=-1), 3, self.num_heads)
        place = torch.arange(num_places, device=rows.device)
        bias = self.place_bias[(place[:, None] - place).clamp(min=0)]  # (T, T)
        if gaps is not None and self.time_bias is not None:
            bias = bias + self.time_bias[gaps][:, None]  # (B, 1, T, T)
        share = functional.silu(asked @ key.transpose(2, 3) + bias) / self.length
        share = share * earlier(num_places, rows.device)  # (B, H, T, T)
        found = (share @ value).transpose(1, 2).flatten(2)  # (B, T, D)
        changed: Tensor = rows + self.out(self.drop(gate * self.found_norm(found)))
        return changed


def by_head(rows: Tensor, num_parts: int, num_heads: int) -> tuple[Tensor, ...]:
    """Cut rows (B, T, P D) into P parts, each (B, H, T, D / H)."""
    batch, num_places, width = rows.shape
    parts = rows.view(batch, num_places, num_parts, num_heads, width // num_parts // num_heads)
    return parts.permute(2, 0, 3, 1, 4).unbind()


def earlier(num_places: int, device: torch.device) -> Tensor:
    """Which place (column) a place (row) may look at: itself and those before, bool (T, T)."""
    return torch.ones(num_places, num_places, dtype=torch.bool, device=device).tril()
