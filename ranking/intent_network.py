"""Category intent: counts of what somebody did, by time and category, to what is wanted next.

After Huang et al. 2019 (KDD, doi 10.1145/3292500.3330790), of which the abstract could be read and
the body could not: what follows is our reading of its four parts.
- A pyramid: strided convolutions make coarser scales of time, and each coarser scale then speaks
  to the next finer one, by a gate and by a sum.
- A recurrent encoder per scale, the same for every category. Its reset gate acts after the inner
  product (as ``torch.nn.GRU`` has it), which is several times faster.
- A gate per scale, read off all scales' means.
- A graph of categories: attention from each to the others, by their states and by how much more
  often one is wanted after another (lift). Without that prior, kernels of 1 and shared weights
  could not tell categories apart.

So permuting the categories permutes the answers. Categories in which nothing was done are encoded
once for all: until the graph they are alike.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ranking.intent_config import IntentConfig

GATE_WIDTH = 4
"""Inner width of the gate, in scales."""
SLOPE = 0.2
"""Of the rectifier under the attention, below 0."""


class Encoded(NamedTuple):
    """What is known of categories before they hear of each other."""

    states: Tensor
    """(B, C, D)."""
    gates: Tensor
    """Weight of each scale, (B, S)."""


class IntentNetwork(nn.Module):
    """Counts to the chance that each category is wanted.

    Args:
        config: shape.
        lift: how many times likelier category i is wanted after j was met than at any time, (C, C).
        base: logarithm of the odds that each category is wanted, (C,), where learning starts.
    """

    log_lift: Tensor

    def __init__(self, config: IntentConfig, lift: Tensor, base: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        width, scales = config.width, config.used_scales
        steps = [coarse // fine for fine, coarse in pairwise(scales)]
        self.enter = nn.Linear(config.num_actions, width)
        self.coarsen = nn.ModuleList(nn.Conv1d(width, width, step, stride=step) for step in steps)
        self.modulate = nn.ModuleList(nn.Linear(width, width) for _ in steps)
        self.pass_down = nn.ModuleList(nn.Linear(width, width) for _ in steps)
        self.encoders = nn.ModuleList(
            nn.GRU(width, width, batch_first=True) if config.recurrence else nn.Linear(width, width)
            for _ in scales
        )
        inner = GATE_WIDTH * len(scales)
        self.gate = (
            nn.Sequential(nn.Linear(len(scales), inner), nn.ReLU(), nn.Linear(inner, len(scales)))
            if config.gate and len(scales) > 1
            else None
        )
        self.graph = nn.ModuleList(CategoryGraph(width) for _ in range(config.used_layers))
        self.drop = nn.Dropout(config.dropped_ratio)
        self.score = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.score.weight)  # It begins as what is usual.
        self.bias = nn.Parameter(torch.zeros(config.num_categories) if base is None else base)
        self.register_buffer("log_lift", torch.log1p(lift))

    def forward(self, cube: Tensor) -> Tensor:
        """Give the logarithm of the odds that each category is wanted.

        Args:
            cube: logarithm of 1 and the counts, by time, category and action, (B, T, C, A).

        Returns:
            (B, C).
        """
        states = self.drop(self.encode(cube).states)
        for layer in self.graph:
            states = layer(states, self.log_lift)
        logits: Tensor = self.score(states)[..., 0] + self.bias
        return logits

    def encode(self, cube: Tensor) -> Encoded:
        """Read each category by itself; see ``forward``."""
        batch, _, categories, _ = cube.shape
        lines = cube.permute(0, 2, 1, 3).flatten(0, 1)  # (B * C, T, A)
        some = lines.any(dim=-1).any(dim=-1)
        # One line of nothing stands for all of them, and is always there.
        place = torch.where(some, some.cumsum(0), 0)
        lines = torch.cat([lines.new_zeros(1, *lines.shape[1:]), lines[some]])
        found = torch.stack([state[place] for state in self._scales(lines)])  # (S, B * C, D)
        found = found.view(len(found), batch, categories, -1)
        if self.gate is None:
            return Encoded(found.sum(dim=0), found.new_ones(batch, len(found)))
        gates = torch.sigmoid(self.gate(found.mean(dim=(2, 3)).T))  # (B, S)
        return Encoded(torch.einsum("bs,sbcd->bcd", gates, found), gates)

    def _scales(self, lines: Tensor) -> list[Tensor]:
        """State of each line (R, T, A) at the end of each scale, S of (R, D)."""
        pyramid = [self.enter(lines).transpose(1, 2)]  # (R, D, T)
        for coarsen in self.coarsen:
            pyramid.append(coarsen(pyramid[-1]))
        levels = [level.transpose(1, 2) for level in pyramid]  # (R, T / p, D)
        for place in reversed(range(len(levels) - 1)):
            fine = levels[place]
            above = levels[place + 1].repeat_interleave(
                fine.shape[1] // levels[place + 1].shape[1], dim=1
            )
            opened = torch.sigmoid(self.modulate[place](above))
            levels[place] = fine * opened + self.pass_down[place](above)
        return [self._last(*pair) for pair in zip(self.encoders, levels, strict=True)]

    def _last(self, encoder: nn.Module, level: Tensor) -> Tensor:
        """What a scale amounts to, (R, D)."""
        if self.config.recurrence:
            state: Tensor = encoder(level)[1][0]
            return state
        return torch.tanh(encoder(level)).mean(dim=1)


class CategoryGraph(nn.Module):
    """Each category hears of the others.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, width, bias=False)
        self.hears = nn.Linear(width, 1, bias=False)
        self.tells = nn.Linear(width, 1, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.prior = nn.Parameter(torch.ones(()))
        self.norm = nn.LayerNorm(width)

    def forward(self, states: Tensor, log_lift: Tensor) -> Tensor:
        """Move states (B, C, D) by what the others say; C is 2 or more."""
        projected = self.project(states)
        pairs = self.hears(projected) + self.tells(projected).transpose(1, 2)  # (B, C, C)
        scores = functional.leaky_relu(pairs, SLOPE) + self.prior * log_lift
        itself = torch.eye(len(log_lift), dtype=torch.bool, device=states.device)
        shares = scores.masked_fill(itself, -torch.inf).softmax(dim=-1)
        moved: Tensor = self.norm(states + functional.relu(shares @ self.value(states)))
        return moved
