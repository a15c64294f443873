"""Two profiles of a person and an item in, a score out: attention over the two, then a scorer.

- Both profiles go through the same attention, so that only what they say decides what they weigh,
  and not which of the two they are; two equal ones weigh one half each.
- The scorer's first layer is applied to people and to items apart, and added up: the same function
  as on both side by side, at a fraction of the work where many people meet many items.
- Texts come encoded; nothing here learns what words mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileShape:
    """Sizes of the network."""

    width: int
    """D, numbers of an encoded text and of an item."""
    hidden: int = 256
    """Hidden numbers of attention and scorer."""
    dropped_ratio: float = 0.2
    """Share of hidden numbers dropped while learning."""


class ProfileNetwork(nn.Module):
    """Scores items for people that are known by two encoded texts.

    Args:
        shape: its sizes.
    """

    def __init__(self, shape: ProfileShape) -> None:
        super().__init__()
        self.shape = shape
        self.read = nn.Linear(shape.width, shape.hidden)
        self.weigh = nn.Linear(shape.hidden, 1)
        self.of_person = nn.Linear(shape.width, shape.hidden)
        self.of_item = nn.Linear(shape.width, shape.hidden, bias=False)
        self.judge = nn.Linear(shape.hidden, 2)
        self.drop = nn.Dropout(shape.dropped_ratio)
        for layer in (self.read, self.weigh, self.judge):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        whole = torch.empty(shape.hidden, 2 * shape.width)
        nn.init.xavier_uniform_(whole)
        with torch.no_grad():
            self.of_person.weight.copy_(whole[:, : shape.width])
            self.of_item.weight.copy_(whole[:, shape.width :])
        nn.init.zeros_(self.of_person.bias)

    def weights(self, profiles: Tensor) -> Tensor:
        """Give what each profile weighs.

        Args:
            profiles: encoded, the short one first, (B, 2, D).

        Returns:
            Shares, (B, 2), adding up to 1.
        """
        heard = self.weigh(self.drop(torch.relu(self.read(profiles))))  # (B, 2, 1)
        return torch.softmax(heard.squeeze(-1), dim=-1)

    def person(self, profiles: Tensor) -> Tensor:
        """Mix two profiles, (B, 2, D), to one vector, (B, D)."""
        return (self.weights(profiles).unsqueeze(-1) * profiles).sum(dim=1)

    def logits(self, profiles: Tensor, items: Tensor, pairs: Tensor) -> Tensor:
        """Judge pairs.

        Args:
            profiles: of B people, (B, 2, D).
            items: every item, (N, D).
            pairs: numbers of the items that each person is held against, (B, C).

        Returns:
            Of no match and of a match, (B, C, 2).
        """
        people = self.of_person(self.person(profiles)).unsqueeze(1)  # (B, 1, H)
        met = torch.relu(people + self.of_item(items)[pairs])  # (B, C, H)
        judged: Tensor = self.judge(self.drop(met))
        return judged

    def score_all(self, profiles: Tensor, items: Tensor) -> Tensor:
        """Score every item for everybody.

        Args:
            profiles: (B, 2, D).
            items: (N, D).

        Returns:
            How much a match is likelier than none, as a logarithm, (B, N).
        """
        people = self.of_person(self.person(profiles))  # (B, H)
        known = self.of_item(items)  # (N, H)
        against = self.judge.weight[1] - self.judge.weight[0]
        rows = [torch.relu(one + known) @ against for one in people]
        return torch.stack(rows) + (self.judge.bias[1] - self.judge.bias[0])
