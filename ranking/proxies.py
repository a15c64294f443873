"""Learnable proxy words with gated fusion, trained against what the catalogue contains.

After Multi-DProxy (Xu et al. 2025, arXiv 2511.07274): an item's proxy is a convex combination of
candidate words; proxy and visual vector attend to each other through sigmoid gates; three losses
hold them together; now and then half of the candidates are dropped. Departures:
- an item's query comes from its vector through a learnt map (*amortised*) instead of being free, so
  that an item which was never seen has a proxy, and memory does not grow with the catalogue;
  ``proxies="free"`` is the published way;
- gates and residuals act on one pooled token per side; candidates (weighted by the proxy) and the
  blocks of the item's vector serve as keys and values. Attention of width ``inner``;
- a refresh keeps the words that cover the proxies' clusters best; ``refresh="mean"`` is the
  published score, which favours words that mean little;
- the hardest negative among the items of a batch, not of the whole set.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ranking.proxy_config import ProxyConfig


class Attention(nn.Module):
    """Multi-head attention of one query over the same weighted set of tokens, width ``inner``."""

    def __init__(self, width: int, inner: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(width, inner, bias=False)
        self.key = nn.Linear(width, inner, bias=False)
        self.value = nn.Linear(width, inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, query: Tensor, pooled: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attend to the other side's pooled token and to its parts.

        Args:
            query: (B, D).
            pooled: the other side as a whole, (B, D).
            keys: of its parts, (B, T, inner).
            values: of its parts, (B, T, inner).

        Returns:
            What each query gathered, (B, D).
        """
        q = self._heads(self.query(query)[:, None])  # (B, H, 1, inner / H)
        k = self._heads(torch.cat([self.key(pooled)[:, None], keys], dim=1))
        v = self._heads(torch.cat([self.value(pooled)[:, None], values], dim=1))
        mixed = functional.scaled_dot_product_attention(q, k, v)  # (B, H, 1, inner / H)
        gathered: Tensor = self.out(mixed.transpose(1, 2).reshape(len(query), -1))
        return gathered

    def _heads(self, tokens: Tensor) -> Tensor:
        batch, length, width = tokens.shape
        return tokens.view(batch, length, self.num_heads, width // self.num_heads).transpose(1, 2)


class GatedLayer(nn.Module):
    """One exchange between the two sides: attention, then a sigmoid gate on the residual."""

    def __init__(self, width: int, config: ProxyConfig) -> None:
        super().__init__()
        self.to_visual = Attention(width, config.inner, config.num_heads)
        self.to_text = Attention(width, config.inner, config.num_heads)
        self.gate_visual = nn.Linear(2 * width, width)
        self.gate_text = nn.Linear(2 * width, width)

    def forward(
        self, visual: Tensor, text: Tensor, blocks: Tensor, candidates: Tensor, shares: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Exchange once.

        Args:
            visual: visual side, (B, D).
            text: text side, (B, D).
            blocks: parts of the visual side, (B, F, D).
            candidates: parts of the text side before weighting, (P, D).
            shares: weight of each candidate, (B, P).

        Returns:
            Both sides, (B, D) each.
        """
        weights = shares[..., None]
        keys, values = self.to_visual.key(candidates), self.to_visual.value(candidates)
        heard = self.to_visual(visual, text, weights * keys, weights * values)
        seen = self.to_text(text, visual, self.to_text.key(blocks), self.to_text.value(blocks))
        gate_visual = torch.sigmoid(self.gate_visual(torch.cat([visual, heard], dim=-1)))
        gate_text = torch.sigmoid(self.gate_text(torch.cat([text, seen], dim=-1)))
        return visual + gate_visual * heard, text + gate_text * seen


class ProxyNetwork(nn.Module):
    """Proxies and fusion of one aspect.

    Args:
        width: D, of the aspect's space.
        config: shape and temperatures.
        queries: first query of each item where proxies are free, (N, D); none where amortised.
    """

    def __init__(self, width: int, config: ProxyConfig, queries: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.query_of = nn.Linear(width, width, bias=False)
        nn.init.eye_(self.query_of.weight)
        self.queries: nn.Embedding | None = None
        if queries is not None:
            self.queries = nn.Embedding(len(queries), width, sparse=True)
            self.queries.weight.data.copy_(queries)
        self.layers = nn.ModuleList(GatedLayer(width, config) for _ in range(config.num_layers))

    def shares(self, visual: Tensor, rows: Tensor, anchors: Tensor) -> Tensor:
        """Share of each candidate in each item's proxy.

        Args:
            visual: item vectors, (B, D).
            rows: which items they are, (B,); looked at where proxies are free.
            anchors: candidates as scores see them, (P, D).

        Returns:
            Shares that add to one, (B, P).
        """
        assert self.config.tau_proxy is not None
        query = self.query_of(visual) if self.queries is None else self.queries(rows)
        return functional.softmax(query @ anchors.T / self.config.tau_proxy, dim=-1)

    def fuse(self, visual: Tensor, shares: Tensor, words: Tensor, blocks: Tensor) -> Tensor:
        """Join each item's vector and proxy.

        Args:
            visual: item vectors, (B, D).
            shares: of the candidates, (B, P).
            words: candidates, (P, D).
            blocks: blocks of the item vectors, each alone in its place, (B, F, D).

        Returns:
            What is clustered: (B, D), or (B, 2 D) without gates.
        """
        text = functional.normalize(shares @ words, dim=-1)
        if "gates" in self.config.without:
            return torch.cat([text, visual], dim=-1)
        for layer in self.layers:
            visual, text = layer(visual, text, blocks, words, shares)
        if "text" in self.config.without:
            return visual
        if "visual" in self.config.without:
            return text
        share = text_share(functional.cosine_similarity(text, visual, dim=-1), self.config.tau)
        share = share[:, None]
        return share * text + (1 - share) * visual


def text_share(agreement: Tensor, tau: float) -> Tensor:
    """Share of the text side from the cosine of the two sides."""
    return torch.sigmoid(agreement / tau)


def alignment_loss(fused: Tensor, visual: Tensor) -> Tensor:
    """How far the fused vectors (B, D) turn away from the visual ones (B, D)."""
    return (1 - functional.cosine_similarity(fused, visual, dim=-1)).mean()


def interest_loss(proxies: Tensor, words: Tensor) -> Tensor:
    """How far proxies (B, D) lie from the mean candidate of (P, D)."""
    return ((proxies - words.mean(dim=0)) ** 2).sum(dim=-1).mean()


def concept_loss(fused: Tensor, proxies: Tensor, sigma: float) -> Tensor:
    """How near fused vectors (B, D) come to the proxies (B, D) of other items; soft hardest."""
    scores = functional.normalize(fused, dim=-1) @ functional.normalize(proxies, dim=-1).T / sigma
    others = ~torch.eye(len(fused), dtype=torch.bool, device=fused.device)
    return torch.logsumexp(scores.masked_fill(~others, -math.inf), dim=-1).mean()


def interest_weight(progress: float) -> float:
    """Weight of the interest constraint at a share of training in [0, 1]: 0.1 rising to 0.5."""
    return min(0.5, 0.1 + 0.4 * progress)


def concept_weight(progress: float) -> float:
    """Weight of the concept constraint at a share of training in [0, 1]: 0 rising to 0.2."""
    return 0.1 * (1 - math.cos(math.pi * progress))
