"""Where a run of learning stands, in one file that appears whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, optim

from fusion.weights import FusionError, read_arrays, write_arrays


class RunProgress(Protocol):
    """What every run knows of where it stands; a frozen dataclass of plain values."""

    @property
    def epoch(self) -> int:
        """Rounds done."""

    @property
    def best_epoch(self) -> int:
        """Round after which the best state stood; 0 for the start."""


ProgressT = TypeVar("ProgressT", bound=RunProgress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Generic[ProgressT]):
    """A run between two rounds."""

    signature: str
    """Digest of all that the run depends on."""
    progress: ProgressT
    """Where it stands."""
    state: Mapping[str, Tensor]
    """The network's numbers now."""
    best: Mapping[str, Tensor]
    """The network's numbers when it was best."""
    moments: Mapping[str, Tensor]
    """What the optimiser remembers, by ``parameter.name``."""

    @classmethod
    def first(
        cls, network: nn.Module, progress: ProgressT, signature: str
    ) -> Checkpoint[ProgressT]:
        """The run before its first round."""
        state = _copy(network.state_dict())
        return cls(signature=signature, progress=progress, state=state, best=state, moments={})

    def after(
        self, network: nn.Module, optimizer: optim.Optimizer, progress: ProgressT
    ) -> Checkpoint[ProgressT]:
        """The run after one more round, which left network, optimiser and progress so."""
        state = _copy(network.state_dict())
        return Checkpoint(
            signature=self.signature,
            progress=progress,
            state=state,
            best=state if progress.best_epoch == progress.epoch else self.best,
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
        progress = json.dumps(dataclasses.asdict(cast(Any, self.progress)))
        write_arrays(path, arrays, {"signature": self.signature, "progress": progress})

    @classmethod
    def load(
        cls, path: Path, signature: str, read: Callable[[dict[str, Any]], ProgressT]
    ) -> Checkpoint[ProgressT] | None:
        """Read a run; None where there is none, or none of this signature.

        Args:
            path: where ``save`` wrote it.
            signature: that it must have.
            read: makes the progress of its plain values.
        """
        try:
            arrays, head = read_arrays(path)
        except FusionError:
            return None
        if head.get("signature") != signature:
            return None
        return cls(
            signature=signature,
            progress=read(json.loads(head["progress"])),
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
