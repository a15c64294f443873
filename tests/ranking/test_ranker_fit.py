"""From settings to a ranker: what it knows items by, how it starts, how large its steps are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from ingest.event_rules import EventRules
from ranking.acted_scorer import scorer_of
from ranking.evaluate import EvaluationConfig, evaluate
from ranking.held_out import hold_out
from ranking.ranker_fit import Content, fit_ranker, fitting_batch, start_network, training_of
from ranking.ranker_settings import RankerSettings
from ranking.sequence_events import gather_deeds, learnable, told_deeds
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import Sequences, rows_learnt_from
from retrieval.popular import Popular
from support.deeds import turning
from support.histories import kinds, walks
from support.seeds import SEEDS

WORLD = RankerSettings(
    width=16, num_layers=1, length=10, epochs=20, patience=5, batch_size=32, learning_rate=0.02,
    drawn="all",
)  # fmt: skip
QUICK = RankerSettings(width=8, num_layers=1, length=4, epochs=1)
HELD_OUT = hold_out(Sequences(histories=walks(60, 3)), seed=0)


def content() -> Content:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(HELD_OUT.learnt.histories.num_items, 5))
    return Content(vectors=vectors.astype(np.float32), space="here")


@pytest.mark.parametrize(
    ("knows", "ids", "width", "space"),
    [("ids", True, 0, ""), ("content", False, 5, "here"), ("both", True, 5, "here")],
)
def test_items_are_known_by_what_the_settings_say(
    knows: str, ids: bool, width: int, space: str, tmp_path: Path
) -> None:
    settings = replace(QUICK, knows=knows)  # type: ignore[arg-type]
    fitted = fit_ranker(HELD_OUT, settings, content())
    ranker = fitted.recommender
    assert (ranker.network.config.num_ids > 0) == ids
    assert (ranker.network.config.content_width, ranker.space) == (width, space)
    histories = HELD_OUT.learnt.histories
    ranker.save(tmp_path / "r")
    again = SequenceRecommender.load(tmp_path / "r", histories.item_ids, content().vectors)
    asked = [histories.history(0), histories.history(1)]
    np.testing.assert_allclose(again.score(asked), ranker.score(asked), rtol=1e-5, atol=1e-6)


def test_the_seed_decides_the_start_and_leaves_chance_alone() -> None:
    rows = rows_learnt_from(HELD_OUT.learnt.histories)
    before = torch.get_rng_state()
    one, same, other = (start_network(rows, replace(QUICK, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.place.weight, same.place.weight)
    assert not torch.equal(one.place.weight, other.place.weight)


def test_few_users_make_small_steps() -> None:
    assert [fitting_batch(users, 128) for users in (10, 640, 6_400, 10**6)] == [8, 10, 100, 128]
    assert training_of(QUICK, 640).batch_size == 10
    assert training_of(replace(QUICK, batch_size=77), 640).batch_size == 77


def test_content_alone_needs_content() -> None:
    with pytest.raises(ValueError, match="expected ids, content or both"):
        fit_ranker(HELD_OUT, replace(QUICK, knows="content"))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_else_people_do_tells_what_they_like_next(seed: int) -> None:
    """Every question is the same: the baseline's, that of likes alone, that of all actions."""
    deeds = gather_deeds(told_deeds(turning(seed=seed)), EventRules())
    held_out = hold_out(learnable(deeds), seed)

    def found(actions: Literal["all", "likes"]) -> float:
        fitted = fit_ranker(held_out, replace(WORLD, actions=actions, seed=seed))
        assert bool(fitted.recommender.actions) == (actions == "all")
        scorer = scorer_of(fitted.recommender, held_out.learnt)
        asked = evaluate(scorer, held_out.part, EvaluationConfig()).figures["ndcg@10"]
        assert asked == pytest.approx(fitted.progress.best.ndcg_at_10, abs=0.02)
        return asked

    popular = evaluate(Popular.fit(held_out.part.fit), held_out.part, EvaluationConfig())
    every, likes = found("all"), found("likes")
    assert popular.figures["ndcg@10"] < 0.25 < 0.6 < likes < 0.8 < every < 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_content_stands_for_scarce_items_and_ids_for_the_others(seed: int) -> None:
    """What comes next is another item of the kind that the content tells, mostly the next one.

    Content alone cannot tell items of a kind apart; ids that were met twice know of no kind.
    """
    histories, vectors = kinds(seed)
    held_out = hold_out(Sequences(histories=histories), seed)
    counts = np.bincount(held_out.part.fit.items, minlength=histories.num_items)
    targets = np.array([case.targets[0] for case in held_out.part.cases])
    scarce = counts[targets] < 5
    assert min(scarce.sum(), (~scarce).sum()) > 30

    def found(knows: Literal["both", "ids", "content"], fewest: int = 1) -> tuple[float, float]:
        settings = replace(WORLD, knows=knows, fewest_events=fewest, seed=seed, epochs=12)
        fitted = fit_ranker(held_out, settings, Content(vectors=vectors))
        known = (counts >= fewest).sum() if knows == "both" else (counts > 0).sum()
        assert len(fitted.recommender.item_ids) == known
        judged = evaluate(fitted.recommender, held_out.part, EvaluationConfig())
        ndcg, few = judged.by_case["ndcg@10"], scarce[judged.cases]
        return float(ndcg[few].mean()), float(ndcg[~few].mean())

    ids, content, both = found("ids"), found("content"), found("both", fewest=5)
    assert both[0] > max(ids[0] + 0.01, content[0] - 0.02)
    assert both[1] > max(ids[1] - 0.02, content[1] + 0.3)
