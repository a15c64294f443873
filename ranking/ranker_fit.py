"""From events and settings to a ranker in service: held-out events decide when learning ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from ingest.histories import Histories
from ranking.held_out import HeldOut
from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.ranker_settings import RankerSettings
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_progress import Progress
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequence_training import SequenceData, train_ranker
from ranking.sequences import Floats, ItemRows, rows_learnt_from

STEPS, FEWEST_AT_ONCE, MOST_AT_ONCE = 64, 8, 128
"""Steps of a round where there are few users; users of a step."""
OnProgress = Callable[[Progress], None]
Train = Callable[[SequenceData, SequenceNetwork, SequenceTraining, Path, OnProgress], Progress]
"""Does what ``train_ranker`` does, wherever it does it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedRanker:
    """What learning gave."""

    recommender: SequenceRecommender
    """In its best state."""
    progress: Progress
    """How the run went."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Content:
    """Content vectors of a catalogue."""

    vectors: Floats
    """Of each item, (N, F); zeros where an item has none."""
    space: str = ""
    """Digest of what made them."""


def fit_ranker(
    held_out: HeldOut,
    settings: RankerSettings,
    content: Content | None = None,
    checkpoint: Path | None = None,
    on_progress: OnProgress = lambda _progress: None,
    train: Train | None = None,
) -> FittedRanker:
    """Learn a ranker.

    Args:
        held_out: what it is learnt from, and what decides when learning ends.
        settings: shape and way of learning.
        content: of the items of the same catalogue; None to know items by their ids alone.
        checkpoint: file that a killed run goes on from; None keeps nothing.
        on_progress: told before the first round and after each.
        train: where learning runs; in this process if not given.

    Raises:
        ValueError: content alone is to be known, and there is none.
    """
    known = content if settings.knows != "ids" else None
    if settings.actions == "likes":
        held_out = held_out.of_likings
    acted, histories = held_out.learnt.known, held_out.learnt.histories
    rows = _rows(histories, known, settings)
    network = start_network(rows, settings, 1 if acted is None else len(acted))
    data = SequenceData(
        sequences=held_out.learnt,
        validation=held_out.validation,
        rows=rows,
        weights=None if acted is None else acted.weights,
    )
    training = training_of(settings, int((histories.lengths > 1).sum()))
    with checkpoint_file(checkpoint) as path:
        progress = (train or train_ranker)(data, network, training, path, on_progress)
    ids = histories.item_ids
    recommender = SequenceRecommender(
        network=network,
        item_ids=tuple(ids[number] for number in rows.known.tolist()),
        rows=rows,
        weights=np.ones(1, np.float32) if acted is None else acted.weights,
        actions=() if acted is None else acted.conditions,
        counts=np.bincount(held_out.part.fit.items, minlength=len(ids))[rows.known],
        space=known.space if known is not None else "",
    )
    return FittedRanker(recommender=recommender, progress=progress)


def _rows(histories: Histories, content: Content | None, settings: RankerSettings) -> ItemRows:
    fewest = settings.fewest_events if settings.knows == "both" else 1
    return rows_learnt_from(histories, None if content is None else content.vectors, fewest)


def start_network(
    rows: ItemRows, settings: RankerSettings, num_actions: int = 1
) -> SequenceNetwork:
    """Give the network before its first round; the seed decides its weights.

    Raises:
        ValueError: content alone is to be known, and there is none.
    """
    width = 0 if rows.content is None else rows.content.shape[1]
    config = RankerConfig(
        num_ids=0 if settings.knows == "content" else len(rows.known),
        content_width=width,
        num_actions=num_actions,
        block=settings.block,
        width=settings.width,
        num_layers=settings.num_layers,
        num_heads=settings.num_heads,
        length=settings.length,
        dropped_ratio=settings.dropped_ratio,
        time=settings.time,
        temperature=settings.temperature,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return SequenceNetwork(config)


def training_of(settings: RankerSettings, num_users: int) -> SequenceTraining:
    """Give how the network is learnt from so many users."""
    return SequenceTraining(
        epochs=settings.epochs,
        patience=settings.patience,
        batch_size=settings.batch_size or fitting_batch(num_users, MOST_AT_ONCE),
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        loss=settings.loss,
        drawn=settings.drawn,
        num_drawn=settings.num_drawn,
        corrected=settings.corrected,
        id_dropped_ratio=settings.id_dropped_ratio,
        event_dropped_ratio=settings.event_dropped_ratio,
        averaged_steps=settings.averaged_steps,
        precision=settings.precision,
        seed=settings.seed,
        device=device_named(settings.device),
    )


def fitting_batch(num_users: int, most: int) -> int:
    """Give how many users a step takes, so that a round of few users has dozens of steps, too.

    Rounds without gain end learning. Where a round is a handful of steps, that is long before a
    network knows more than what is popular.

    Args:
        num_users: users to learn from.
        most: users of a step where there are many.
    """
    return min(max(num_users // STEPS, FEWEST_AT_ONCE), most)


def device_named(name: str) -> str:
    """Give where a network learns, ``cpu`` or ``cuda``; ``auto`` takes a GPU where there is one."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def checkpoint_file(path: Path | None) -> Iterator[Path]:
    """Give a checkpoint's path; of none, one that is gone afterwards."""
    if path is not None:
        yield path
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "checkpoint.safetensors"
