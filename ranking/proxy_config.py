"""Settings of the proxies of an aspect; kept from the network: reading them loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Part = Literal["gates", "text", "visual"]
PARTS: tuple[Part, ...] = ("gates", "text", "visual")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """The shape of the network and of its losses."""

    proxies: Literal["amortised", "free"] = "amortised"
    """Where an item's query comes from."""
    num_layers: int = 2
    """Gated layers, L."""
    num_heads: int = 8
    """Heads of each attention, H."""
    inner: int = 128
    """Width of each attention."""
    tau: float = 0.1
    """Temperature of the share between text and visual side."""
    tau_proxy: float | None = None
    """Temperature of the proxy's softmax, in units of the spread of a word's scores; None to find
    one at which proxies mix enough words, see ``temperature.py``."""
    sigma: float = 0.1
    """Temperature of the concept constraint: small looks at the hardest negative alone."""
    interest: float = 1.0
    """Scale of the interest constraint's schedule; 0 leaves the constraint out."""
    concept: float = 1.0
    """Scale of the concept constraint's schedule; 0 leaves the constraint out."""
    without: tuple[Part, ...] = ()
    """Parts left out: gates (both sides end to end), text or visual (the other side alone)."""

    def __post_init__(self) -> None:
        if self.inner % self.num_heads or self.num_layers < 0:
            raise ValueError(f"heads share the width: {self.inner = }, {self.num_heads = }")
        given = [value for value in (self.tau, self.tau_proxy, self.sigma) if value is not None]
        if min(given) <= 0:
            raise ValueError(
                f"temperatures are positive: {self.tau = }, {self.tau_proxy = }, {self.sigma = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyTraining:
    """How long and how proxies are trained."""

    epochs: int = 0
    """Passes over the items; 0 leaves proxies where the words put them and the gates closed."""
    most_steps: int = 400
    """Most batches, however many items there are."""
    batch: int = 256
    """Items per batch."""
    learning_rate: float = 1e-4
    """Of the fusion, by Adam."""
    query_rate: float = 1e-4
    """Of the queries."""
    refreshes: int = 2
    """How often half of the candidates are dropped; 0 for never."""
    refresh: Literal["coverage", "mean"] = "coverage"
    """How candidates are scored: by the clusters that no other covers, or as published."""
    network: ProxyConfig = field(default_factory=ProxyConfig)
    """What is trained."""
    seed: int = 0
    """Of batches and weights."""

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.most_steps < 1 or self.batch < 2 or self.refreshes < 0:
            raise ValueError(
                f"expected work to do: {self.epochs = }, {self.most_steps = }, {self.batch = }, "
                f"{self.refreshes = }"
            )
