"""Signals beside a library's ranker: weighed by what people chose, added where settings say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ranking.feed_config import FeedConfig
from ranking.signals import SignalRanker
from sensorium.feed import FeedRequest, open_recommender
from sensorium.library import Library
from sensorium.signals import WEIGHTS, with_signals
from support.cli import rows, sensorium
from support.habits import GROUPS, KINDS, QUICK, write_habits
from support.library import CONFIG, copy_fused

ASKING = replace(CONFIG, feed=FeedConfig(signals=("intent", "profiles")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with a view, and people in its log whose days tell what they want."""
    folder = copy_fused(tmp_path_factory, tmp_path_factory.mktemp("made"), 40, GROUPS)
    sensorium(*KINDS, "-w", folder)
    events = write_habits(folder / "habits.csv")
    sensorium("events", "import", events, "-w", folder)
    return folder


def test_signals_are_learnt_weighed_and_added(made: Path) -> None:
    asked = ("train", "signals", "-w", made, "--set", "feed.signals=intent,profiles")
    refused = sensorium(*asked, code=1)
    assert "no intent learnt yet" in refused.stderr
    sensorium("train", "intent", "-w", made, *QUICK)

    library = Library(made, ASKING, create=False)
    before = open_recommender(library)
    notes = " ".join(before.page(FeedRequest(user_id="u0")).notes)
    assert "sensorium train signals weighs them" in notes
    assert "nothing learnt of profiles yet" in notes

    [weighed] = rows(sensorium(*asked, "--json"))
    assert (weighed["questions"], weighed["judged"]) == (40, 20)
    assert list(weighed["weights"]) == ["intent"]
    assert set(weighed["figures"]) == {"hit@10", "ndcg@10"}
    assert weighed["gap"][0] <= weighed["gap"][1]

    library.workspace.manifest.remember(WEIGHTS, {"intent": 0.5})
    after = open_recommender(library)
    assert isinstance(after.feed.ranker, SignalRanker)
    assert after.feed.ranker.name.startswith(before.feed.ranker.name + " + 0.5 ")
    page = after.page(FeedRequest(user_id="u0"))
    assert "weighs them" not in " ".join(page.notes)
    assert len(page.picks) == 10


def test_nothing_is_opened_unless_settings_say_so(made: Path) -> None:
    library = Library(made, CONFIG, create=False)
    ranker = open_recommender(library).feed.ranker
    assert not isinstance(ranker, SignalRanker)
    assert with_signals(library, open_recommender(library).stock, ranker) == (ranker, ())


def test_unknown_signals_are_refused() -> None:
    with pytest.raises(ValueError, match="intent, lifecycle, profiles"):
        FeedConfig(signals=("charm",))
