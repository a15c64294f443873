"""The systems of the impressions benchmark: the hybrid, and what it is made of or held against.

All are made of an item encoder and a person encoder, and learn alike. They follow their papers but
for the text: titles and abstracts come as vectors of one frozen sentence encoder, so that there are
no words for an item encoder to attend to.

- *NRMS* (Wu et al. 2019): titles; self-attention among clicks, then additive attention.
- *NAML* (Wu et al. 2019): all views, weighed by attention; additive attention over clicks.
- *LSTUR* (An et al. 2019): title beside category and subcategory; a gated recurrent unit over
  clicks that starts from the person's vector.
- *hybrid* (arXiv 2507.20210): the items of NAML; a gated recurrent unit beside the person's vector.
- *hybrid by attention* (ours): the items of NAML; its attention over clicks, in which every number
  fades at a pace of its own.
- *NRMS, all views*: tells what the views give from what the person encoder does.
- *hybrid, padding read* has a published fault back: padding on the left is read for clicks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion.attentive import AdditiveAttention, AttentiveViews, ViewsConfig
from ranking.click_network import ClickNetwork
from ranking.fading_attention import FadingAttention
from ranking.long_short import LongShort, LongShortConfig

WIDTH, HEADS, LENGTH = 64, 4, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What systems are built for."""

    content_widths: tuple[int, ...]
    """Width of each text view; the title is the first."""
    num_labels: tuple[int, ...]
    """Labels of each kind."""
    num_users: int
    """Persons that are learnt of."""


class OneView(nn.Module):
    """The first content alone, (B, D)."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self.map = nn.Linear(catalogue.content_widths[0], WIDTH)

    def forward(self, contents: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Encode items."""
        del labels  # Categories are not looked at.
        title = functional.dropout(self.map(contents[0]), 0.2, self.training)
        some = contents[0].any(dim=-1, keepdim=True)
        return title * some, some.float()


class SideBySide(nn.Module):
    """Title, category and subcategory laid end to end and brought to one width, (B, D)."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self.title = OneView(catalogue)
        self.tables = nn.ModuleList(
            nn.Embedding(number + 1, WIDTH // 2, padding_idx=0) for number in catalogue.num_labels
        )
        self.join = nn.Linear(WIDTH + len(self.tables) * (WIDTH // 2), WIDTH)

    def forward(self, contents: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Encode items."""
        title, some = self.title(contents, labels)
        if not len(self.tables):
            return title, some
        kinds = [table(labels[:, place]) for place, table in enumerate(self.tables)]
        return self.join(torch.cat([title, *kinds], dim=-1)), some


class Pooled(nn.Module):
    """Clicks weighed by additive attention, (B, D)."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = AdditiveAttention(WIDTH, WIDTH)

    def forward(self, users: Tensor, clicks: Tensor, present: Tensor) -> Tensor:
        """Encode persons by their clicks."""
        del users  # Nobody is known.
        return (self.attention(clicks, present)[..., None] * clicks).sum(dim=1)


class SelfAttentive(nn.Module):
    """Clicks that attend to each other, then weighed, (B, D)."""

    def __init__(self) -> None:
        super().__init__()
        self.among = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.pooled = Pooled()

    def forward(self, users: Tensor, clicks: Tensor, present: Tensor) -> Tensor:
        """Encode persons by their clicks."""
        masked = ~present
        masked[masked.all(dim=1)] = False  # Nobody there: what comes out is weighed by zero.
        found, _ = self.among(clicks, clicks, clicks, key_padding_mask=masked, need_weights=False)
        pooled: Tensor = self.pooled(users, found, present)
        return pooled


class Faulty(nn.Module):
    """The hybrid's person encoder, with padding on the left that is read as if on the right."""

    def __init__(self, num_users: int) -> None:
        super().__init__()
        self.inner = LongShort(LongShortConfig(num_users=num_users, width=WIDTH, user_width=WIDTH))

    def forward(self, users: Tensor, clicks: Tensor, present: Tensor) -> Tensor:
        """Encode persons by the padding and their oldest clicks."""
        counts, size = present.sum(dim=1), present.shape[1]
        source = torch.arange(size) - (size - counts)[:, None]
        places = source.clamp(min=0)[..., None].expand_as(clicks)
        padded = clicks.gather(1, places) * (source >= 0)[..., None]
        encoded: Tensor = self.inner(users, padded, torch.arange(size) < counts[:, None])
        return encoded


def _hybrid(catalogue: Catalogue) -> tuple[nn.Module, nn.Module]:
    known = LongShortConfig(num_users=catalogue.num_users, width=WIDTH, user_width=WIDTH)
    return _all_views(catalogue), LongShort(known)


def _by_attention(catalogue: Catalogue) -> tuple[nn.Module, nn.Module]:
    known = LongShortConfig(num_users=0, width=WIDTH, reader="attention")
    return _all_views(catalogue), FadingAttention(known)


def _lstur(catalogue: Catalogue) -> tuple[nn.Module, nn.Module]:
    known = LongShortConfig(num_users=catalogue.num_users, width=WIDTH, join="ini")
    return SideBySide(catalogue), LongShort(known)


def _all_views(catalogue: Catalogue) -> nn.Module:
    return AttentiveViews(
        ViewsConfig(
            content_widths=catalogue.content_widths, num_labels=catalogue.num_labels, width=WIDTH
        )
    )


SYSTEMS: Mapping[str, Callable[[Catalogue], tuple[nn.Module, nn.Module]]] = {
    "NRMS": lambda c: (OneView(c), SelfAttentive()),
    "NAML": lambda c: (_all_views(c), Pooled()),
    "LSTUR": _lstur,
    "hybrid": _hybrid,
    "hybrid by attention": _by_attention,
    "NRMS, all views": lambda c: (_all_views(c), SelfAttentive()),
    "hybrid, padding read": lambda c: (_all_views(c), Faulty(c.num_users)),
}


def build(name: str, catalogue: Catalogue, seed: int) -> ClickNetwork:
    """A system at its start; the seed decides its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ClickNetwork(*SYSTEMS[name](catalogue), LENGTH)
