"""Learnt profiles in service: scores by a person's two encoded texts, and what each text weighs.

The network knows items by their content alone, so that an item that came yesterday is scored like
any other. A person without profiles is scored alike for every item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ingest.histories import History
from ranking.profile_network import ProfileNetwork, ProfileShape
from ranking.signals import Deeds
from retrieval.fitted import FittedError, FittedFile

KIND = "profiles"
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
ProfilesOf = Callable[[Sequence[History]], Floats]
"""Encoded profiles of histories, (B, 2, D), the short one first; zeros of an empty history."""
KnownProfiles = Callable[[Deeds], Floats | None]
"""Encoded profiles of a person, (2, D); None where there are none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProfileModel:
    """Scores items for people by their profiles."""

    network: ProfileNetwork
    """What was learnt."""
    items: Floats
    """Vectors of the catalogue's items, (N, D); zeros where an item has none."""
    space: str = ""
    """Digest of what made the item vectors."""

    @property
    def item_ids(self) -> tuple[str, ...]:
        """None: items are known by content alone."""
        return ()

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with anything learnt."""
        return self._file.fingerprint

    def weights(self, profiles: Floats) -> Floats:
        """Give what the short and the long profile weigh, (B, 2), of profiles (B, 2, D)."""
        with torch.inference_mode():
            found = self.network.weights(torch.from_numpy(profiles))
        return np.asarray(found.numpy(), np.float32)

    def score(self, profiles: Floats, items: Numbers | None = None) -> Floats:
        """Score items for people.

        Args:
            profiles: (B, 2, D); a person of zeros is scored alike for every item.
            items: numbers of items, (C,); None for all.

        Returns:
            How much a match is likelier than none, as a logarithm, (B, C).
        """
        known = self._items if items is None else self._items[torch.from_numpy(items)]
        with torch.inference_mode():
            found = self.network.score_all(torch.from_numpy(profiles), known)
        scores = np.array(found.numpy(), np.float32)
        scores[~profiles.any(axis=(1, 2))] = 0
        return scores

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""
        self._file.write(path)

    @classmethod
    def load(cls, path: Path, items: Floats) -> ProfileModel:
        """Read what ``save`` wrote, for items with these vectors, (N, D).

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            network = ProfileNetwork(ProfileShape(**file.config["network"]))
            network.load_state_dict(
                {name: torch.from_numpy(array) for name, array in file.arrays.items()}
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FittedError(f"{path}: unknown settings: {error}", "fit it again") from error
        return cls(network=network.eval(), items=items, space=file.config["space"])

    @cached_property
    def _items(self) -> Tensor:
        return torch.from_numpy(np.array(self.items, np.float32))

    @property
    def _file(self) -> FittedFile:
        state = self.network.state_dict()
        return FittedFile(
            kind=KIND,
            config={"network": asdict(self.network.shape), "space": self.space},
            item_ids=(),
            arrays={name: value.detach().cpu().numpy() for name, value in state.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileScorer:
    """Scores items by profiles that are made of the history itself; an ``ItemScorer``."""

    model: ProfileModel
    """What was learnt."""
    profiles_of: ProfilesOf
    """Writes and encodes."""

    def score(self, histories: Sequence[History]) -> Floats:
        """Score every item after each history, (B, N)."""
        return self.model.score(self.profiles_of(histories))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileSignal:
    """What a person's profiles say of candidates; a ``ranking.signals.Signal``."""

    model: ProfileModel
    """What was learnt, over the items of the shelf in their order."""
    known: KnownProfiles
    """Gives profiles."""

    @property
    def name(self) -> str:
        """What it is, with a digest of what was learnt."""
        return f"text profiles {self.model.fingerprint}"

    def rate(self, deeds: Deeds, items: Numbers) -> Floats:
        """Rate candidates, (C,); all alike for a person without profiles."""
        profiles = self.known(deeds)
        if profiles is None:
            return np.zeros(len(items), np.float32)
        rated: Floats = self.model.score(profiles[None], items)[0]
        return rated
