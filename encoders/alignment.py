"""Maps from a tower's native space into the space of the sentence encoder.

- A map is linear: with a few thousand pairs, a hidden layer or a contrastive loss found less.
- Applying a map takes numpy alone, so that a search process never loads a training library.
- Means are part of a map and of its fingerprint: vectors centred differently do not compare.
- A map on disk keeps one scale per row and eight bits per number. What a shipped map loses by that
  is below a tenth of a point of recall; what is loaded is what the fingerprint stands for.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit
from ingest.errors import SensoriumError

Array = NDArray[np.float32]

_VECTORS = ("bias", "centre")


class AlignmentError(SensoriumError):
    """A map that cannot be read, or does not fit the vectors it is given."""

    code = "alignment"


def _nothing() -> Array:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """One map: ``unit(unit(x @ weight + bias) - centre)``, with ``x`` scaled to length one.

    An array of size 0 leaves its term out; without ``weight`` the map starts from ``x`` itself.
    """

    weight: Array = dataclasses.field(default_factory=_nothing)
    """Linear part, (D_m, D)."""
    bias: Array = dataclasses.field(default_factory=_nothing)
    """Added to the linear part, (D,)."""
    centre: Array = dataclasses.field(default_factory=_nothing)
    """Mean taken off the unit vectors, (D,)."""

    def __post_init__(self) -> None:
        if self.weight.size and self.weight.ndim != 2:
            raise ValueError(f"expected a matrix (D_m, D), got {self.weight.shape = }")
        for name in _VECTORS:
            size = getattr(self, name).size
            if size and self.weight.size and size != self.weight.shape[1]:
                raise ValueError(f"{name} has {size} numbers: {self.weight.shape = }")

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any number of the map."""
        digest = hashlib.blake2b(digest_size=8)
        for name in ("weight", *_VECTORS):
            array = np.ascontiguousarray(getattr(self, name), np.float32)
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def apply(self, native: NDArray[np.floating]) -> Array:
        """Bring native vectors into the joint space.

        Args:
            native: vectors of one tower, (B, D_m).

        Returns:
            Unit vectors, (B, D) float32.

        Raises:
            AlignmentError: where the vectors have another width than the map was learnt on.
        """
        rows = unit(self.mapped(unit(native)))
        return unit(rows - self.centre) if self.centre.size else rows

    def mapped(self, rows: Array) -> NDArray[np.floating]:
        """The linear part alone: unit rows (B, D_m) to (B, D), neither scaled nor centred."""
        if not self.weight.size:
            return rows
        if rows.shape[1] != self.weight.shape[0]:
            raise AlignmentError(
                f"this alignment takes vectors of {self.weight.shape[0]} numbers, "
                f"got {rows.shape[1]}",
                "train the alignment on the encoder that is in use",
            )
        mapped = rows @ self.weight
        return mapped + self.bias if self.bias.size else mapped

    def centred(self, mean: NDArray[np.floating]) -> Alignment:
        """The same map with another mean taken off its unit vectors.

        Args:
            mean: mean of this map's vectors over a catalogue before centring, (D,).
        """
        return dataclasses.replace(self, centre=np.asarray(mean, np.float32))

    def save(self, path: Path) -> None:
        """Write the map as safetensors; ``load`` it before use, for rounding changes it."""
        from safetensors.numpy import save

        arrays: dict[str, NDArray[np.generic]] = {
            name: getattr(self, name) for name in _VECTORS if getattr(self, name).size
        }
        if self.weight.size:
            peaks = np.abs(self.weight).max(axis=1)
            scale = np.where(peaks > 0, peaks, 1.0).astype(np.float32) / 127
            arrays |= {
                "weight": np.round(self.weight / scale[:, None]).astype(np.int8),
                "scale": scale,
            }
        path.write_bytes(save(arrays))

    @classmethod
    def load(cls, path: Path) -> Alignment:
        """Read a map that ``save`` wrote.

        Raises:
            AlignmentError: where the file is missing or is no map.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(path)
            if "weight" in arrays:
                arrays["weight"] = arrays["weight"] * arrays.pop("scale")[:, None]
            return cls(**arrays)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise AlignmentError(
                f"{path} is not an alignment", "train it again, or remove the file"
            ) from error


IDENTITY = Alignment()
"""Passes unit vectors through: for a tower that already speaks the joint space."""


def shipped(tower: str, text_model: str) -> Alignment:
    """The map that comes with the package.

    Args:
        tower: ``clip-vit-b16`` (pictures), ``yamnet`` (sounds), or the text model itself.
        text_model: name of the sentence encoder whose space is the joint one.

    Raises:
        AlignmentError: where the package has no map between the two.
    """
    name = f"{tower}-to-{text_model}.safetensors"
    with resources.as_file(resources.files("encoders") / "data" / name) as path:
        if path.exists():
            return Alignment.load(path)
    if tower == text_model:
        return IDENTITY
    raise AlignmentError(
        f"no alignment from {tower} to {text_model} is shipped",
        "take a text model that has one: minilm-l6, bge-small-en, multilingual-e5-small",
    )


def fit_ridge(
    native: NDArray[np.floating],
    targets: NDArray[np.floating],
    strength: float = 1.0,
    prior: Alignment = IDENTITY,
    counts: NDArray[np.integer] | None = None,
) -> Alignment:
    """Learn a linear map by ridge regression, shrunk towards a prior map instead of zero.

    Args:
        native: vectors of one tower, (B, D_m).
        targets: vectors that they should meet, (B, D).
        strength: weight of the prior, in pairs of unit length; positive.
        prior: map that few pairs fall back to; its centre is kept as it is.
        counts: how many pairs each row stands for, its target being their mean, (B,); one if none.

    Returns:
        The linear map with a bias.
    """
    rows = unit(native).astype(np.float64)
    share = np.ones(len(rows)) if counts is None else np.asarray(counts, np.float64)
    start = prior.mapped(unit(native)) if prior.weight.size else np.zeros_like(targets)
    rest = np.asarray(targets, np.float64) - start
    row_mean = np.average(rows, axis=0, weights=share)
    rest_mean = np.average(rest, axis=0, weights=share)
    if prior.weight.size:  # The offset is shrunk too, or a single pair would move everything.
        rest_mean = rest_mean * share.sum() / (share.sum() + strength)
    spread = rows - row_mean
    weighted = spread.T * share
    gram = weighted @ spread + strength * np.eye(rows.shape[1])
    weight = np.linalg.solve(gram, weighted @ (rest - rest_mean))
    bias = rest_mean - row_mean @ weight
    if prior.weight.size:
        weight = weight + prior.weight
        bias = bias + (prior.bias if prior.bias.size else 0.0)
    return dataclasses.replace(
        prior, weight=weight.astype(np.float32), bias=bias.astype(np.float32)
    )


def class_bridge(names: NDArray[np.floating], native_width: int) -> Alignment:
    """The map of a tower whose native vector ends in class scores, through the classes' names.

    Nothing is learnt: a vector becomes the sum of the vectors of its classes' names, each less the
    mean name, weighted by the scores.

    Args:
        names: vector of each class's name, (C, D).
        native_width: length D_m of the native vector, of which the last C numbers are scores.
    """
    weight = np.zeros((native_width, names.shape[1]), np.float32)
    weight[native_width - len(names) :] = names - names.mean(axis=0)
    return Alignment(weight=weight)
