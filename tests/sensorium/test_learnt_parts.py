"""What ``sensorium models`` tells of a library: what is learnt, on, measured, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert

from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import ItemRows
from ranking.title_store import TitleStore, titles_table
from ranking.titles import WRITTEN
from retrieval.fitted import FittedError, FittedFile, head_of
from sensorium.feed import open_recommender
from sensorium.library import Library
from sensorium.ranker_store import INTENT, RANKER, content_space, keep, learnt_folder
from sensorium.shelf import open_shelf
from sensorium.signals import WEIGHTS
from sensorium.training_records import (
    Measured,
    TrainingRecord,
    recall_training,
    remember_training,
)
from support.cli import rows, sensorium
from support.library import CONFIG, copy_fused
from support.walks import log_walks, walked


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 40 titled pictures and the walks of people among them."""
    folder = copy_fused(tmp_path_factory, tmp_path_factory.mktemp("made") / "w", 40, 5)
    log_walks(Library(folder, CONFIG, create=False).workspace.event_log, walked())
    return folder


def told(folder: Path, *words: str) -> dict[str, dict[str, Any]]:
    """Rows about learnt parts by name."""
    found = rows(sensorium("models", "-w", folder, "--json", *words))
    return {row["part"]: row for row in found if "part" in row}


def test_an_untrained_library_names_the_commands(made: Path) -> None:
    found = told(made)
    assert {row["state"] for row in found.values()} == {"not learnt"}
    kept = ("ranker", "long_short", "interests", "intent", "profiles", "relations")
    for name in ("alignment", "fusion", *kept):
        assert found[name]["note"] == f"sensorium train {name}"
    assert found["titles"]["note"] == "sensorium titles write"
    assert found["view"]["note"] == "sensorium cluster --by ASPECT"
    assert "sensorium train ranker" in sensorium("models", "-w", made).stdout


def kept_ranker(library: Library, space: str) -> str:
    """Keep a ranker that has learnt nothing yet; gives its fingerprint."""
    shelf = open_shelf(library)
    config = RankerConfig(num_ids=len(shelf), content_width=shelf.vectors.shape[1], width=8)
    ranker = SequenceRecommender(
        network=SequenceNetwork(config).eval(),
        item_ids=shelf.item_ids,
        rows=ItemRows(id_rows=np.arange(len(shelf)), content=shelf.vectors),
        weights=np.ones(1, np.float32),
        space=space,
    )
    return head_of(keep(library.workspace, RANKER, ranker))["fingerprint"]


def test_a_ranker_is_told_with_what_it_was_learnt_from_and_reached(made: Path) -> None:
    library = Library(made, CONFIG, create=False)
    assert library.workspace.active is not None
    fingerprint = kept_ranker(library, content_space(library.workspace.active))
    row = told(made)["ranker"]
    assert (row["state"], row["generation"], row["items"]) == ("on", "g1", 40)
    assert (row["fingerprint"], row["users"], row["measured"]) == (fingerprint, 0, [])

    reached = Measured(figure="ndcg@10", value=0.3, beside={"popular": 0.2}, gap=(0.01, 0.19))
    record = TrainingRecord(
        fingerprint=fingerprint, events=500, users=80, items=40, measured=(reached,)
    )
    remember_training(library.workspace, RANKER, record)
    row = told(made)["ranker"]
    assert (row["users"], row["events"], row["trained_at"]) == (80, 500, record.trained_at)
    [measured] = row["measured"]
    assert (measured["figure"], measured["value"]) == ("ndcg@10", 0.3)
    assert measured["beside"] == {"popular": 0.2}
    shown = sensorium("models", "-w", made).stdout
    assert "held out: ndcg@10 0.3000 (popular 0.2000, +0.0100 to +0.1900 above the best)" in shown

    for other in ("feed.ranker=0", "feed.ranked_by=long_short"):
        assert told(made, "--set", other)["ranker"]["state"] == "off"
    kept_ranker(library, "of other vectors")
    row = told(made)["ranker"]
    assert (row["state"], row["generation"], row["measured"]) == ("aside", "", [])
    assert "sensorium train ranker" in row["note"]


def test_what_a_feed_fits_by_itself_is_told_once_it_is_there(made: Path) -> None:
    library = Library(made, CONFIG, create=False)
    open_recommender(library)
    row = told(made)["neighbours"]
    assert (row["state"], row["items"]) == ("on", 40)
    assert row["events"] == len(list(library.workspace.event_log.since(0)))
    assert len(row["fingerprint"]) == 16


def test_a_record_speaks_of_its_own_numbers_only(made: Path) -> None:
    workspace = Library(made, CONFIG, create=False).workspace
    record = TrainingRecord(
        fingerprint="abc",
        items=3,
        measured=(Measured(figure="auc", value=0.7, beside={"popular": 0.6}, gap=(0.0, 0.2)),),
    )
    remember_training(workspace, "other", record)
    assert recall_training(workspace, "other", "abc") == record
    assert recall_training(workspace, "other", "abd") is None
    assert recall_training(workspace, "another", "abc") is None


def test_without_a_workspace_the_bundled_weights_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = rows(sensorium("models", "--json"))
    assert found
    assert all("licence" in row for row in found)
    sensorium("models", "-w", tmp_path / "none", code=1)
    (tmp_path / "not.safetensors").write_text("no numbers")
    with pytest.raises(FittedError):
        head_of(tmp_path / "not.safetensors")


def test_learnt_maps_wait_for_an_index_run(made: Path, weights: Callable[[str], Path]) -> None:
    weights("minilm-l6")
    [learnt] = rows(sensorium("train", "alignment", "-w", made, "--json"))
    [tower] = learnt["rows"]
    row = told(made)["alignment"]
    assert (row["state"], row["items"]) == ("waiting", tower["pairs"])
    assert "index PATH --reembed" in row["note"]
    [measured] = row["measured"]
    assert measured["figure"] == "recall@10 of titles by frames"
    assert (measured["value"], measured["beside"]) == (
        tower["after"],
        {"shipped map": tower["before"]},
    )


def test_signals_are_on_once_they_are_named_and_weighed(made: Path) -> None:
    library = Library(made, CONFIG, create=False)
    file = FittedFile(kind="intent", config={}, item_ids=("000",), arrays={"weight": np.ones(1)})
    path = learnt_folder(library.workspace, INTENT) / "intent.safetensors"
    file.write(path)
    library.workspace.learn(INTENT, path)
    named = ("--set", "feed.signals=intent")
    assert told(made)["intent"]["state"] == "off"
    assert told(made, *named)["intent"]["state"] == "waiting"
    for weight, state in ((0.0, "off"), (0.25, "on")):
        library.workspace.manifest.remember(WEIGHTS, {INTENT: weight})
        assert told(made, *named)["intent"]["state"] == state
    path.write_bytes(b"damaged")
    assert told(made)["intent"]["state"] == "aside"


def test_titles_are_counted_and_shown_where_settings_say_so(made: Path) -> None:
    store = TitleStore(Library(made, CONFIG, create=False).workspace.engine)
    title = {"item_id": "000", "grouping": "g", "group_id": 1, "text": "Words", "outcome": WRITTEN}
    rest = {"invented": "[]", "score": 1.0, "writer": "w", "facts": "f", "brief": "b"}
    with store.engine.begin() as connection:
        connection.execute(insert(titles_table), [{**title, **rest}])
    off = told(made)["titles"]
    assert (off["state"], off["note"].split(";")[0]) == ("off", "1 written")
    assert told(made, "--set", "titles.shown=written")["titles"]["state"] == "on"
