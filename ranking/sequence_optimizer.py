"""AdamW that keeps a running average of the weights beside them, where that is asked for.

The average of the latest weights finds what is new better than any of them (Polyak and Juditsky
1992); it reaches back further as steps go by, up to a bound, so that the start is soon forgotten.
It is one more thing that the optimiser remembers, and so part of every checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

AVERAGE = "average"


class AveragingAdamW(torch.optim.AdamW):
    """AdamW with an average of the weights.

    Args:
        weights: what learns.
        averaged_steps: steps that the average reaches back; 0 for none.
        options: of ``torch.optim.AdamW``.
    """

    def __init__(self, weights: Iterable[Tensor], averaged_steps: int, **options: Any) -> None:
        super().__init__(weights, **options)
        self._averaged_steps = averaged_steps

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Go one step, and move the average towards where it led."""
        found: float | None = super().step(closure)
        if self._averaged_steps:
            for group in self.param_groups:
                for weight in group["params"]:
                    if weight in self.state:
                        self._average(weight)
        return found

    def _average(self, weight: Tensor) -> None:
        state = self.state[weight]
        if AVERAGE not in state:
            state[AVERAGE] = weight.detach().clone()
        reached = min(float(state["step"]) / 3, self._averaged_steps)
        state[AVERAGE].lerp_(weight, 1 / (1 + reached))

    @contextmanager
    def averaged(self, network: nn.Module) -> Iterator[Mapping[str, Tensor]]:
        """Put the averages in the place of the weights, and the weights back at the end."""
        weights = dict(network.named_parameters())
        kept = {name: weight.detach().clone() for name, weight in weights.items()}
        with torch.no_grad():
            for weight in weights.values():
                weight.copy_(self.state.get(weight, {}).get(AVERAGE, weight))
        try:
            yield network.state_dict()
        finally:
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.copy_(kept[name])
