"""Relations from the command line: imported, listed, learnt, completed, and brought into a feed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ingest.event import EventType
from ingest.relations import Relation, Relations
from sensorium.feed import FeedRequest, open_recommender
from sensorium.library import Library
from sensorium.takedown import take_down
from support.cli import rows, sensorium
from support.events import event
from support.library import CONFIG, library_of_vectors

GROUPS, ITEMS = 4, 48
QUICK = ("--steps", "8", "--set", "relations.width=8", "--quiet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library in four groups, one relation from each group to the next."""
    folder = tmp_path_factory.mktemp("relations")
    library = library_of_vectors(folder, ITEMS, GROUPS)
    library.fuse_anew(Console(quiet=True), quiet=True)
    lines = ["head,relation,tail"]
    for name in range(3):
        heads = np.arange(name, ITEMS - 1, GROUPS)
        lines += [f"{head + 1:03},relation {name},{head:03}" for head in heads.tolist()]
    lines += ["005,sequel of,002", "bad,,001"]
    (folder / "relations.csv").write_text("\n".join(lines) + "\n")
    library.workspace.engine.dispose()
    return folder


def test_relations_go_from_a_file_to_completions(folder: Path) -> None:
    where, file = ("-w", folder), folder / "relations.csv"
    refused = sensorium("relations", "complete", "005", "sequel of", *where, code=1)
    assert "no relations have been learnt" in refused.stderr
    [taken] = rows(sensorium("relations", "import", file, *where, "--json", code=3))
    assert (taken["rows"], taken["new"], taken["rejected"]) == (38, 37, 1)
    assert taken["examples"][0]["line"] == 39
    again = sensorium("relations", "import", file, *where, code=3)
    assert "0 new relations, 37 known before" in again.stdout
    listed = rows(sensorium("relations", "list", *where, "--json"))
    assert listed[-1] == {"relation": "sequel of", "pairs": 1}

    [learnt] = rows(sensorium("train", "relations", *where, *QUICK, "--json"))
    assert learnt["learnt"] == [f"relation {name}" for name in range(3)]
    assert (learnt["held"], learnt["mrr"]) == ([], None)
    assert learnt["known"] == 2 * 37
    found = rows(
        sensorium("relations", "complete", "005", "sequel of", "-n", "3", *where, "--json")
    )
    assert [one["known"] for one in found] == [True, False, False]
    assert found[0]["entity"] == "002"
    back = rows(sensorium("relations", "complete", "002", "sequel of", "--back", *where, "--json"))
    assert back[0]["entity"] == "005"
    assert len(back) == 10

    [gone] = rows(sensorium("relations", "forget", "sequel of", *where, "--json"))
    assert gone == {"relation": "sequel of", "pairs": 1}
    missing = sensorium("train", "relations", *where, "--set", "relations.learnt_from=30", code=1)
    assert "no relation has 30 to 999 pairs" in missing.stderr


def test_a_feed_brings_what_is_related_where_that_is_on(tmp_path: Path) -> None:
    library = library_of_vectors(tmp_path, 12, 3)
    library.fuse_anew(Console(quiet=True), quiet=True)
    workspace = library.workspace
    Relations(workspace.engine).add([Relation("007", "sequel of", "002")])
    workspace.event_log.append([event("002", "anna", event_type=EventType.LIKE)])
    request = FeedRequest(user_id="anna", limit=8)
    plain = open_recommender(library).page(request)
    assert "relations" not in plain.found

    related = replace(CONFIG.sources.relations, use="known")
    config = replace(CONFIG, sources=replace(CONFIG.sources, relations=related))
    page = open_recommender(Library(tmp_path, config, create=False)).page(request)
    assert page.found["relations"] == 1
    [pick] = [pick for pick in page.picks if "relations" in pick.sources]
    assert (pick.item_id, pick.reason.kind) == ("007", "relation")
    assert (pick.reason.text, pick.reason.history_item) == ("sequel of 002", "002")

    assert take_down(library, ["002"]).removed["relations"] == 1
    assert Relations(workspace.engine).every() == []
