"""From events and settings to interests in service: held-out events decide when learning ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ranking.held_out import HeldOut
from ranking.interest_config import InterestConfig, InterestTraining
from ranking.interest_network import InterestNetwork
from ranking.interest_progress import InterestProgress
from ranking.interest_recommender import InterestRecommender
from ranking.interest_settings import InterestSettings
from ranking.interest_training import InterestData, train_interests
from ranking.ranker_fit import Content, checkpoint_file, device_named, fitting_batch
from ranking.sequences import ItemRows, rows_learnt_from

MOST_AT_ONCE = 256
"""Users of a step, where there are many."""
OnProgress = Callable[[InterestProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedInterests:
    """What learning gave."""

    recommender: InterestRecommender
    """In its best state."""
    progress: InterestProgress
    """How the run went."""


def fit_interests(
    held_out: HeldOut,
    settings: InterestSettings,
    content: Content | None = None,
    checkpoint: Path | None = None,
    on_progress: OnProgress = lambda _progress: None,
) -> FittedInterests:
    """Learn interests.

    Args:
        held_out: what is learnt from, and what decides when learning ends.
        settings: shape and way of learning.
        content: of the items of the same catalogue; None to know items by their ids alone.
        checkpoint: file that a killed run goes on from; None keeps nothing.
        on_progress: told before the first round and after each.

    Raises:
        ValueError: content alone is to be known, and there is none.
    """
    known = content if settings.knows != "ids" else None
    histories = held_out.learnt.histories
    rows = rows_learnt_from(histories, known.vectors if known is not None else None)
    network = _start(rows, settings)
    data = InterestData(sequences=held_out.learnt, validation=held_out.part.cases, rows=rows)
    training = _training(settings, int((histories.lengths > 1).sum()))
    with checkpoint_file(checkpoint) as path:
        progress = train_interests(data, network, training, path, on_progress)
    recommender = InterestRecommender(
        network=network,
        item_ids=tuple(histories.item_ids[number] for number in rows.known.tolist()),
        rows=rows,
        space=known.space if known is not None else "",
    )
    return FittedInterests(recommender=recommender, progress=progress)


def _start(rows: ItemRows, settings: InterestSettings) -> InterestNetwork:
    config = InterestConfig(
        kind=settings.kind,
        num_ids=0 if settings.knows == "content" else len(rows.known),
        content_width=0 if rows.content is None else rows.content.shape[1],
        width=settings.width,
        num_layers=settings.num_layers,
        num_heads=settings.num_heads,
        block=settings.block,
        length=settings.length,
        dropped_ratio=settings.dropped_ratio,
        temperature=settings.temperature,
        num_interests=settings.num_interests,
        sizes=settings.sizes,
        merge=settings.merge,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return InterestNetwork(config)


def _training(settings: InterestSettings, num_users: int) -> InterestTraining:
    return InterestTraining(
        epochs=settings.epochs,
        warm_epochs=settings.warm_epochs,
        patience=settings.patience,
        batch_size=settings.batch_size or fitting_batch(num_users, MOST_AT_ONCE),
        learning_rate=settings.learning_rate,
        num_drawn=settings.num_drawn,
        id_dropped_ratio=settings.id_dropped_ratio,
        seed=settings.seed,
        device=device_named(settings.device),
    )
