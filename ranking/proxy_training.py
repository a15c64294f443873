"""Train the proxies of one aspect: losses on a schedule, candidates that the catalogue chooses.

- The network works in the span of the candidates: what no word can speak of is left to the
  consensus that follows, or the alignment loss would pull every aspect back to what dominates.
- Training takes a bounded number of steps, whatever the size of the catalogue: ``epochs`` passes
  over few items, ``most_steps`` batches of many.
- The last refresh comes before the last stretch, so that the final candidates are trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.base import unit
from ranking.kmeans import kmeans
from ranking.proxies import (
    ProxyNetwork,
    alignment_loss,
    concept_loss,
    concept_weight,
    interest_loss,
    interest_weight,
)
from ranking.proxy_config import ProxyTraining
from ranking.space import AspectSpace

Array = NDArray[np.float32]

NOISE = 0.01
"""Deviation of the noise on free queries at the start."""
CHUNK = 4_096
"""Items fused at once after training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """What training gives."""

    fused: Array
    """Unit vectors that are clustered, (N, D)."""
    words: NDArray[np.int64]
    """Candidates that were kept, rising."""
    spread_kept: float
    """Variance of the proxies over their variance at the start; near 0 they have collapsed."""


def train_proxies(
    items: Array,
    space: AspectSpace,
    num_clusters: int,
    config: ProxyTraining,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Proxies:
    """Train the proxies of an aspect on items.

    Args:
        items: unit rows of the space, (N, D).
        space: where items and candidates meet.
        num_clusters: M, below which the candidates are not cut.
        config: how.
        on_progress: takes the share of the work that is done.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)  # Steps this small lose more to threads than they gain.
    basis = space.span
    visual, words, anchors = (
        torch.from_numpy(rows @ basis) for rows in (items, space.words, space.anchors)
    )
    network = ProxyNetwork(
        basis.shape[1], config.network, _first_queries(visual, words, anchors, config)
    )
    # Each block alone, seen along the same directions: x -> x B B_f^T, with B_f the block's rows.
    parts = torch.from_numpy(
        np.stack([basis[place].T @ basis[place] for place in space.slices.values()])
    )
    kept = torch.arange(len(words))
    start = _proxies(network, visual, words, anchors, kept).var(dim=0).sum()
    steps = min(config.epochs * math.ceil(len(items) / config.batch), config.most_steps)
    optimisers = _optimisers(network, config)
    refresh_at = {
        round(steps * (turn + 1) / (config.refreshes + 1)) for turn in range(config.refreshes)
    }
    batches = _batches(len(items), config)
    for step in range(steps):
        rows = next(batches)
        candidates = words[kept], anchors[kept]
        loss = _loss(network, visual[rows], rows, candidates, parts, step / steps)
        for optimiser in optimisers:
            optimiser.zero_grad()
        torch.autograd.backward(loss)
        for optimiser in optimisers:
            optimiser.step()
        if step + 1 in refresh_at:
            proxies = _proxies(network, visual, words, anchors, kept)
            kept = _refreshed(proxies, words, kept, num_clusters, config)
        on_progress((step + 1) / steps)
    end = _proxies(network, visual, words, anchors, kept).var(dim=0).sum()
    return Proxies(
        fused=_fused(network, visual, words[kept], anchors[kept], parts),
        words=kept.numpy(),
        spread_kept=float(end / start.clamp_min(1e-9)),
    )


def refresh_scores(
    centres: Array, sizes: NDArray[np.floating], words: Array, score: str, keep: int
) -> list[int]:
    """Choose the candidates to keep.

    Args:
        centres: of the proxies' clusters, (M, D).
        sizes: share of the items in each, (M,).
        words: candidates, (P, D).
        score: ``mean`` for the published score, the mean cosine with all centres; ``coverage``
            for words that together lie near every centre, taken one by one.
        keep: how many.

    Returns:
        Places of the kept candidates, rising.
    """
    near = unit(words) @ unit(centres).T  # (P, M)
    if score == "mean":
        return sorted(np.argsort(-near.mean(axis=1), kind="stable")[:keep].tolist())
    chosen: list[int] = []
    covered = np.full(len(centres), -1.0)
    for _ in range(keep):
        gain = (sizes * np.maximum(near - covered, 0)).sum(axis=1)
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain + 1e-6 * near.max(axis=1))))
        covered = np.maximum(covered, near[chosen[-1]])
    return sorted(chosen)


def _first_queries(
    visual: Tensor, words: Tensor, anchors: Tensor, config: ProxyTraining
) -> Tensor | None:
    """Free queries start at the most similar candidate, a little off."""
    if config.network.proxies == "amortised":
        return None
    nearest = (visual @ anchors.T).argmax(dim=1)
    return words[nearest] + NOISE * torch.randn_like(visual)


def _blocks(visual: Tensor, parts: Tensor) -> Tensor:
    return torch.einsum("bd,fde->bfe", visual, parts)


def _optimisers(network: ProxyNetwork, config: ProxyTraining) -> list[torch.optim.Optimizer]:
    fusion = {"params": list(network.layers.parameters()), "lr": config.learning_rate}
    queries = {"params": list(network.query_of.parameters()), "lr": config.query_rate}
    found: list[torch.optim.Optimizer] = [
        torch.optim.Adam([fusion, queries], betas=(0.9, 0.999), weight_decay=0.0)
    ]
    if network.queries is not None:
        found.append(torch.optim.SparseAdam(network.queries.parameters(), lr=config.query_rate))
    return found


def _batches(num_items: int, config: ProxyTraining) -> Iterator[Tensor]:
    while True:
        order = torch.randperm(num_items)
        yield from (part for part in torch.split(order, config.batch) if len(part) > 1)


def _loss(
    network: ProxyNetwork,
    visual: Tensor,
    rows: Tensor,
    candidates: tuple[Tensor, Tensor],
    parts: Tensor,
    progress: float,
) -> Tensor:
    words, anchors = candidates
    config = network.config
    shares = network.shares(visual, rows, anchors)
    fused = network.fuse(visual, shares, words, _blocks(visual, parts))
    proxies = shares @ words
    half = fused[:, -visual.shape[1] :] if fused.shape != visual.shape else fused
    loss = alignment_loss(half, visual)
    loss = loss + config.interest * interest_weight(progress) * interest_loss(proxies, words)
    weight = config.concept * concept_weight(progress)
    return loss + weight * concept_loss(half, proxies, config.sigma)


def _proxies(
    network: ProxyNetwork, visual: Tensor, words: Tensor, anchors: Tensor, kept: Tensor
) -> Tensor:
    with torch.inference_mode():
        parts = [
            network.shares(visual[rows], rows, anchors[kept]) @ words[kept]
            for rows in torch.split(torch.arange(len(visual)), CHUNK)
        ]
    return torch.cat(parts)


def _refreshed(
    proxies: Tensor, words: Tensor, kept: Tensor, num_clusters: int, config: ProxyTraining
) -> Tensor:
    keep = max(num_clusters, len(kept) // 2)
    if keep >= len(kept):
        return kept
    rows = proxies.numpy()
    labels, centres = kmeans(rows, num_clusters, config.seed, restarts=1)
    sizes = np.bincount(labels, minlength=num_clusters) / len(labels)
    places = refresh_scores(centres, sizes, words[kept].numpy(), config.refresh, keep)
    return kept[places]


def _fused(
    network: ProxyNetwork, visual: Tensor, words: Tensor, anchors: Tensor, parts: Tensor
) -> Array:
    fused = []
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(visual)), CHUNK):
            some = visual[rows]
            shares = network.shares(some, rows, anchors)
            fused.append(network.fuse(some, shares, words, _blocks(some, parts)))
    return unit(torch.cat(fused).numpy())
