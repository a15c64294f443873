"""A shared dictionary of interests: item vectors become short codes, coarse level first.

After the residual quantiser of GemiRec's dictionary module (Wu et al. 2025, arXiv 2510.14626; form
of the loss after Lee et al. 2022, arXiv 2203.01941):
- what a level's entry leaves over is what the next level sees; a code is one entry per level, and
  its embedding the entries side by side;
- each entry learns from its own residual only, and vectors from nothing: no gradient leaves here;
- entries start as centres of k-means. One that has found no vector for a while starts again from a
  vector's residual;
- without an encoder (the default) this is residual k-means kept up by gradient. With one, the
  encoder learns to reconstruct through the codes and to stay near its entries.

``L`` counts levels, ``W`` is the width of entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ranking.kmeans import kmeans

CHUNK = 65_536
"""Vectors quantised at once."""
MOST_FOR_START = 100_000
"""Vectors that k-means looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantiserConfig:
    """Shape of a dictionary."""

    width: int = 64
    """Of the vectors and the entries."""
    sizes: tuple[int, ...] = (64, 64)
    """Entries of each level, L numbers, coarse to fine."""
    inner: int = 0
    """Inner width of an encoder before the levels and a decoder behind; 0 for neither."""
    commitment: float = 0.25
    """Pull of what an encoder gives towards the entry that it found."""

    def __post_init__(self) -> None:
        if not self.sizes or min(*self.sizes, self.width) < 1 or self.inner < 0:
            raise ValueError(f"expected counts of 1 or more: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantiserTraining:
    """How a dictionary is learnt."""

    num_steps: int = 400
    """Steps of Adam after k-means."""
    batch_size: int = 1_024
    """Vectors per step."""
    learning_rate: float = 1e-3
    """Step of Adam."""
    reseed_every: int = 50
    """Steps after which entries that found nothing in all of them start again."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        if min(self.batch_size, self.reseed_every) < 1 or self.num_steps < 0:
            raise ValueError(f"expected counts: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUse:
    """How a dictionary is used by some vectors."""

    perplexity: tuple[float, ...]
    """Of each level: as many entries, used evenly, would tell as much; (L,)."""
    dead_ratio: tuple[float, ...]
    """Share of each level's entries that no vector found, (L,)."""
    num_codes: int
    """Different codes in use."""
    error_ratio: float
    """Squared error of the reconstruction over the squared distance from the mean vector."""


class Quantiser(nn.Module):
    """Vectors to codes, codes to embeddings."""

    def __init__(self, config: QuantiserConfig) -> None:
        super().__init__()
        self.config = config
        self.levels = nn.ParameterList(
            nn.Parameter(0.02 * torch.randn(size, config.width)) for size in config.sizes
        )
        self.encoder = _layers(config) if config.inner else None
        self.decoder = _layers(config) if config.inner else None

    @torch.no_grad()
    def codes(self, vectors: Tensor) -> Tensor:
        """Find the code of each vector (..., W), int64 (..., L)."""
        flat = vectors.reshape(-1, vectors.shape[-1])
        starts = range(0, max(len(flat), 1), CHUNK)
        parts = [self._assign(self._encoded(flat[at : at + CHUNK]))[0] for at in starts]
        return torch.cat(parts).view(*vectors.shape[:-1], len(self))

    def embedding(self, codes: Tensor) -> Tensor:
        """Entries of codes (..., L) side by side, (..., L W); no gradient goes into them."""
        return torch.cat([self.entry(level, codes[..., level]) for level in range(len(self))], -1)

    def entry(self, level: int, numbers: Tensor) -> Tensor:
        """Entries of one level with these numbers (...), (..., W), without gradient."""
        return functional.embedding(numbers, self.levels[level].detach())

    def __len__(self) -> int:
        """L."""
        return len(self.config.sizes)

    def reconstructed(self, codes: Tensor) -> Tensor:
        """Vectors that codes (..., L) stand for, (..., W)."""
        total = torch.stack(
            [functional.embedding(codes[..., n], table) for n, table in enumerate(self.levels)]
        ).sum(dim=0)
        return total if self.decoder is None else self.decoder(total)

    def loss(self, vectors: Tensor) -> Tensor:
        """Mean squared error of reconstruction, of entries and, where there is an encoder, of it.

        Args:
            vectors: (B, W); no gradient goes into them.
        """
        vectors = vectors.detach()
        encoded = self._encoded(vectors)
        codes, residuals = self._assign(encoded)
        terms = []
        for level, (table, residual) in enumerate(zip(self.levels, residuals, strict=True)):
            found = functional.embedding(codes[:, level], table)
            terms.append(_squares(residual.detach(), found))
            if self.encoder is not None:
                terms.append(self.config.commitment * _squares(residual, found.detach()))
        if self.decoder is not None:
            total = encoded - residuals[-1] + self.entry(len(self) - 1, codes[:, -1])
            straight = encoded + (total - encoded).detach()
            terms.append(_squares(self.decoder(straight), vectors))
        return torch.stack(terms).sum()

    @torch.no_grad()
    def start(self, vectors: Tensor, seed: int) -> None:
        """Put the entries of each level at the centres of what reaches it.

        Args:
            vectors: (B, W); where they are fewer than a level's entries, some stand twice.
            seed: of the centres.
        """
        draw = np.random.default_rng(seed)
        some = draw.permutation(len(vectors))[:MOST_FOR_START]
        rest = self._encoded(vectors[torch.from_numpy(some).to(vectors.device)])
        for table in self.levels:
            rows = rest.float().cpu().numpy()
            distinct = np.unique(rows, axis=0)
            centres = distinct[draw.integers(len(distinct), size=len(table))]
            if len(distinct) > len(table):
                centres = kmeans(rows, len(table), int(draw.integers(2**31)), restarts=1)[1]
            table.copy_(torch.from_numpy(np.asarray(centres)))
            rest = rest - functional.embedding(_nearest(rest, table), table)

    @torch.no_grad()
    def use(self, vectors: Tensor) -> CodeUse:
        """Say how some vectors (B, W) use the dictionary."""
        codes = self.codes(vectors)
        perplexity, dead = [], []
        for level, size in enumerate(self.config.sizes):
            share = torch.bincount(codes[:, level], minlength=size).double() / len(codes)
            perplexity.append(float(torch.special.entr(share).sum().exp()))
            dead.append(float((share == 0).double().mean()))
        error = _squares(self.reconstructed(codes), vectors)
        spread = _squares(vectors.mean(dim=0).expand_as(vectors), vectors)
        return CodeUse(
            perplexity=tuple(perplexity),
            dead_ratio=tuple(dead),
            num_codes=len(torch.unique(codes, dim=0)),
            error_ratio=float(error / spread.clamp(min=1e-12)),
        )

    @torch.no_grad()
    def reseed(self, counts: list[Tensor], vectors: Tensor, random: np.random.Generator) -> int:
        """Let entries start again from residuals of some vectors.

        Args:
            counts: how often each entry of each level was found; 0 for those to start again.
            vectors: (B, W).
            random: which residuals.

        Returns:
            Entries that started again.
        """
        _, residuals = self._assign(self._encoded(vectors))
        number = 0
        for table, residual, count in zip(self.levels, residuals, counts, strict=True):
            dead = torch.nonzero(count == 0)[:, 0]
            drawn = torch.from_numpy(random.integers(len(residual), size=len(dead)))
            table[dead] = residual[drawn.to(residual.device)]
            number += len(dead)
        return number

    def _encoded(self, vectors: Tensor) -> Tensor:
        return vectors if self.encoder is None else self.encoder(vectors)

    def _assign(self, encoded: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Codes (B, L), and what each level sees, L of (B, W)."""
        rest, codes, residuals = encoded, [], []
        for level, table in enumerate(self.levels):
            found = _nearest(rest.detach(), table.detach())
            codes.append(found)
            residuals.append(rest)
            rest = rest - self.entry(level, found)
        return torch.stack(codes, dim=-1), residuals


def fit_quantiser(
    quantiser: Quantiser, vectors: Tensor, config: QuantiserTraining = QuantiserTraining()
) -> CodeUse:
    """Learn a dictionary of some vectors.

    Args:
        quantiser: what learns; its entries are set anew.
        vectors: (B, W), on the quantiser's device.
        config: how.

    Returns:
        How the vectors use it.
    """
    quantiser.start(vectors, config.seed)
    random = np.random.default_rng([config.seed, 1])
    optimizer = torch.optim.Adam(quantiser.parameters(), lr=config.learning_rate)
    counts = [vectors.new_zeros(size, dtype=torch.int64) for size in quantiser.config.sizes]
    for step in range(1, config.num_steps + 1):
        drawn: NDArray[np.int64] = random.integers(len(vectors), size=config.batch_size)
        batch = vectors[torch.from_numpy(drawn).to(vectors.device)]
        optimizer.zero_grad()
        quantiser.loss(batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        codes = quantiser.codes(batch)
        for level, count in enumerate(counts):
            count.add_(torch.bincount(codes[:, level], minlength=len(count)))
        if step % config.reseed_every == 0:
            quantiser.reseed(counts, batch, random)
            for count in counts:
                count.zero_()
    return quantiser.use(vectors)


def _layers(config: QuantiserConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(config.width, config.inner), nn.ReLU(), nn.Linear(config.inner, config.width)
    )


def _nearest(rows: Tensor, table: Tensor) -> Tensor:
    """Number of the entry nearest to each row (B, W), int64 (B,)."""
    return (table.square().sum(dim=1) - 2 * rows @ table.T).argmin(dim=1)


def _squares(one: Tensor, other: Tensor) -> Tensor:
    """Mean over rows (B, W) of the squared distance."""
    return (one - other).square().sum(dim=-1).mean()
