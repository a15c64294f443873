"""Where a run of learning a sequence model stands, in one file that appears whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, optim

from fusion.weights import FusionError, read_arrays, write_arrays
from ranking.sequence_validation import NextItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands."""

    epoch: int
    """Rounds done."""
    best_epoch: int
    """Round after which the best state stood; 0 for the start."""
    best: NextItem
    """What the best state finds on validation."""
    last: NextItem
    """What the state after the last round finds."""
    loss: float
    """Mean loss of the last round; 0 before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A run between two rounds."""

    signature: str
    """Digest of all that the run depends on."""
    progress: Progress
    """Where it stands."""
    state: Mapping[str, Tensor]
    """The network's numbers now."""
    best: Mapping[str, Tensor]
    """The network's numbers when it was best."""
    moments: Mapping[str, Tensor]
    """What the optimiser remembers, by ``parameter.name``."""

    @classmethod
    def first(cls, network: nn.Module, found: NextItem, signature: str) -> Checkpoint:
        """The run before its first round."""
        progress = Progress(epoch=0, best_epoch=0, best=found, last=found, loss=0.0)
        state = _copy(network.state_dict())
        return cls(signature=signature, progress=progress, state=state, best=state, moments={})

    def after(
        self, network: nn.Module, optimizer: optim.Optimizer, found: NextItem, loss: float
    ) -> Checkpoint:
        """The run after one more round, which left network and optimiser so."""
        old = self.progress
        better = found.ndcg_at_10 > old.best.ndcg_at_10
        state = _copy(network.state_dict())
        return Checkpoint(
            signature=self.signature,
            progress=Progress(
                epoch=old.epoch + 1,
                best_epoch=old.epoch + 1 if better else old.best_epoch,
                best=found if better else old.best,
                last=found,
                loss=loss,
            ),
            state=state,
            best=state if better else self.best,
            moments=_flat(optimizer),
        )

    def restore(self, network: nn.Module, optimizer: optim.Optimizer) -> None:
        """Put a network and its optimiser where this run stands."""
        network.load_state_dict(self.state)
        found: dict[int, dict[str, Tensor]] = {}
        for name, value in self.moments.items():
            number, moment = name.split(".", 1)
            found.setdefault(int(number), {})[moment] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": found})

    def save(self, path: Path) -> None:
        """Write the run, replacing what stood there."""
        parts = {"state": self.state, "best": self.best, "moments": self.moments}
        arrays = {
            f"{part}/{name}": tensor.numpy()
            for part, tensors in parts.items()
            for name, tensor in tensors.items()
        }
        progress = json.dumps(dataclasses.asdict(self.progress))
        write_arrays(path, arrays, {"signature": self.signature, "progress": progress})

    @classmethod
    def load(cls, path: Path, signature: str) -> Checkpoint | None:
        """Read a run; None where there is none, or none of this signature."""
        try:
            arrays, head = read_arrays(path)
        except FusionError:
            return None
        if head.get("signature") != signature:
            return None
        known = json.loads(head["progress"])
        known |= {name: NextItem(**known[name]) for name in ("best", "last")}
        return cls(
            signature=signature,
            progress=Progress(**known),
            state=_part(arrays, "state"),
            best=_part(arrays, "best"),
            moments=_part(arrays, "moments"),
        )


def _part(arrays: Mapping[str, NDArray[Any]], part: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{part}/"): torch.from_numpy(np.asarray(array))
        for name, array in arrays.items()
        if name.startswith(f"{part}/")
    }


def _copy(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}


def _flat(optimizer: optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": value.detach().cpu().clone()
        for number, moments in state.items()
        for name, value in moments.items()
    }
