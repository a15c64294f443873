"""Attention over views: shares, what is absent, what is hidden in learning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from fusion.attentive import AdditiveAttention, AttentiveViews, ItemViews, ViewsConfig

CONFIG = ViewsConfig(content_widths=(5, 7), num_labels=(3, 4), width=8, label_width=6)
COUNT = 16


def every_combination() -> tuple[list[Tensor], Tensor]:
    """Sixteen items, one with each combination of the four views."""
    random = np.random.default_rng(0)
    has = (np.arange(COUNT)[:, None] >> np.arange(4)) % 2 == 1
    contents = [
        torch.from_numpy((random.normal(size=(COUNT, width)) * has[:, [n]]).astype(np.float32))
        for n, width in enumerate(CONFIG.content_widths)
    ]
    labels = random.integers(1, 4, size=(COUNT, 2)) * has[:, 2:]
    return contents, torch.from_numpy(labels)


def encoder(seed: int = 0) -> AttentiveViews:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AttentiveViews(CONFIG)


def test_shares_are_of_the_views_that_an_item_has() -> None:
    contents, labels = every_combination()
    _, present = encoder().eval().views(contents, labels)
    vectors, shares = encoder().eval()(contents, labels)
    assert present.sum(dim=1).tolist() == [bin(number).count("1") for number in range(COUNT)]
    assert (shares[~present] == 0).all()
    assert (shares[present] > 0).all()
    torch.testing.assert_close(shares[1:].sum(dim=1), torch.ones(COUNT - 1))
    assert (vectors[0] == 0).all()
    assert torch.isfinite(vectors).all()


def test_an_item_does_not_depend_on_its_batch_mates() -> None:
    contents, labels = every_combination()
    network = encoder().eval()
    together, _ = network(contents, labels)
    for row in range(COUNT):
        alone, _ = network([part[[row]] for part in contents], labels[[row]])
        torch.testing.assert_close(alone[0], together[row])


@pytest.mark.parametrize("view", range(4))
def test_every_view_counts(view: int) -> None:
    contents, labels = every_combination()
    before, _ = encoder().eval()(contents, labels)
    if view < 2:
        contents[view] = contents[view] * 2
    else:
        labels[:, view - 2] = torch.where(labels[:, view - 2] > 0, labels[:, view - 2] % 3 + 1, 0)
    after, _ = encoder().eval()(contents, labels)
    changed = (before != after).any(dim=1)
    assert changed.tolist() == [bool(number >> view & 1) for number in range(COUNT)]


def test_attention_gives_nothing_to_padding() -> None:
    attention = AdditiveAttention(4, 4)
    rows = torch.randn(2, 5, 4)
    present = torch.tensor([[True, False, True, False, False], [False] * 5])
    shares = attention(rows, present)
    assert shares[0, [1, 3, 4]].tolist() == [0, 0, 0]
    torch.testing.assert_close(shares.sum(dim=1), torch.tensor([1.0, 0.0]))
    spoilt = torch.where(present[..., None], rows, torch.full_like(rows, 1e6))
    torch.testing.assert_close(attention(spoilt, present), shares)


def test_views_are_hidden_in_learning_alone_and_never_the_only_one() -> None:
    contents, labels = every_combination()
    contents = [part[[15] * 400 + [1] * 400] for part in contents]
    labels = labels[[15] * 400 + [1] * 400]
    torch.manual_seed(0)
    _, shares = encoder().train()(contents, labels)
    hidden = (shares[:400] == 0).float().mean()
    assert 0.05 < float(hidden) < 0.15
    torch.testing.assert_close(shares[400:, 0], torch.ones(400))
    _, shares = encoder().eval()(contents, labels)
    assert (shares[:400] > 0).all()


def test_views_of_items_are_cut_from_those_of_the_catalogue() -> None:
    contents, labels = every_combination()
    catalogue = ItemViews(contents=tuple(part.numpy() for part in contents), labels=labels.numpy())
    found, kinds = catalogue.of(np.array([15, 2, 2]))
    assert len(catalogue) == COUNT
    for part, whole in zip((*found, kinds), (*contents, labels), strict=True):
        torch.testing.assert_close(part, whole[[15, 2, 2]])
    with pytest.raises(ValueError, match="one row per item"):
        ItemViews(contents=(np.zeros((3, 5), np.float32),), labels=np.zeros((4, 0), np.int64))
    with pytest.raises(ValueError, match="expected a view"):
        ViewsConfig(content_widths=())
