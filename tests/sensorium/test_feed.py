"""A planted library opened for recommending: what is found, what is learnt, what is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ingest.event import Event
from ingest.item import Item
from ranking.interest_config import InterestConfig
from ranking.interest_network import InterestNetwork
from ranking.interest_recommender import InterestRecommender
from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import ItemRows
from ranking.view_store import ViewStore
from ranking.views import Members
from ray_jobs.manifest import Indexed
from retrieval.filters import FilterError
from sensorium import feed_sources
from sensorium.feed import FeedRequest, open_recommender
from sensorium.index_store import snapshot_folder, stored_version
from sensorium.library import EmptyLibraryError, Library
from sensorium.ranker_store import INTERESTS, RANKER, keep
from support.albums import NAMES, learnt, mirror_of, planted, view
from support.library import CONFIG

NUM = 60
GROUPS = [number % len(NAMES) for number in range(NUM)]
VECTORS = planted(GROUPS)
IDS = tuple(VECTORS)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Sixty items around three centres, in the snapshot that answers and in the catalogue."""
    library = Library(tmp_path / "w", CONFIG, create=True)
    workspace = library.workspace
    generation = workspace.open_generation("recipe", {}, reembed=False)
    mirror = mirror_of(VECTORS)
    mirror.version = stored_version(workspace, generation)
    mirror.save(snapshot_folder(workspace, generation))
    named = {key: (Item(item_id=key, media=(), title=f"The {key}"), [key]) for key in IDS}
    with workspace.engine.begin() as connection:
        workspace.catalogue.put(connection, named, "made", 1)
    yield library
    workspace.engine.dispose()


def group_by_colour(library: Library) -> None:
    members = Members(
        item_ids=IDS,
        clusters=np.array(GROUPS) + 1,
        confidence=np.ones(NUM, np.float32),
        pinned=np.zeros(NUM, np.bool_),
        digests=IDS,
    )
    ViewStore(library.workspace.engine).write(view(), learnt(), members)


def like(library: Library, *items: int, user: str = "anna", minutes_ago: float = 5) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    library.workspace.event_log.append(
        Event(
            user_id=user,
            item_id=IDS[number],
            event_type="like",
            occurred_at=moment + timedelta(seconds=place),
        )
        for place, number in enumerate(items)
    )


def _mark(item_id: str) -> Indexed:
    return Indexed(item_id=item_id, digest="d", state="ready", modality_weights={"image": 1.0})


def anna(**asked: object) -> FeedRequest:
    return FeedRequest(**{"user_id": "anna", **asked})  # type: ignore[arg-type]


def test_a_library_with_nothing_but_items_recommends_and_says_what_is_missing(
    library: Library,
) -> None:
    recommender = open_recommender(library)
    page = recommender.page(anna())

    assert recommender.view == ""
    assert len(page.picks) == CONFIG.feed.size
    assert set(page.found) == {"similar", "popular", "fresh", "explore"}
    told = " ".join(page.notes)
    assert "sensorium train ranker" in told
    assert "sensorium cluster" in told
    assert "anna has liked nothing yet" in told


def test_likes_bring_their_interest_and_what_others_went_on_to(library: Library) -> None:
    group_by_colour(library)
    like(library, 0, 3, 6)
    for number in range(5):
        like(library, 6, 9, 12, user=f"user{number}")
    recommender = open_recommender(library)
    page = recommender.page(anna())

    assert recommender.view == "colours"
    assert page.found["neighbours"] >= 2
    owners = [pick.reason.interest for pick in page.picks]
    assert owners.count("red") == max(owners.count(name) for name in NAMES)
    assert not {IDS[0], IDS[3], IDS[6]} & {pick.item_id for pick in page.picks}
    assert not any("liked nothing" in note for note in page.notes)


def test_a_filter_lets_only_its_items_through(library: Library) -> None:
    recommender = open_recommender(library)
    wanted = [f'item_id == "{key}"' for key in IDS[:4]]
    page = recommender.page(anna(where=" or ".join(wanted)))

    assert {pick.item_id for pick in page.picks} == set(IDS[:4])
    assert any(step.name == "filter" and step.removed for step in page.trace)
    with pytest.raises(FilterError):
        recommender.page(anna(where="widht > 3"))


