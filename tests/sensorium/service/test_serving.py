"""The library as the service holds it: what changes shows, and an empty one can be served."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.event import Event
from ranking.view_store import ViewStore
from sensorium.albums import Albums
from sensorium.feed import FeedRequest
from sensorium.library import EmptyLibraryError
from sensorium.service.serving import Host
from sensorium.signals import WEIGHTS
from sensorium.strengths import STRENGTHS, LearntStrengths
from sensorium.takedown import take_down
from support.cli import environment, sensorium
from support.library import CONFIG
from support.media import plain, write_image


def test_nothing_is_opened_again_while_nothing_changes(host: Host) -> None:
    before = host.serving
    assert not host.refresh()
    assert host.serving is before


def test_an_index_run_of_another_process_shows(host: Host, tmp_path: Path) -> None:
    write_image(tmp_path / "more" / "yellow.png", plain((220, 210, 30)))
    before = host.serving
    sensorium("index", tmp_path / "more", "-w", tmp_path / "w", "--local", "--quiet")
    assert host.refresh()
    assert "yellow" not in before.recommender.stock.shelf.number_of
    assert "yellow" in host.serving.recommender.stock.shelf.number_of


def test_a_state_that_ended_keeps_no_connections(host: Host) -> None:
    engine = host.serving.library.workspace.engine
    pool = engine.pool
    take_down(host.library, host.serving.recommender.stock.shelf.item_ids)
    assert host.refresh()
    assert engine.pool is not pool


def test_an_edit_of_the_view_shows(host: Host) -> None:
    Albums(host.library).rename("colour", "red", "crimson")
    assert host.refresh()
    interests = host.serving.recommender.stock.shelf.interests
    assert interests is not None
    assert "crimson" in interests.names


def test_what_parts_are_found_to_count_shows(host: Host) -> None:
    learnt = LearntStrengths(beside="blend", found={"ranker": 2.0})
    host.library.workspace.manifest.remember(STRENGTHS, asdict(learnt))
    assert host.refresh()
    assert host.serving.recommender.feed.config.ranker == 2.0
    assert not host.refresh()
    host.library.workspace.manifest.remember(WEIGHTS, {"intent": 0.5})
    assert host.refresh()


def test_a_click_shows_without_a_refresh(host: Host) -> None:
    recommender = host.serving.recommender
    request = FeedRequest(user_id="anna")
    before = [pick.item_id for pick in recommender.page(request).picks]
    click = Event(
        user_id="anna", item_id="green0", event_type="like", occurred_at=datetime.now(UTC)
    )
    host.library.workspace.event_log.append([click])
    after = [pick.item_id for pick in recommender.page(request).picks]
    assert "green0" not in after
    assert after != before


def test_an_empty_library_says_so_until_something_is_there(tmp_path: Path) -> None:
    host = Host(tmp_path / "w", CONFIG)
    host.refresh()
    with pytest.raises(EmptyLibraryError):
        _ = host.serving
    write_image(tmp_path / "media" / "red.png", plain((220, 20, 30)))
    sensorium("index", tmp_path / "media", "-w", tmp_path / "w", "--local", "--quiet")
    assert host.refresh()
    assert len(host.serving.mirror) == 1
    host.library.workspace.engine.dispose()


def test_what_a_run_changes_shows_once_when_it_has_ended(host: Host) -> None:
    workspace, before = host.library.workspace, host.serving
    assert workspace.active is not None
    store = ViewStore(workspace.engine)
    with workspace.exclusive():
        for name in ("ruby", "scarlet"):
            view = store.view("colour")
            clusters = (replace(view.clusters[0], name=name), *view.clusters[1:])
            store.update(replace(view, clusters=clusters, updated_at=datetime.now(UTC)))
            assert not host.refresh()
        assert host.serving is before
    assert host.refresh()
    interests = host.serving.recommender.stock.shelf.interests
    assert interests is not None
    assert "scarlet" in interests.names


def test_loaded_encoders_go_over_to_the_new_state(host: Host) -> None:
    before = host.serving
    Albums(host.library).rename("colour", "red", "crimson")
    assert host.refresh()
    assert host.serving is not before
    assert host.serving.library.family is before.library.family


def test_a_first_run_that_is_under_way_is_no_fault(tmp_path: Path) -> None:
    host = Host(tmp_path / "w", CONFIG)
    library = host.library
    with library.workspace.exclusive():
        library.workspace.open_generation(library.recipe.digest, {}, reembed=False)
        host.refresh()
        assert host.ready
        with pytest.raises(EmptyLibraryError):
            _ = host.serving
    library.workspace.engine.dispose()


SERVE = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from sensorium.service.app import create_app
from sensorium.service.serving import Host
from support.library import CONFIG

host = Host(Path(sys.argv[1]), CONFIG)
host.refresh()
page = TestClient(create_app(host)).get("/v1/recommendations/anna").json()
print(len(page["items"]), "torch" in sys.modules)
host.stop()
"""


def test_who_has_learnt_nothing_does_not_wait_for_torch(host: Host) -> None:
    tests = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SERVE, host.library.workspace.path],
        env=environment(PYTHONPATH=f"{tests.parent}{os.pathsep}{tests}"),
        capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    number, loaded = done.stdout.split()
    assert int(number) > 0
    assert loaded == "False"
