"""What categories of items somebody is about to want; as a signal, how much more than people do.

An item is rated by the mean over its categories of the logarithm of how likely each is wanted now,
beside how likely it is wanted by people in general: what all want is what a ranker knows by itself,
and a category that holds half of the items is wanted by most without any of them being.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ingest.histories import Histories
from ranking.intent_config import Clock, IntentConfig
from ranking.intent_cubes import Behaviour, Floats, Moments, Numbers, channels_of
from ranking.intent_network import IntentNetwork
from ranking.intent_training import chances
from ranking.signals import Deeds
from retrieval.fitted import FittedError, FittedFile

KIND = "intent"
USUAL = "usual"
"""Array of how likely each category is wanted by people in general."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySource:
    """Where categories come from."""

    by: str
    """``view`` or ``tags``."""
    names: tuple[str, ...]
    """Of the categories: numbers of clusters, or tags, (C,)."""
    view: str = ""
    """Name of the view; empty for tags."""
    made: str = ""
    """When the view was made: one made anew has other clusters under the same numbers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoryIntent:
    """What was learnt."""

    network: IntentNetwork
    """Says what is wanted."""
    clock: Clock
    """How time is cut."""
    source: CategorySource
    """What its categories are."""
    actions: tuple[str, ...]
    """Event types that it tells apart, (A,); others are not looked at."""
    usual: Floats
    """How likely each category is wanted by people in general, (C,)."""

    def chances(self, deeds: Deeds, membership: Floats) -> Floats:
        """How likely each category is wanted next, (C,).

        Args:
            deeds: what somebody did.
            membership: whether each item is in each category, (N, C).
        """
        events = Histories(
            users=(deeds.user_id,),
            item_ids=("",) * len(membership),
            offsets=np.array([0, len(deeds.items)], np.int64),
            items=deeds.items,
            times_us=deeds.times_us,
        )
        behaviour = Behaviour(
            events=events,
            channels=channels_of(deeds.types, self.actions),
            wanted=np.zeros(len(deeds.items), np.bool_),
            membership=membership,
        )
        # What happens at the moment of asking has happened.
        now = Moments(users=np.zeros(1, np.int64), times_us=np.array([deeds.asked_us + 1]))
        found: Floats = chances(self.network, behaviour, self.clock, now)[0]
        return found

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""
        self.file.write(path)

    @property
    def file(self) -> FittedFile:
        """What it is on disk."""
        state = self.network.state_dict()
        arrays = {name: value.detach().cpu().numpy() for name, value in state.items()}
        return FittedFile(
            kind=KIND,
            config={
                "network": asdict(self.network.config),
                "clock": asdict(self.clock),
                "source": asdict(self.source),
                "actions": list(self.actions),
            },
            item_ids=(),
            arrays={**arrays, USUAL: self.usual},
        )

    @classmethod
    def load(cls, path: Path) -> CategoryIntent:
        """Read what ``save`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            return _read(file.config, dict(file.arrays))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FittedError(f"{path}: unknown settings: {error}", "fit it again") from error


@dataclass(frozen=True, kw_only=True, eq=False)
class IntentSignal:
    """Rates items by their categories; satisfies ``signals.Signal``."""

    intent: CategoryIntent
    """What was learnt."""
    membership: Floats
    """Whether each item is in each category, (N, C)."""

    @cached_property
    def name(self) -> str:
        """With a digest of what was learnt."""
        return f"intent {self.intent.file.fingerprint}"

    def rate(self, deeds: Deeds, items: Numbers) -> Floats:
        """Rate candidates by how much more than usual their categories are wanted, (C,).

        Items without a category are rated 0, as if it were wanted as usual; so are all where
        nothing is known of the person.
        """
        known = self.membership[deeds.items].any(axis=1) & (self._channels(deeds) >= 0)
        if not known.any():
            return np.zeros(len(items), np.float32)
        tiny = np.finfo(np.float32).tiny
        now = self.intent.chances(deeds, self.membership)
        gained = np.log(np.maximum(now, tiny)) - np.log(np.maximum(self.intent.usual, tiny))
        own = self.membership[items]
        total = own @ gained / np.maximum(own.sum(axis=1), 1)
        return np.asarray(total, np.float32)

    def _channels(self, deeds: Deeds) -> Numbers:
        return channels_of(deeds.types, self.intent.actions)


def _read(config: Mapping[str, Any], arrays: dict[str, Any]) -> CategoryIntent:
    shape = config["network"]
    network_config = IntentConfig(**{**shape, "scales": tuple(shape["scales"])})
    usual = arrays.pop(USUAL)
    network = IntentNetwork(network_config, torch.ones(arrays["log_lift"].shape))
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    source = config["source"]
    return CategoryIntent(
        network=network.eval(),
        clock=Clock(**config["clock"]),
        source=CategorySource(**{**source, "names": tuple(source["names"])}),
        actions=tuple(config["actions"]),
        usual=usual,
    )
