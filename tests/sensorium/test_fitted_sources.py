"""What sources learn from the log: kept, brought up to date, and made anew where it must be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.event import Event
from ingest.event_rules import EventRules
from ingest.histories import Histories, History, logged_histories
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from sensorium import fitted_sources
from sensorium.fitted_sources import FittedSources
from sensorium.source_settings import SourceSettings
from sensorium.workspace import SOURCES, Workspace
from support.events import event, many_events

NOW = event(minute=10**6).occurred_us
RULES = EventRules()
SETTINGS = SourceSettings(refit_share=0.1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "w", "digest", create=True)
    workspace.event_log.append(many_events(400))
    return workspace


@pytest.fixture
def sources(workspace: Workspace) -> FittedSources:
    return FittedSources(workspace, RULES, SETTINGS)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of events of each fit."""
    seen: list[int] = []

    def fitting(histories: Histories, config: NeighbourConfig) -> ItemNeighbours:
        seen.append(len(histories.items))
        return fit(histories, config)

    fit = ItemNeighbours.fit
    monkeypatch.setattr(ItemNeighbours, "fit", fitting)
    return seen


def files(workspace: Workspace) -> list[str]:
    folder = workspace.path / SOURCES
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def liked(*items: int) -> History:
    times = np.arange(len(items), dtype=np.int64)
    return History(items=np.array(items, np.int64), times_us=times, asked_us=NOW)


def test_neighbours_are_fitted_once_and_kept(
    workspace: Workspace, sources: FittedSources, fits: list[int]
) -> None:
    assert sources.neighbours(fit=False) is None
    first = sources.neighbours()
    again = FittedSources(workspace, RULES, SETTINGS).neighbours(fit=False)
    assert first is not None
    assert again is not None
    histories = logged_histories(workspace.event_log, RULES)
    scores = ItemNeighbours.fit(histories, NeighbourConfig()).score([liked(1, 2)])[0]
    for table in (first, again):
        assert table.item_ids == histories.item_ids
        items, given = table.following(liked(1, 2))
        assert given == pytest.approx(scores[items], rel=1e-5)
    assert len(fits) == 2  # the second is the one above
    assert len(files(workspace)) == 1


def test_a_log_that_has_grown_is_fitted_anew(
    workspace: Workspace, sources: FittedSources, fits: list[int]
) -> None:
    sources.neighbours()
    few = [event(f"n{n}", "new", minute=n) for n in range(40)]
    workspace.event_log.append(few)
    table = sources.neighbours()
    assert table is not None
    assert "n1" not in table.item_ids
    workspace.event_log.append([event("n99", "new", minute=99)])
    assert sources.neighbours(fit=False) is not None
    table = sources.neighbours()
    assert table is not None
    assert {"n1", "n99"} <= set(table.item_ids)
    assert len(fits) == 2
    assert len(files(workspace)) == 1


@pytest.mark.parametrize("change", ["erased", "other rules", "other settings", "damaged", "gone"])
def test_what_no_longer_holds_is_made_anew(
    change: str, workspace: Workspace, sources: FittedSources, fits: list[int]
) -> None:
    sources.neighbours()
    [path] = (workspace.path / SOURCES).iterdir()
    if change == "erased":
        workspace.event_log.erase("u3")
    elif change == "other rules":
        sources.rules = EventRules(positives=("click",))
    elif change == "other settings":
        sources.config = replace(sources.config, window=2)
    elif change == "damaged":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        path.unlink()
    assert sources.neighbours() is not None
    assert len(fits) == 2
    assert fits[1] < fits[0] or change not in ("erased", "other rules")


def test_a_log_that_likes_nothing_has_no_neighbours(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w", "digest", create=True)
    workspace.event_log.append([event(event_type="dislike")])
    sources = FittedSources(workspace, RULES, SETTINGS)
    assert sources.neighbours() is None
    assert len(sources.tally(NOW)) == 0
    assert files(workspace) == []


def test_while_another_writes_nothing_is_kept(workspace: Workspace, sources: FittedSources) -> None:
    with workspace.exclusive():
        assert sources.neighbours() is not None
    assert files(workspace) == []


def test_a_tally_reads_on_from_where_it_was_kept(
    workspace: Workspace, sources: FittedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitted_sources, "KEEP_EVERY", 50)
    sources.tally(NOW)
    assert len(files(workspace)) == 1
    asked = reads(workspace, monkeypatch)
    workspace.event_log.append([event("late", minute=n) for n in range(9)])
    tally = sources.tally(NOW)
    assert asked == [400, 409]
    assert tally.standing({"late": 0}).liked.tolist() == [9]
    assert sources.catch_up(tally, NOW) == 0


def test_a_long_log_tells_how_far_its_first_count_is(
    workspace: Workspace, sources: FittedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = workspace.event_log.since
    monkeypatch.setattr(workspace.event_log, "since", lambda sequence: since(sequence, limit=100))
    told: list[tuple[float, str]] = []
    sources.tally(NOW, lambda share, words: told.append((share, words)))
    assert [share for share, _ in told] == [0.25, 0.5, 0.75, 1.0]
    assert told[-1][1] == "counting events: 400"
    told.clear()
    sources.neighbours(show=lambda share, words: told.append((share, words)))
    sources.neighbours(show=lambda share, words: told.append((share, words)))
    assert told == [(0.0, "learning what goes with what")]


def test_a_tally_forgets_what_was_erased(
    workspace: Workspace, sources: FittedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitted_sources, "KEEP_EVERY", 50)
    sources.tally(NOW)
    asked = reads(workspace, monkeypatch)
    workspace.event_log.append([event("late", minute=n) for n in range(9)])
    for user_id, start in (("u", 400), ("u3", 0)):
        workspace.event_log.erase(user_id)
        asked.clear()
        tally = sources.tally(NOW)
        assert asked[0] == start  # what was erased after the last that was kept costs nothing

    left = logged_histories(workspace.event_log, RULES)
    numbers = {key: number for number, key in enumerate((*left.item_ids, "late"))}
    counts = np.bincount(left.items, minlength=len(numbers))
    assert tally.standing(numbers).liked.tolist() == counts.tolist()


def reads(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where each page of the log that is read from now on begins."""
    asked: list[int] = []
    since = workspace.event_log.since

    def watched(sequence: int) -> list[tuple[int, Event]]:
        asked.append(sequence)
        return since(sequence)

    monkeypatch.setattr(workspace.event_log, "since", watched)
    return asked


@pytest.mark.parametrize("wrong", [{"popular_days": 0.0}, {"refit_share": -0.1}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        SourceSettings(**wrong)  # type: ignore[arg-type]
