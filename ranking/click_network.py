"""Who clicks what among items shown together: an item encoder, a person encoder, their product.

Any two encoders fit together, so that systems which share one are compared fairly.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fusion.attentive import ItemViews
from ranking.impressions import Impressions, Numbers

CHUNK = 4_096
"""Items, or impressions, that are encoded at once."""


class ClickNetwork(nn.Module):
    """Scores items for persons.

    Args:
        items: encodes items, as ``AttentiveViews`` does.
        persons: encodes persons and their clicks, as ``LongShort`` does.
        length: most clicks that are looked at, the most recent.
    """

    def __init__(self, items: nn.Module, persons: nn.Module, length: int) -> None:
        super().__init__()
        self.items, self.persons, self.length = items, persons, length

    def forward(
        self, views: ItemViews, impressions: Impressions, rows: Numbers, shown: Numbers
    ) -> Tensor:
        """Score items for those whom impressions were shown to.

        Args:
            views: of the catalogue.
            impressions: who they were shown to, and what was known then.
            rows: numbers of impressions, (B,).
            shown: numbers of items, (B, C).

        Returns:
            Logits, (B, C).
        """
        clicks, present = impressions.histories(rows, self.length)
        unique, places = np.unique(
            np.r_[clicks.reshape(-1), shown.reshape(-1)], return_inverse=True
        )
        vectors, _ = self.items(*views.of(unique))
        where = torch.from_numpy(places)
        known = vectors[where[: clicks.size].view(clicks.shape)]  # (B, T, D)
        asked = vectors[where[clicks.size :].view(shown.shape)]  # (B, C, D)
        persons = self.persons(
            torch.from_numpy(impressions.users[rows]), known, torch.from_numpy(present)
        )
        return torch.einsum("bd,bcd->bc", persons, asked)

    @torch.inference_mode()
    def item_vectors(self, views: ItemViews) -> Tensor:
        """Encode the whole catalogue, (N, D)."""
        self.eval()
        parts = [
            self.items(*views.of(np.arange(start, min(start + CHUNK, len(views)))))[0]
            for start in range(0, len(views), CHUNK)
        ]
        return torch.cat(parts)

    @torch.inference_mode()
    def person_vectors(self, impressions: Impressions, items: Tensor) -> Tensor:
        """Encode whom impressions were shown to, (I, D), given vectors of the items (N, D)."""
        self.eval()
        found = []
        for start in range(0, len(impressions), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(impressions)))
            clicks, present = impressions.histories(rows, self.length)
            users = torch.from_numpy(impressions.users[rows])
            found.append(
                self.persons(users, items[torch.from_numpy(clicks)], torch.from_numpy(present))
            )
        return torch.cat(found)

    def scores(self, views: ItemViews, impressions: Impressions) -> NDArray[np.float32]:
        """Score every item shown, (E,)."""
        items = self.item_vectors(views)
        persons = self.person_vectors(impressions, items)
        parts = [
            (persons[impressions.owner[part]] * items[impressions.items[part]]).sum(dim=1)
            for start in range(0, len(impressions.items), 16 * CHUNK)
            for part in [slice(start, start + 16 * CHUNK)]
        ]
        return np.asarray(torch.cat(parts).numpy(), np.float32)
