"""The closed form against least squares column by column, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.histories import gather_histories
from retrieval import regression
from retrieval.fitted import FittedError, FittedFile
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.regression import ItemRegression, RegressionConfig
from support.histories import histories_of, walks

CONFIG = RegressionConfig(ridge=3)


@pytest.mark.parametrize("rows", [7, 1000])
def test_each_column_is_a_ridge_regression_on_the_others(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regression, "ROWS_AT_ONCE", rows)
    histories = walks(users=60, rings=2, size=9)
    liked = np.zeros((len(histories), histories.num_items))
    liked[histories.user_of_event, histories.items] = 1
    weights = ItemRegression.fit(histories, CONFIG).weights
    for item in range(histories.num_items):
        others = np.delete(np.arange(histories.num_items), item)
        known = liked[:, others]
        solved = np.linalg.solve(
            known.T @ known + CONFIG.ridge * np.eye(len(others)), known.T @ liked[:, item]
        )
        assert weights[others, item] == pytest.approx(solved, abs=1e-5)
        assert weights[item, item] == 0


def test_scores_are_sums_over_the_history() -> None:
    histories = walks(users=60)
    model = ItemRegression.fit(histories, CONFIG)
    asked = histories.history(3)
    expected = model.weights[np.unique(asked.items)].sum(axis=0)
    assert model.score([asked])[0] == pytest.approx(expected, abs=1e-6)
    late = model.refined(replace(CONFIG, recency=30))
    assert late.score([asked])[0] == pytest.approx(model.weights[asked.items[-1]], abs=1e-6)


def test_another_ridge_needs_another_fit() -> None:
    model = ItemRegression.fit(histories_of("abc", "abd"), CONFIG)
    with pytest.raises(ValueError, match="fit again"):
        model.refined(RegressionConfig(ridge=4))


def test_a_large_catalogue_is_refused_with_the_way_out() -> None:
    config = RegressionConfig(most_items=3)
    with pytest.raises(FittedError, match="4 items are more than the 3") as caught:
        ItemRegression.fit(histories_of("abcd"), config)
    assert "item neighbours" in caught.value.hint


def test_an_empty_log_gives_nothing() -> None:
    model = ItemRegression.fit(gather_histories([]), CONFIG)
    assert model.score([]).shape == (0, 0)


def test_what_is_saved_comes_back_and_only_as_what_it_is(tmp_path: Path) -> None:
    histories = walks(users=50)
    model = ItemRegression.fit(histories, CONFIG)
    path = tmp_path / "r.safetensors"
    model.save(path)
    back = ItemRegression.load(path)
    assert (back.weights == model.weights).all()
    assert (back.item_ids, back.config) == (model.item_ids, model.config)
    with pytest.raises(FittedError, match="no item neighbours"):
        ItemNeighbours.load(path)


def test_settings_it_does_not_know_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.safetensors"
    FittedFile(
        kind=regression.KIND, config={"lambda": 1}, item_ids=(), arrays={"weights": np.zeros(1)}
    ).write(path)
    with pytest.raises(FittedError, match="unknown settings"):
        ItemRegression.load(path)


@pytest.mark.parametrize("wrong", [{"ridge": 0.0}, {"recency": -1.0}, {"most_items": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        replace(CONFIG, **wrong)  # type: ignore[arg-type]


def test_neighbours_and_regression_agree_on_a_plain_world() -> None:
    histories = histories_of(*["ab"] * 20, *["cd"] * 20)
    asked = [histories.history(0)]
    for model in (
        ItemRegression.fit(histories, CONFIG),
        ItemNeighbours.fit(histories, NeighbourConfig()),
    ):
        scores = model.score(asked)[0]
        assert min(scores[:2]) > max(scores[2:])
