"""What a fitted recommender is on disk: safetensors with kind, settings and a digest of it all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError

ITEM_IDS = "item_ids"
"""Array of the catalogue: UTF-8 of the ids with a NUL between, which no id holds."""


class FittedError(SensoriumError):
    """A fitted recommender that cannot be made, or cannot be read."""

    code = "fitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedFile:
    """What stands in such a file."""

    kind: str
    """Which recommender."""
    config: Mapping[str, Any]
    """Its settings."""
    item_ids: tuple[str, ...]
    """The catalogue it was fitted on, (N,)."""
    arrays: Mapping[str, NDArray[Any]]
    """Its numbers."""

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any number, id or setting."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(json.dumps([self.kind, self.config, self.item_ids]).encode())
        for name in sorted(self.arrays):
            array = np.ascontiguousarray(self.arrays[name])
            digest.update(f"{name}{array.shape}{array.dtype}".encode())
            digest.update(array.data)
        return digest.hexdigest()

    def write(self, path: Path) -> None:
        """Write the file; it appears whole or not at all."""
        from safetensors.numpy import save_file

        ids = np.frombuffer("\0".join(self.item_ids).encode(), np.uint8)
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        head = {
            "kind": self.kind,
            "config": json.dumps(self.config),
            "num_items": str(len(self.item_ids)),
            "fingerprint": self.fingerprint,
        }
        beside = path.with_name(path.name + ".part")
        save_file({**arrays, ITEM_IDS: ids}, beside, head)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)

    @classmethod
    def read(cls, path: Path, kind: str) -> FittedFile:
        """Read what ``write`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                head = dict(file.metadata() or {})
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            text = arrays.pop(ITEM_IDS).tobytes().decode()
            found = cls(
                kind=head["kind"],
                config=json.loads(head["config"]),
                item_ids=tuple(text.split("\0")) if int(head["num_items"]) else (),
                arrays=arrays,
            )
            if found.kind == kind and found.fingerprint == head["fingerprint"]:
                return found
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise _unreadable(path, kind) from error
        raise _unreadable(path, kind)


def head_of(path: Path) -> Mapping[str, str]:
    """Give what a file says of itself, such as kind, config and fingerprint; no number is read.

    Raises:
        FittedError: the file is missing, or none of these.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, "fitted recommender") from error


def _unreadable(path: Path, kind: str) -> FittedError:
    return FittedError(
        f"{path} holds no {kind}, or was damaged", "fit it again, or remove the file"
    )
