"""Maps from a tower's native space into the space of the sentence encoder.

- A map is linear with an optional small hidden layer beside it: a few thousand pairs carry no more.
- Applying a map takes numpy alone, so that a search process never loads a training library.
- The two modalities sit in different places of one space (the modality gap); a map may therefore
  take the mean of a catalogue off what it gives. The mean is part of the map and of its
  fingerprint: vectors centred differently are not comparable.
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

_FIELDS = ("weight", "bias", "hidden_in", "hidden_bias", "hidden_out", "centre")


class AlignmentError(SensoriumError):
    """A map that cannot be read, or does not fit the vectors it is given."""

    code = "alignment"


def _nothing() -> Array:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """One map: ``unit(unit(x @ weight + bias + gelu(x @ hidden_in + b) @ hidden_out) - centre)``.

    ``x`` is the native vector scaled to length one. An array of size 0 leaves its term out; with no
    ``weight`` the map starts from ``x`` itself.
    """

    weight: Array = dataclasses.field(default_factory=_nothing)
    """Linear part, (D_m, D)."""
    bias: Array = dataclasses.field(default_factory=_nothing)
    """Added to the linear part, (D,)."""
    hidden_in: Array = dataclasses.field(default_factory=_nothing)
    """Into the hidden layer, (D_m, H)."""
    hidden_bias: Array = dataclasses.field(default_factory=_nothing)
    """Added before the non-linearity, (H,)."""
    hidden_out: Array = dataclasses.field(default_factory=_nothing)
    """Out of the hidden layer, (H, D)."""
    centre: Array = dataclasses.field(default_factory=_nothing)
    """Mean taken off the aligned unit vectors, (D,)."""

    def __post_init__(self) -> None:
        if self.weight.size and self.weight.ndim != 2:
            raise ValueError(f"expected a matrix (D_m, D), got {self.weight.shape = }")
        if self.hidden_in.size and not self.weight.size:
            raise ValueError("a hidden layer stands beside a linear part, and there is none")

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any number of the map."""
        digest = hashlib.blake2b(digest_size=8)
        for name in _FIELDS:
            array = np.ascontiguousarray(getattr(self, name), np.float32)
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    @property
    def width(self) -> int | None:
        """Length D of what the map gives; None where it passes its input through."""
        return int(self.weight.shape[1]) if self.weight.size else None

    def apply(self, native: NDArray[np.floating]) -> Array:
        """Bring native vectors into the joint space.

        Args:
            native: vectors of one tower, (B, D_m).

        Returns:
            Unit vectors, (B, D) float32.

        Raises:
            AlignmentError: where the vectors have another width than the map was learnt on.
        """
        rows = unit(native)
        if self.weight.size:
            rows = unit(self.mapped(rows))
        return unit(rows - self.centre) if self.centre.size else rows

    def mapped(self, rows: Array) -> NDArray[np.floating]:
        """What the map gives before scaling and centring: unit rows (B, D_m) to (B, D)."""
        if rows.shape[1] != self.weight.shape[0]:
            raise AlignmentError(
                f"this alignment takes vectors of {self.weight.shape[0]} numbers, "
                f"got {rows.shape[1]}",
                "train the alignment on the encoder that is in use",
            )
        mapped = rows @ self.weight
        if self.bias.size:
            mapped = mapped + self.bias
        if self.hidden_in.size:
            mapped = mapped + _gelu(rows @ self.hidden_in + self.hidden_bias) @ self.hidden_out
        return mapped

    def centred(self, mean: NDArray[np.floating]) -> Alignment:
        """The same map with another mean taken off its unit vectors.

        Args:
            mean: mean of this map's vectors over a catalogue before centring, (D,).
        """
        return dataclasses.replace(self, centre=np.asarray(mean, np.float32))

    def save(self, path: Path) -> None:
        """Write the map as safetensors, in half precision.

        The file, not the map in memory, is what later runs agree on: load it before use.
        """
        from safetensors.numpy import save_file

        arrays = {name: getattr(self, name) for name in _FIELDS if getattr(self, name).size}
        save_file({name: array.astype(np.float16) for name, array in arrays.items()}, path)

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
            return cls(**{name: array.astype(np.float32) for name, array in arrays.items()})
        except (OSError, SafetensorError, TypeError, ValueError) as error:
            raise AlignmentError(
                f"{path} is not an alignment", "train it again, or remove the file"
            ) from error


IDENTITY = Alignment()
"""Passes unit vectors through: for a tower that already speaks the joint space."""


def shipped(tower: str, text_model: str) -> Alignment:
    """The map that comes with the package.

    Args:
        tower: ``clip-vit-b16`` (pictures) or the text model itself (the query side).
        text_model: name of the sentence encoder whose space is the joint one.

    Returns:
        The map; ``IDENTITY`` where none is shipped for a text model onto itself.

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
        "learn one from titled items with: sensorium train alignment",
    )


def fit_ridge(
    native: NDArray[np.floating],
    targets: NDArray[np.floating],
    strength: float = 1.0,
    prior: Alignment = IDENTITY,
) -> Alignment:
    """Learn a linear map by ridge regression, shrunk towards a prior map instead of zero.

    Args:
        native: vectors of one tower, (B, D_m).
        targets: unit vectors that they should meet, (B, D).
        strength: weight of the prior, in pairs of unit length; positive.
        prior: map that few pairs fall back to; its hidden layer and centre are kept as they are.

    Returns:
        The linear map with a bias.
    """
    rows = unit(native).astype(np.float64)
    start = prior.mapped(unit(native)) if prior.weight.size else np.zeros_like(targets)
    rest = np.asarray(targets, np.float64) - start
    row_mean, rest_mean = rows.mean(0), rest.mean(0)
    if prior.weight.size:  # The offset too is shrunk, or one pair would move everything.
        rest_mean = rest_mean * len(rows) / (len(rows) + strength)
    spread = rows - row_mean
    gram = spread.T @ spread + strength * np.eye(rows.shape[1])
    weight = np.linalg.solve(gram, spread.T @ (rest - rest_mean))
    bias = rest_mean - row_mean @ weight
    if prior.weight.size:
        weight = weight + prior.weight
        bias = bias + (prior.bias if prior.bias.size else 0.0)
    return dataclasses.replace(
        prior, weight=weight.astype(np.float32), bias=bias.astype(np.float32)
    )


def _gelu(values: Array) -> Array:
    cubic = 0.7978845608 * (values + 0.044715 * values**3)
    return np.asarray(0.5 * values * (1.0 + np.tanh(cubic)), np.float32)
