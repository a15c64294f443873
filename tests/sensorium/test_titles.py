"""Titles in a library: written, shown on pages to their group, and gone with what they told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ranking.language_model import LanguageModelError
from ranking.title_store import TitleStore
from ranking.view_store import ViewStore
from ranking.views import ViewError
from sensorium.config import Config
from sensorium.feed import FeedRequest, open_recommender
from sensorium.library import Library
from sensorium.people import learnt_since
from sensorium.service.recommendations import page_of
from sensorium.title_list import TitleQuery, list_titles
from sensorium.title_upkeep import refresh_titles
from sensorium.titles import TitleOutcome, TitleRequest, write_library_titles
from sensorium.traces import find_traces
from support.titles import GROUPS, IDS, NUM, library_of_days, say

CONSOLE = Console(stderr=True)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = library_of_days(tmp_path / "w")
    yield library
    library.workspace.engine.dispose()


def with_titles(library: Library, **settings: Any) -> Library:
    config: Config = library.config
    changed = replace(config, titles=replace(config.titles, **settings))
    return Library(library.workspace.path, changed, create=False)


def write(library: Library, **asked: Any) -> TitleOutcome:
    return write_library_titles(library, TitleRequest(**asked), CONSOLE, quiet=True)


def shown(library: Library, user: str) -> dict[str, tuple[str, str]]:
    report = open_recommender(library).report(FeedRequest(user_id=user, limit=8))
    return {pick.item_id: (report.title(pick), pick.titled_for) for pick in report.page.picks}


def test_each_reader_sees_the_title_of_their_group(library: Library) -> None:
    opened = with_titles(library, shown="written", groups_per_item=3)
    done = write(opened)
    assert (done.groups, done.items, done.pairs, done.chosen) == (3, NUM, 90, 90)
    assert (done.report.written, done.report.rejected, done.matched_by) == (90, 0, "cosine")
    assert done.readers == 3
    for user, name, phrase in (
        ("dora", "dogs", "Two dogs run on a beach"),
        ("bob", "boats", "A boat sails in"),
        ("bert", "bread", "Somebody bakes fresh bread"),
    ):
        found = shown(opened, user)
        assert len(found) == 8
        for item_id, (title, group) in found.items():
            assert (title, group) == (f"Day {item_id[-3:]}: {phrase}", name)


def test_pages_show_original_titles_by_default_and_to_whom_nothing_is_known_of(
    library: Library,
) -> None:
    write(with_titles(library))
    for opened, user in ((library, "dora"), (with_titles(library, shown="written"), "nobody")):
        for item_id, (title, group) in shown(opened, user).items():
            assert (title, group) == (f"Day {item_id[-3:]}", "")


def test_pruning_leaves_the_groups_that_match_and_their_readers_alone_see_titles(
    library: Library,
) -> None:
    opened = with_titles(library, shown="written", groups_per_item=1)
    done = write(opened)
    assert (done.chosen, done.pairs, done.report.written) == (30, 90, 30)
    found = shown(opened, "dora")
    own = {key: group for key, (_, group) in found.items()}
    assert all(
        group == ("dogs" if GROUPS[IDS.index(key)] == 0 else "") for key, group in own.items()
    )
    assert "dogs" in own.values()
    again = write(with_titles(library, groups_per_item=2))
    assert (again.unchanged, again.report.written, again.dropped) == (30, 30, 0)
    fewer = write(with_titles(library, groups_per_item=1))
    assert (fewer.unchanged, fewer.report.written, fewer.dropped) == (30, 0, 30)


def test_a_run_that_was_limited_goes_on_and_what_is_done_is_not_done_again(
    library: Library,
) -> None:
    opened = with_titles(library)
    first = write(opened, limit=50)
    assert (first.report.written, first.left) == (50, 40)
    second = write(opened)
    assert (second.unchanged, second.report.written, second.left) == (50, 40, 0)
    assert write(opened).report.read == 0


def test_titles_by_taste_are_found_by_the_nearest_centre(library: Library) -> None:
    opened = with_titles(library, shown="written", groups="tastes", num_tastes=3, groups_per_item=1)
    done = write(opened)
    assert done.grouping.startswith("tastes ")
    assert (done.groups, done.chosen) == (3, 30)
    groups = {group for _, group in shown(opened, "dora").values()} - {""}
    assert len(groups) == 1
    assert write(opened).unchanged == 30
    # Centres are made of what people liked: erasing somebody names the file to be learnt anew.
    files = learnt_since(library.workspace, datetime.now(UTC) - timedelta(hours=1))
    assert "titles/tastes.safetensors" in files
    assert shown(opened, "nobody").keys()


def test_titles_go_when_their_item_goes_or_reads_otherwise(library: Library) -> None:
    write(with_titles(library))
    workspace = library.workspace
    store = TitleStore(workspace.engine)
    assert refresh_titles(workspace) == ()
    say(library, {IDS[0]: "Only a cat sleeps here."})
    with workspace.engine.begin() as connection:
        workspace.catalogue.remove(connection, [IDS[1]])
    [note] = refresh_titles(workspace)
    assert "6 titles" in note
    left = {item_id for item_id, _ in store.known(next(iter(store.counts())))}
    assert left == set(IDS[2:])


def test_a_view_made_anew_under_its_name_does_not_show_what_was_written_for_the_old(
    library: Library,
) -> None:
    opened = with_titles(library, shown="written")
    write(opened)
    store = ViewStore(library.workspace.engine)
    known = store.view("things")
    made_anew = replace(known, created_at=known.created_at + timedelta(days=1))
    store.write(made_anew, store.learnt(known), store.members(known))
    assert {group for _, group in shown(opened, "dora").values()} == {""}


def test_titles_are_listed_by_item_and_group(library: Library) -> None:
    opened = with_titles(library)
    assert list_titles(opened, TitleQuery()).rows == ()
    write(opened)
    found = list_titles(opened, TitleQuery(group="Boats", limit=5))
    assert len(found.rows) == 5
    assert {found.names[row.group_id] for row in found.rows} == {"boats"}
    assert found.counts == {"written": 90}
    assert found.own[IDS[0]] == "Day 000"
    assert len(list_titles(opened, TitleQuery(item_id=IDS[4])).rows) == 3
    with pytest.raises(ViewError, match="no group 'boots'"):
        list_titles(opened, TitleQuery(group="boots"))


def test_what_cannot_be_is_said(library: Library) -> None:
    with pytest.raises(LanguageModelError, match="there is none"):
        write(with_titles(library, writer="language_model"))
    ViewStore(library.workspace.engine).delete("things")
    with pytest.raises(ViewError, match="no view"):
        write(library)


def test_the_service_tells_title_and_group(library: Library) -> None:
    opened = with_titles(library, shown="written")
    write(opened)
    report = open_recommender(opened).report(FeedRequest(user_id="bob", limit=3))
    told = page_of(report, explain=False)
    assert all(item.title.endswith(": A boat sails in") for item in told.items)
    assert {item.titled_for for item in told.items} == {"boats"}
    plain = page_of(open_recommender(library).report(FeedRequest(user_id="bob")), explain=False)
    assert {item.titled_for for item in plain.items} == {""}


def test_titles_are_looked_through_for_whoever_is_erased(library: Library) -> None:
    say(library, {IDS[0]: "Photographed by mallory77 at dawn."})
    write(with_titles(library))
    found = find_traces(library.workspace.engine, library.workspace.path, "mallory77").found
    assert "titles.text" in {trace.place for trace in found}
