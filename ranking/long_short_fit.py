"""From events and settings to long- and short-term taste: held-out events decide when it ends.

A log of likings tells what was chosen and not what was shown. Choices are therefore learnt from
among items drawn at random that their person never chose, so that popularity is learnt, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fusion.attentive import ABSENT, ItemViews, ViewsConfig
from ingest.histories import Histories
from ranking.click_network import ClickNetwork
from ranking.click_training import ClickData, ClickProgress, ClickTraining, train_clicks
from ranking.held_out import HeldOut
from ranking.impressions import Construction, Impressions, constructed
from ranking.long_short import LongShortConfig
from ranking.long_short_recommender import (
    LongShortRecommender,
    digest_of_person,
    network_of,
    parts_of,
    views_of,
)
from ranking.long_short_settings import LongShortSettings
from ranking.ranker_fit import Content, checkpoint_file, fitting_batch
from ranking.sequences import Numbers

MOST_AT_ONCE = 128
"""Choices of a step, where there are many."""
OnProgress = Callable[[ClickProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedLongShort:
    """What learning gave."""

    recommender: LongShortRecommender
    """In its best state."""
    progress: ClickProgress
    """How the run went."""


def fit_long_short(
    held_out: HeldOut,
    settings: LongShortSettings,
    content: Content | None = None,
    checkpoint: Path | None = None,
    on_progress: OnProgress = lambda _progress: None,
) -> FittedLongShort:
    """Learn long- and short-term taste.

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
    histories = held_out.learnt.likings
    counts = np.bincount(histories.items, minlength=histories.num_items)
    met = np.flatnonzero(counts) if settings.knows != "content" else np.empty(0, np.int64)
    persons = histories.users if settings.reader != "attention" else ()
    network = _start(len(persons), known, len(met), settings)
    views = _views(network, met, known, histories)
    data = ClickData(views=views, **_impressions(held_out, histories, counts, settings))
    training = ClickTraining(
        epochs=settings.epochs,
        patience=settings.patience,
        batch_size=settings.batch_size or fitting_batch(len(data.fit), MOST_AT_ONCE),
        learning_rate=settings.learning_rate,
        num_drawn=settings.num_drawn,
        seed=settings.seed,
    )
    with checkpoint_file(checkpoint) as path:
        progress = train_clicks(data, network, training, path, on_progress)
    recommender = LongShortRecommender(
        network=network,
        item_ids=tuple(histories.item_ids[number] for number in met.tolist()),
        persons=tuple(digest_of_person(user) for user in persons),
        views=views,
        asked_of=np.arange(1, len(persons) + 1),
        space=known.space if known is not None else "",
    )
    return FittedLongShort(recommender=recommender, progress=progress)


def _start(
    num_persons: int, content: Content | None, num_met: int, settings: LongShortSettings
) -> ClickNetwork:
    views = ViewsConfig(
        content_widths=() if content is None else (content.vectors.shape[1],),
        num_labels=(num_met,) if num_met else (),
        width=settings.width,
        dropped_ratio=settings.dropped_ratio,
        hidden_ratio=settings.hidden_views_ratio,
    )
    persons = LongShortConfig(
        num_users=num_persons,
        width=settings.width,
        user_width=settings.width,
        reader=settings.reader,
        join=settings.join,
        length=settings.length,
        hidden_ratio=settings.hidden_persons_ratio,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return network_of(views, persons)


def _views(
    network: ClickNetwork, met: Numbers, content: Content | None, histories: Histories
) -> ItemViews:
    labels = np.full(histories.num_items, ABSENT)
    labels[met] = np.arange(1, len(met) + 1)
    vectors = None if content is None else content.vectors
    return views_of(labels, vectors, parts_of(network)[0].config)


def _impressions(
    held_out: HeldOut, histories: Histories, counts: Numbers, settings: LongShortSettings
) -> dict[str, Impressions]:
    """Choices to learn from, all but the first of each person, and those that judge."""
    config = Construction(shown=settings.shown, window=len(counts), seed=settings.seed)
    later = np.ones(len(histories.items), bool)
    later[histories.offsets[:-1][histories.lengths > 0]] = False
    judged = held_out.validation.likings
    asked = np.flatnonzero(judged.places_from_end == 0)
    fit = constructed(histories, np.flatnonzero(later), counts, config)
    validation = constructed(judged, asked, counts, config)
    return {
        "fit": fit.only(fit.judging),
        "validation": validation.only(validation.judging),
    }