def test_what_happened_after_the_moment_of_asking_is_unknown(library: Library) -> None:
    like(library, 0, 3, minutes_ago=60)
    like(library, 1, 4, 7, minutes_ago=5)
    recommender = open_recommender(library)
    before = recommender.page(anna(asked_at=datetime.now(UTC) - timedelta(minutes=30)))
    now = recommender.page(anna())

    assert before.picks[0].reason.history_item in ("", IDS[0], IDS[3])
    assert GROUPS[IDS.index(before.picks[0].item_id)] == 0
    assert GROUPS[IDS.index(now.picks[0].item_id)] == 1


def test_a_page_is_recorded_once_and_not_shown_again(library: Library) -> None:
    recommender = open_recommender(library)
    page = recommender.page(anna(limit=4, record=True))
    recommender.record(page)
    [event] = library.workspace.event_log.tail("anna", 10)

    assert event.impressions == tuple(pick.item_id for pick in page.picks)
    assert event.recommendation_id == page.recommendation_id
    again = recommender.page(anna(limit=NUM))
    assert not set(event.impressions) & {pick.item_id for pick in again.picks}
    assert len(again.picks) == NUM - 4
    assert recommender.page(anna(where='item_id == "nobody"', record=True)).picks == ()
    assert len(library.workspace.event_log.tail("anna", 10)) == 1


def test_what_many_like_is_read_on_now_and_then(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = open_recommender(library)
    like(library, 5, user="bob")
    assert recommender.page(anna()).found["popular"] == 0
    monkeypatch.setattr(feed_sources, "READ_ON_SECONDS", 0.0)
    page = recommender.page(anna())
    assert page.found["popular"] == 1
    [pick] = [pick for pick in page.picks if "popular" in pick.sources]
    assert (pick.item_id, pick.reason.text) == (IDS[5], "many like it")


def test_what_was_learnt_ranks_and_searches(library: Library) -> None:
    like(library, 0, 3)
    items = {"item_ids": IDS, "rows": ItemRows(id_rows=np.arange(NUM))}
    network = SequenceNetwork(RankerConfig(num_ids=NUM, width=8)).eval()
    model = SequenceRecommender(network=network, weights=np.ones(1, np.float32), **items)  # type: ignore[arg-type]
    keep(library.workspace, RANKER, model)
    config = InterestConfig(num_ids=NUM, width=8, sizes=(4,), num_interests=2)
    interests = InterestRecommender(network=InterestNetwork(config).eval(), **items)  # type: ignore[arg-type]
    keep(library.workspace, INTERESTS, interests)

    recommender = open_recommender(library)
    page = recommender.page(anna())

    assert recommender.feed.ranker.name.startswith("sequence model")
    assert page.found["interests"] > 0
    assert not any("train ranker" in note for note in page.notes)


def test_a_report_shows_items_and_those_that_reasons_name(library: Library) -> None:
    like(library, 0, minutes_ago=1)
    with library.workspace.engine.begin() as connection:
        marks = [_mark(key) for key in IDS]
        library.workspace.manifest.mark_indexed(connection, "g1", marks)
    report = open_recommender(library).report(anna(limit=3, record=True))

    assert report.recorded
    for pick in report.page.picks:
        assert report.name(pick.item_id) == f"The {pick.item_id}"
    named = {pick.reason.history_item for pick in report.page.picks} - {""}
    assert named <= {IDS[0]}
    assert report.items.keys() == named | {pick.item_id for pick in report.page.picks}


def test_an_empty_library_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    library = Library(tmp_path / "w", CONFIG, create=True)
    with pytest.raises(EmptyLibraryError, match="empty"):
        open_recommender(library)
    generation = library.workspace.open_generation("recipe", {}, reembed=False)
    mirror = mirror_of({})
    mirror.version = stored_version(library.workspace, generation)
    mirror.save(snapshot_folder(library.workspace, generation))
    with pytest.raises(EmptyLibraryError, match="no items"):
        open_recommender(library)
