"""The network of proxies and gates against what its equations say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ranking.proxies import (
    GatedLayer,
    ProxyNetwork,
    alignment_loss,
    concept_loss,
    concept_weight,
    interest_loss,
    interest_weight,
    text_share,
)
from ranking.proxy_config import ProxyConfig

WIDTH = 16
CONFIG = ProxyConfig(tau_proxy=1.0, num_heads=2, inner=8)


def _inputs(batch: int = 5, words: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    visual = functional.normalize(torch.randn(batch, WIDTH), dim=-1)
    blocks = torch.stack([visual, torch.randn(batch, WIDTH)], dim=1)
    return visual, blocks, functional.normalize(torch.randn(words, WIDTH), dim=-1)


def _with_gates(bias: float) -> ProxyNetwork:
    network = ProxyNetwork(WIDTH, CONFIG)
    for layer in network.layers:
        assert isinstance(layer, GatedLayer)
        for gate in (layer.gate_visual, layer.gate_text):
            torch.nn.init.zeros_(gate.weight)
            torch.nn.init.constant_(gate.bias, bias)
    return network


def test_schedules_run_between_the_published_ends() -> None:
    assert interest_weight(0) == pytest.approx(0.1)
    assert interest_weight(1) == pytest.approx(0.5)
    assert [concept_weight(t) for t in (0, 0.5, 1)] == pytest.approx([0, 0.1, 0.2])


def test_a_proxy_lies_in_the_convex_hull_of_the_candidates() -> None:
    visual, _, words = _inputs()
    shares = ProxyNetwork(WIDTH, CONFIG).shares(visual, torch.arange(5), words)
    assert bool((shares >= 0).all())
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(5))
    assert (shares @ words).norm(dim=1).max() <= words.norm(dim=1).max() + 1e-6


def test_closed_gates_leave_both_sides_as_they_are_and_open_ones_add_attention() -> None:
    visual, blocks, words = _inputs()
    text, shares = torch.randn(5, WIDTH), torch.rand(5, 7)
    for bias in (-30.0, 30.0):
        layer = _with_gates(bias).layers[0]
        assert isinstance(layer, GatedLayer)
        new_visual, new_text = layer(visual, text, blocks, words, shares)
        weighted = shares[..., None] * words
        heard = layer.to_visual(
            visual, text, layer.to_visual.key(weighted), layer.to_visual.value(weighted)
        )
        seen = layer.to_text(text, visual, layer.to_text.key(blocks), layer.to_text.value(blocks))
        opened = bias > 0
        torch.testing.assert_close(new_visual, visual + opened * heard, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(new_text, text + opened * seen, atol=1e-6, rtol=1e-5)


def test_attention_is_the_textbook_one() -> None:
    layer = ProxyNetwork(WIDTH, CONFIG).layers[0]
    assert isinstance(layer, GatedLayer)
    attention = layer.to_text
    query, pooled, tokens = torch.randn(1, WIDTH), torch.randn(1, WIDTH), torch.randn(1, 3, WIDTH)
    found = attention(query, pooled, attention.key(tokens), attention.value(tokens))
    every = torch.cat([pooled[:, None], tokens], dim=1)[0]
    gathered = []
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        scores = attention.key(every)[:, part] @ attention.query(query)[0, part] / 2
        gathered.append(torch.softmax(scores, dim=0) @ attention.value(every)[:, part])
    torch.testing.assert_close(found[0], attention.out(torch.cat(gathered)), atol=1e-6, rtol=1e-4)


def test_the_share_of_text_follows_the_agreement() -> None:
    assert float(text_share(torch.tensor(0.0), 0.1)) == 0.5
    assert float(text_share(torch.tensor(1.0), 0.1)) > 0.9999
    visual, blocks, words = _inputs()
    shares = torch.zeros(5, 7)
    text = functional.normalize(torch.randn(5, WIDTH), dim=-1)
    text = functional.normalize(text - (text * visual).sum(1, keepdim=True) * visual, dim=-1)
    network = _with_gates(-30.0)
    for row in range(5):
        fused = network.fuse(
            visual[row : row + 1], torch.ones(1, 1), text[row : row + 1], blocks[:1]
        )
        torch.testing.assert_close(fused[0], (visual[row] + text[row]) / 2, atol=1e-5, rtol=1e-4)
    assert network.fuse(visual, shares, words, blocks).shape == (5, WIDTH)


def test_an_item_reads_the_same_alone_and_among_others() -> None:
    visual, blocks, words = _inputs()
    network = ProxyNetwork(WIDTH, CONFIG)
    shares = network.shares(visual, torch.arange(5), words)
    together = network.fuse(visual, shares, words, blocks)
    alone = network.fuse(visual[2:3], shares[2:3], words, blocks[2:3])
    torch.testing.assert_close(alone[0], together[2], atol=1e-6, rtol=1e-5)


def test_the_concept_constraint_repels_the_proxies_of_others_the_hardest_most() -> None:
    fused, _, _ = _inputs(batch=6)
    proxies = functional.normalize(torch.randn(6, WIDTH), dim=-1)
    further = proxies - 0.5 * fused.mean(dim=0)
    away = functional.normalize(further, dim=-1)
    near, far = (concept_loss(fused, rows, 0.1) for rows in (proxies, away))
    assert far < near
    scores = functional.normalize(fused, dim=-1) @ proxies.T
    scores.fill_diagonal_(-9)
    shares = [torch.softmax(scores / sigma, dim=1).max(dim=1).values.mean() for sigma in (1, 0.01)]
    pulls = []
    for sigma in (1.0, 0.01):
        moved = proxies.clone().requires_grad_()
        torch.autograd.backward(concept_loss(fused, moved, sigma))
        assert moved.grad is not None
        pulls.append(float(moved.grad.norm()))
    assert shares[1] > 0.9 > shares[0]
    assert pulls[1] > pulls[0]


def test_the_other_losses_are_zero_where_they_want_things_to_be() -> None:
    visual, _, words = _inputs()
    assert float(alignment_loss(3 * visual, visual)) == pytest.approx(0, abs=1e-6)
    assert float(interest_loss(words.mean(dim=0).repeat(4, 1), words)) == pytest.approx(0, abs=1e-6)
    assert float(interest_loss(words, words)) > 0


@pytest.mark.parametrize("part", ["text", "visual", "gates"])
def test_a_part_left_out_is_left_out(part: str) -> None:
    visual, blocks, words = _inputs()
    config = ProxyConfig(tau_proxy=1.0, num_heads=2, inner=8, num_layers=0, without=(part,))  # type: ignore[arg-type]
    shares = torch.softmax(torch.randn(5, 7), dim=1)
    fused = ProxyNetwork(WIDTH, config).fuse(visual, shares, words, blocks)
    text = functional.normalize(shares @ words, dim=-1)
    expected = {"text": visual, "visual": text, "gates": torch.cat([text, visual], dim=-1)}[part]
    torch.testing.assert_close(fused, expected)


def test_heads_that_do_not_share_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="heads"):
        ProxyConfig(inner=10, num_heads=4)
