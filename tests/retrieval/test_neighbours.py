"""Neighbours against loops over pairs, on a planted world, added to, and kept on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.histories import Histories
from retrieval import neighbours
from retrieval.fitted import FittedError
from retrieval.metrics import hit_at_k, ranks_of
from retrieval.neighbours import ItemNeighbours, NeighbourConfig, history_weights, strongest
from retrieval.popular import Popular
from retrieval.scoring import ItemScorer, best_items
from support.histories import histories_of, walks

CONFIG = NeighbourConfig(window=3, fade=0.7, backward=0.25, damping=0.4, shrink=2, neighbours=4)
words = st.lists(st.text("abcdef", max_size=9), min_size=1, max_size=6)


def looped_scores(histories: Histories, config: NeighbourConfig) -> np.ndarray:
    """The same in loops: pairs, their weights by item, the most of them, a sum per history."""
    number = histories.num_items
    pairs, counts = np.zeros((number, number)), np.full(number, config.shrink)
    for user in range(len(histories)):
        items = histories.history(user).items.tolist()
        for place, item in enumerate(items):
            counts[item] += 1
            for gap in range(1, min(config.window, place) + 1):
                earlier = items[place - gap]
                if earlier != item:
                    pairs[earlier, item] += gap**-config.fade
                    pairs[item, earlier] += config.backward * gap**-config.fade
    weights = pairs / counts[:, None] ** (1 - config.damping) / counts[None] ** config.damping
    for row in weights:
        row[sorted(range(number), key=lambda one: (-row[one], one))[config.neighbours :]] = 0
    scores = np.zeros((len(histories), number))
    for user in range(len(histories)):
        items = histories.history(user).items.tolist()[::-1]
        for item in dict.fromkeys(items):
            scores[user] += weights[item] * (items.index(item) + 1) ** -config.recency
    return scores


def hits(scorer: ItemScorer, histories: Histories) -> float:
    asked = histories.only(histories.places_from_end >= 1)
    scores = scorer.score([asked.history(user) for user in range(len(asked))])
    ranks = ranks_of(scores, histories.items[histories.offsets[1:] - 1][:, None])
    return float(hit_at_k(ranks, 3).mean())


@given(words)
@settings(max_examples=60, deadline=None)
def test_scores_are_those_of_plain_loops(sequences: list[str]) -> None:
    histories = histories_of(*sequences)
    model = ItemNeighbours.fit(histories, CONFIG)
    scores = model.score([histories.history(user) for user in range(len(histories))])
    assert scores == pytest.approx(looped_scores(histories, CONFIG), rel=1e-4, abs=1e-6)


def test_summing_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    histories = walks(users=40)
    whole = ItemNeighbours.fit(histories, CONFIG).pairs.toarray()
    monkeypatch.setattr(neighbours, "PAIRS_AT_ONCE", 7)
    assert ItemNeighbours.fit(histories, CONFIG).pairs.toarray() == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_world_is_learnt_far_beyond_popularity(seed: int) -> None:
    world = walks(seed=seed)
    seen = world.only(world.places_from_end >= 1)
    learnt = hits(ItemNeighbours.fit(seen, NeighbourConfig()), world)
    assert learnt > 0.6
    assert hits(Popular.fit(seen), world) < 0.25


@pytest.mark.parametrize("moment", [0, 2, 5, 100])
def test_events_added_later_count_as_if_they_had_been_there(moment: int) -> None:
    histories = histories_of("abcabdfe", "bcd", "fed", "acefb")
    before = ItemNeighbours.fit(histories.only(histories.times_us < moment), CONFIG)
    later, whole = before.extended(histories, moment), ItemNeighbours.fit(histories, CONFIG)
    assert later.num_events.tolist() == whole.num_events.tolist()
    assert later.pairs.toarray() == pytest.approx(whole.pairs.toarray(), rel=1e-5)


def test_another_catalogue_is_refused() -> None:
    model = ItemNeighbours.fit(histories_of("abc"), CONFIG)
    with pytest.raises(ValueError, match="same catalogue"):
        model.extended(histories_of("abd"))


def test_settings_of_the_sums_need_another_fit() -> None:
    histories = walks(users=30)
    model = ItemNeighbours.fit(histories, CONFIG)
    other = replace(CONFIG, damping=0.9, recency=2, neighbours=2)
    asked = [histories.history(0)]
    refined, fitted = model.refined(other), ItemNeighbours.fit(histories, other)
    assert refined.score(asked) == pytest.approx(fitted.score(asked))
    with pytest.raises(ValueError, match="fit again"):
        model.refined(replace(CONFIG, window=9))


def test_an_item_has_no_more_neighbours_than_the_setting_and_the_strongest_stay() -> None:
    model = ItemNeighbours.fit(walks(), replace(CONFIG, neighbours=3))
    assert np.diff(model.weights.indptr).max() == 3
    everything = ItemNeighbours.fit(walks(), replace(CONFIG, neighbours=999)).weights.toarray()
    kept = strongest(ItemNeighbours.fit(walks(), replace(CONFIG, neighbours=999)).weights, 3)
    for row, line in zip(everything, kept.toarray(), strict=True):
        assert sorted(line[line > 0]) == pytest.approx(sorted(np.sort(row)[-3:]))


def test_later_items_of_a_history_speak_louder() -> None:
    history = histories_of("abcb").history(0)
    weights = history_weights([history], 3, 1.0).toarray()
    assert weights[0] == pytest.approx([1 / 4, 1, 1 / 2])
    assert history_weights([], 3, 1.0).shape == (0, 3)


def test_the_best_items_leave_out_what_is_known() -> None:
    histories = histories_of("abc", "abd", "abc")
    model = ItemNeighbours.fit(histories, NeighbourConfig())
    history = histories_of("abc", "abd", "ab").history(2)
    items, scores = best_items(model, history, 9)
    assert [histories.item_ids[item] for item in items] == ["c", "d"]
    assert scores[0] > scores[1] > 0
    assert len(best_items(model, history, 9, with_seen=True)[0]) == 4


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    histories = walks(users=50)
    model = ItemNeighbours.fit(histories, CONFIG)
    model.save(tmp_path / "n.safetensors")
    back = ItemNeighbours.load(tmp_path / "n.safetensors")
    asked = [histories.history(user) for user in range(9)]
    assert (back.score(asked) == model.score(asked)).all()
    assert (back.item_ids, back.config) == (model.item_ids, model.config)
    assert list(tmp_path.iterdir()) == [tmp_path / "n.safetensors"]


@pytest.mark.parametrize("damage", ["one bit", "other content", "no file"])
def test_a_damaged_or_strange_file_is_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "n.safetensors"
    ItemNeighbours.fit(histories_of("abcd", "ab"), CONFIG).save(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content if damage == "one bit" else b"nothing")
    if damage == "no file":
        path.unlink()
    with pytest.raises(FittedError, match="no item neighbours, or was damaged"):
        ItemNeighbours.load(path)


@pytest.mark.parametrize(
    "wrong", [{"window": 0}, {"fade": -1.0}, {"damping": 1.5}, {"neighbours": 0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(CONFIG, **wrong)  # type: ignore[arg-type]
