"""Long- and short-term taste by attention: every number of a click fades at a pace of its own.

Ours, beside the recurrent nets of ``long_short``. Clicks are weighed by what they say, as NAML has
it (Wu et al. 2019), and nothing else is done to them, so that a product with an item means likeness
to what was clicked from the first step on; a recurrent net has to learn to hand its clicks on. What
fades slowly is long-term taste, what fades fast is short-term taste, and one number for each is all
there is to overfit. Nobody is known: vectors of persons, learnt beside it, were worth nothing where
the clicks are at hand.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fusion.attentive import AdditiveAttention
from ranking.long_short import LongShort, LongShortConfig, from_end, latest


class FadingAttention(nn.Module):
    """Clicks to one vector.

    In number d, the click that is the k-th from the end counts ``k ** -slopes[d]`` times; slopes
    start at nothing.
    """

    def __init__(self, config: LongShortConfig) -> None:
        super().__init__()
        self.config = config
        self.said = AdditiveAttention(config.width, config.width)
        self.slopes = nn.Parameter(torch.zeros(config.width))

    def forward(self, users: Tensor, clicks: Tensor, present: Tensor) -> Tensor:
        """Combine clicks; see ``LongShort.forward``. Zeros where there are none."""
        del users  # Nobody is known.
        present = latest(present, self.config.length)
        places = from_end(present).clamp(min=1)
        faded = torch.exp(-self.slopes * places[..., None].log())  # (B, T, D)
        weights = self.said(clicks, present)[..., None] * faded
        whole = weights.sum(dim=1).clamp(min=torch.finfo(weights.dtype).tiny)
        found: Tensor = (weights * clicks).sum(dim=1) / whole
        return found


def person_encoder(config: LongShortConfig) -> LongShort | FadingAttention:
    """What encodes persons by this configuration, at a random start."""
    return FadingAttention(config) if config.reader == "attention" else LongShort(config)
