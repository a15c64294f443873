"""The learnt models that ``sensorium evaluate --models`` sets beside the baselines.

A model learns from what its part of the split may be learnt from and from nothing else; when
learning ends is decided by events held out from that. Its settings are those in force.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ranking.acted_scorer import scorer_of
from ranking.baselines import Contender
from ranking.held_out import hold_out
from ranking.interest_fit import fit_interests
from ranking.long_short_fit import fit_long_short
from ranking.ranker_fit import Content, fit_ranker
from ranking.sequence_events import learnable, until_likings
from ranking.sequences import Sequences
from sensorium import interest_training, long_short_training, ranker_training
from sensorium.learning import library_content
from sensorium.training import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.histories import Histories
    from ranking.click_training import ClickProgress
    from ranking.interest_progress import InterestProgress
    from ranking.interest_recommender import InterestRecommender
    from ranking.interest_settings import InterestSettings
    from ranking.long_short_recommender import LongShortRecommender
    from ranking.long_short_settings import LongShortSettings
    from ranking.ranker_settings import RankerSettings
    from ranking.sequence_progress import Progress
    from retrieval.scoring import ItemScorer
    from sensorium.config import Config
    from sensorium.evaluate import Learners

FEWEST_WITH_CONTENT = 0.9
"""Share of the items with a content vector below which lists are not judged by diversity."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deeds:
    """All that people did."""

    sequences: Sequences
    """With the numbers of users and items that the questions have."""
    by_moment: bool
    """Whether the protocol asks at one moment; see ``ActedScorer``."""


def learners(
    names: tuple[str, ...],
    config: Config,
    content: Content | None,
    deeds: Deeds | None = None,
) -> Learners:
    """Give what learns the models of these names.

    Args:
        names: among ``ranker``, ``interests`` and ``long_short``, in the order of the results.
        config: the settings in force.
        content: of the catalogue of the events; None where there is none.
        deeds: all that people did; None where only likings are known.

    Raises:
        TrainingError: content alone is to be known, and there is none.
    """
    for name in names:
        if getattr(config, name).knows == "content" and content is None:
            raise TrainingError(
                "no item of the events is in this library, so that no content can be learnt from",
                f"index the items that the events are about, or take --set {name}.knows=ids",
            )

    def contenders(seed: int, tell: Callable[[str], None]) -> list[Contender[Any]]:
        made: list[Contender[Any]] = []
        for name in names:
            if name == "ranker":
                made.append(_ranker(replace(config.ranker, seed=seed), content, deeds, tell))
            elif name == "interests":
                made.append(_interests(replace(config.interests, seed=seed), content, tell))
            else:
                made.append(_long_short(replace(config.long_short, seed=seed), content, tell))
        return made

    return contenders


def content_for(path: Path, config: Config, histories: Histories) -> Content | None:
    """Give the library's vectors of the items of some histories; None where there are none."""
    from sensorium.library import open_library

    if not (path / "catalogue.db").exists() and config.store.database_url is None:
        return None
    known = library_content(open_library(path, config, create=False))
    if known is None or set(known.item_ids).isdisjoint(histories.item_ids):
        return None
    return Content(vectors=known.of(histories.item_ids), space=known.space)


def judging_vectors(content: Content | None) -> Any:
    """Give the vectors that diversity is read from; None where too many items have none."""
    if content is None or content.vectors.any(axis=1).mean() < FEWEST_WITH_CONTENT:
        return None
    return content.vectors


def wants_deeds(names: tuple[str, ...], config: Config) -> bool:
    """Whether some model of these learns from more than likings."""
    return "ranker" in names and config.ranker.actions == "all"


def _ranker(
    settings: RankerSettings,
    content: Content | None,
    deeds: Deeds | None,
    tell: Callable[[str], None],
) -> Contender[ItemScorer]:
    def fit(histories: Histories, chosen: RankerSettings, _before: Any) -> ItemScorer:
        learnt_from = Sequences(histories=histories)
        if deeds is not None and chosen.actions == "all":
            # What a protocol lets be seen, it says in likings.
            learnt_from = learnable(until_likings(deeds.sequences, histories.lengths))
        held_out = hold_out(learnt_from, chosen.seed)

        def told(progress: Progress) -> None:
            tell(f"ranker: {ranker_training.words_of(progress)}")

        found = fit_ranker(held_out, chosen, content, on_progress=told).recommender
        return found if deeds is None else scorer_of(found, deeds.sequences, deeds.by_moment)

    return Contender(name="ranker", fit=fit, grid=(settings,))


def _interests(
    settings: InterestSettings, content: Content | None, tell: Callable[[str], None]
) -> Contender[InterestRecommender]:
    def fit(histories: Histories, chosen: InterestSettings, _before: Any) -> InterestRecommender:
        held_out = hold_out(Sequences(histories=histories), chosen.seed)

        def told(progress: InterestProgress) -> None:
            tell(f"interests: {interest_training.words_of(progress)}")

        return fit_interests(held_out, chosen, content, on_progress=told).recommender

    return Contender(name="interests", fit=fit, grid=(settings,))


def _long_short(
    settings: LongShortSettings, content: Content | None, tell: Callable[[str], None]
) -> Contender[LongShortRecommender]:
    def fit(histories: Histories, chosen: LongShortSettings, _before: Any) -> LongShortRecommender:
        held_out = hold_out(Sequences(histories=histories), chosen.seed)

        def told(progress: ClickProgress) -> None:
            tell(f"long_short: {long_short_training.words_of(progress)}")

        return fit_long_short(held_out, chosen, content, on_progress=told).recommender

    return Contender(name="long_short", fit=fit, grid=(settings,))
