"""What a learnt fuser is on disk: safetensors with its shape, its space and a digest of it all.

This module needs no training library: whether a fuser fits a library is read from the file's head.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError

Array = NDArray[np.float32]


class FusionError(SensoriumError):
    """A learnt fuser that cannot be read, or does not fit."""

    code = "fusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Shape of the network."""

    width: int
    """Width D of the joint space."""
    num_modalities: int = 4
    """M."""
    num_tokens: int = 9
    """Most tokens per modality: the whole view, then its parts."""
    num_layers: int = 1
    """Gated layers."""
    num_heads: int = 4
    """Attention heads; they divide the width."""
    gated: bool = True
    """Whether gates and shares are learnt; without, attention is added as it is and all views that
    are present are added up."""
    shares: Literal["trust", "attention"] = "trust"
    """How the share of a view is found: by how it agrees with the others and what it says, or by
    additive attention over what the views say (``fusion.attentive``)."""

    def __post_init__(self) -> None:
        if self.width % self.num_heads:
            raise ValueError(f"heads divide the width: {self.num_heads = }, {self.width = }")
        if min(self.num_modalities, self.num_tokens, self.num_heads) < 1 or self.num_layers < 0:
            raise ValueError(f"expected counts of 1 or more: {self}")

    @property
    def told(self) -> dict[str, Any]:
        """Plain values, without what came later and changes nothing: fingerprints stay."""
        values = dataclasses.asdict(self)
        if self.shares == "trust":
            del values["shares"]
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionSettings:
    """Which fuser is learnt."""

    kind: Literal["gated", "attentive"] = "gated"
    """How views become one vector: each takes from the others through gates, or they are weighed by
    attention alone."""

    def shape(self, width: int) -> NetworkConfig:
        """Shape of the network in a joint space of this width."""
        if self.kind == "attentive":
            return NetworkConfig(width=width, num_tokens=1, num_layers=0, shares="attention")
        return NetworkConfig(width=width)


@dataclass(frozen=True, kw_only=True)
class FusionWeights:
    """A learnt fuser."""

    config: NetworkConfig
    """Shape of the network."""
    arrays: Mapping[str, Array]
    """Every weight by name."""
    space: str = ""
    """Digest of the encoders and alignments whose joint space it was learnt in."""

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any number, with the shape and with the space."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(json.dumps([self.config.told, self.space]).encode())
        for name in sorted(self.arrays):
            array = np.asarray(self.arrays[name], np.float32, order="C")
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write the weights; the file appears whole or not at all."""
        head = {
            "config": json.dumps(self.config.told),
            "space": self.space,
            "fingerprint": self.fingerprint,
        }
        write_arrays(path, self.arrays, head)

    @classmethod
    def load(cls, path: Path) -> FusionWeights:
        """Read what ``save`` wrote.

        Raises:
            FusionError: the file is missing, is no fuser, or was damaged.
        """
        arrays, head = read_arrays(path)
        try:
            config = NetworkConfig(**json.loads(head["config"]))
            found = cls(config=config, space=head["space"], arrays=arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(path) from error
        if found.fingerprint != head.get("fingerprint"):
            raise _unreadable(path)
        return found


def head_of(path: Path) -> dict[str, str]:
    """The metadata of a file of weights, without reading the weights.

    Raises:
        FusionError: the file is missing or no such file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise _unreadable(path) from error


def read_arrays(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and metadata of a file.

    Raises:
        FusionError: the file is missing or no such file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path)), head_of(path)
    except (OSError, SafetensorError) as error:
        raise _unreadable(path) from error


def write_arrays(path: Path, arrays: Mapping[str, Array], head: Mapping[str, str]) -> None:
    """Write arrays and metadata so that the file appears whole or not at all."""
    from safetensors.numpy import save

    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(save(whole, dict(head)))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _unreadable(path: Path) -> FusionError:
    return FusionError(
        f"{path} is not a learnt fuser, or was damaged",
        "learn it again with sensorium train fusion, or remove the file",
    )
