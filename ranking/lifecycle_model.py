"""What was learnt of lifecycles, in service: a signal for a ranker, and what it is on disk.

Topics are clusters of one view of the library, known by their numbers within it: another name
leaves them as they are, and an item that came later has a topic as soon as the view has a place for
it. What a signal says of an item is how much likelier its topic is for this person than for all;
an item without a topic gets nothing of it. A log says of an event its type; so types are actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ranking.lifecycle import Lexicon, LifecycleLog, Numbers, Windows, tokens_of
from ranking.lifecycle_head import TopicHead
from ranking.lifecycle_network import LifecycleNetwork, LifecycleShape, lifecycles_of
from ranking.pretrain import vectors_of
from ranking.shelf import Interests
from ranking.signals import Deeds, Floats
from ranking.user_state import US_PER_DAY
from retrieval.fitted import FittedError, FittedFile

KIND = "lifecycles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Clusters of a view that stand for topics."""

    view: str
    """Name of the view."""
    clusters: tuple[int, ...]
    """Number of each cluster within the view, (G,)."""

    @classmethod
    def of(cls, interests: Interests) -> Topics:
        """All clusters of a view."""
        return cls(view=interests.view, clusters=interests.cluster_ids)

    def of_items(self, interests: Interests) -> Numbers:
        """Topic of each item, (N,), -1 where it has none.

        Raises:
            ValueError: these are interests of another view.
        """
        if interests.view != self.view:
            raise ValueError(f"expected clusters of {self.view!r}: {interests.view = }")
        number_of = {cluster: number for number, cluster in enumerate(self.clusters)}
        of_cluster = np.array([number_of.get(one, -1) for one in interests.cluster_ids] + [-1])
        # An item in no cluster has the last place, NO_INTEREST.
        return np.asarray(of_cluster[interests.of_item], np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifecycleModel:
    """What was learnt."""

    network: LifecycleNetwork
    """Reads lifecycles."""
    head: TopicHead
    """Says of the vector of a person what they will take up."""
    lexicon: Lexicon
    """Numbers tokens."""
    windows: Windows
    """For how long things go on."""
    topics: Topics
    """What the numbers of topics stand for."""

    def log_of(self, types: Sequence[str], topics: Numbers, times_us: Numbers) -> LifecycleLog:
        """What one person did; what has no topic, or is no action that was learnt, is left out."""
        number_of = {name: number for number, name in enumerate(self.lexicon.actions)}
        actions = np.array([number_of.get(name, -1) for name in types], np.int64)
        known = (actions >= 0) & (topics >= 0)
        return LifecycleLog(
            users=np.zeros(int(known.sum()), np.int64),
            pairs=(actions * self.lexicon.num_topics + topics)[known],
            days=times_us[known] // US_PER_DAY,
        )

    def vector(self, log: LifecycleLog, asked_day: int) -> Floats:
        """Vector of one person at the end of a day, (D,); zeros of one of whom nothing is known."""
        asked = np.array([asked_day])
        tokens = tokens_of(log, self.lexicon, self.windows, asked)
        laid_out = lifecycles_of(tokens, asked, self.network.shape.length)
        found: Floats = vectors_of(self.network, laid_out)[0]
        return found

    @torch.inference_mode()
    def lift(self, vectors: Floats) -> Floats:
        """How much likelier each topic is than for all, as logits, (B, G)."""
        self.head.eval()
        return np.asarray(self.head.lift(torch.from_numpy(vectors)).numpy(), np.float32)

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""
        self._file().write(path)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with anything that was learnt."""
        return self._file().fingerprint

    @classmethod
    def load(cls, path: Path) -> LifecycleModel:
        """Read what ``save`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            shape = LifecycleShape(**file.config["network"])
            network, arrays = LifecycleNetwork(shape), dict(file.arrays)
            network.load_state_dict(_part(arrays, "network."))
            told = _part(arrays, "head.")
            head = TopicHead(
                len(told["mean"]), len(told["tower.0.bias"]), torch.zeros_like(told["topics"])
            )
            head.load_state_dict(told)
            return cls(
                network=network.eval(),
                head=head.eval(),
                lexicon=Lexicon(actions=tuple(file.config["actions"]), num_topics=shape.num_topics),
                windows=Windows(
                    pair_days=arrays["pair_days"], silent_days=file.config["silent_days"]
                ),
                topics=Topics(view=file.config["view"], clusters=tuple(file.config["clusters"])),
            )
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise FittedError(f"{path} was written by another version", "learn it anew") from error

    def _file(self) -> FittedFile:
        parts = {"network.": self.network.state_dict(), "head.": self.head.state_dict()}
        arrays = {
            prefix + name: value.detach().cpu().numpy()
            for prefix, state in parts.items()
            for name, value in state.items()
        }
        return FittedFile(
            kind=KIND,
            config={
                "network": asdict(self.network.shape),
                "actions": list(self.lexicon.actions),
                "silent_days": self.windows.silent_days,
                "view": self.topics.view,
                "clusters": list(self.topics.clusters),
            },
            item_ids=(),
            arrays={**arrays, "pair_days": self.windows.pair_days},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifecycleSignal:
    """Says how much likelier the topic of an item is for a person; satisfies ``Signal``."""

    model: LifecycleModel
    """What was learnt."""
    topic_of_item: Numbers
    """Topic of each item, (N,), -1 where it has none."""
    name: str
    """What it is, with a digest of what was learnt."""

    @classmethod
    def of(cls, model: LifecycleModel, interests: Interests) -> LifecycleSignal:
        """For the items of a shelf, by the view that was learnt from."""
        return cls(
            model=model,
            topic_of_item=model.topics.of_items(interests),
            name=f"lifecycle {model.fingerprint}",
        )

    def rate(self, deeds: Deeds, items: NDArray[np.int64]) -> Floats:
        """Rate candidates by their topics, (C,); zeros where nothing is known."""
        log = self.model.log_of(deeds.types, self.topic_of_item[deeds.items], deeds.times_us)
        if not len(log.pairs):
            return np.zeros(len(items), np.float32)
        vector = self.model.vector(log, deeds.asked_us // US_PER_DAY)
        of_topic = np.append(self.model.lift(vector[None])[0], np.float32(0))
        return np.asarray(of_topic[self.topic_of_item[items]], np.float32)


def _part(arrays: dict[str, NDArray[np.generic]], prefix: str) -> dict[str, torch.Tensor]:
    """Numbers of one part, without its prefix."""
    return {
        name.removeprefix(prefix): torch.from_numpy(value.copy())
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
