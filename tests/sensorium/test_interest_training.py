"""Learning interests from the command line: kept, opened, evaluated, refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sensorium.library import Library
from sensorium.ranker_store import content_of, open_interests
from support.cli import rows, sensorium
from support.library import CONFIG, copy_fused
from support.walks import log_walks, walked, write_walks

QUICK = (
    "--set", "interests.epochs=8", "--set", "interests.warm_epochs=4",
    "--set", "interests.width=16", "--set", "interests.length=4", "--set", "interests.sizes=5",
    "--set", "interests.learning_rate=0.02", "--set", "interests.num_layers=1",
    "--set", "interests.batch_size=32", "--set", "interests.num_drawn=32",
    "--set", "interests.num_interests=2",
)  # fmt: skip


@pytest.fixture(autouse=True)
def short_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    import ranking.baselines

    for name in ("NEIGHBOURS", "REGRESSIONS"):
        monkeypatch.setattr(ranking.baselines, name, getattr(ranking.baselines, name)[-2:])


def test_interests_are_learnt_kept_and_opened_for_their_vectors_alone(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy_fused(tmp_path_factory, tmp_path, 40, 5)
    library = Library(tmp_path, CONFIG, create=False)
    log_walks(library.workspace.event_log, walked())
    [learnt] = rows(sensorium("train", "interests", "-w", tmp_path, *QUICK, "--json"))
    assert (learnt["model"], learnt["known_by"]) == ("interests", "ids and content")
    found = {row["model"]: row["figures"]["hit@10"] for row in learnt["rows"]}
    assert found["interests"] > 2 * found["popular"]
    assert learnt["kept"] == (learnt["gap"][1] >= 0)

    path = tmp_path / "interests" / "interests.safetensors"
    assert path.exists() == learnt["kept"]
    generation, mirror, _ = library.serving()
    known = content_of(generation, mirror)
    opened, note = open_interests(library.workspace, generation, known.item_ids, known.vectors)
    assert (opened is not None) == learnt["kept"]
    if opened is None:
        assert "no interests learnt yet" in note
        return
    assert opened.vectors.shape == (40, 16)
    other = replace(generation, made_by={**generation.made_by, "text": "another"})
    opened, note = open_interests(library.workspace, other, known.item_ids, known.vectors)
    assert opened is None
    assert "came from other item vectors" in note


def test_interests_stand_beside_the_baselines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_walks(Path("events.csv"), walked())
    words = ("--events", "events.csv", "--models", "interests", "--json", *QUICK)
    found = rows(sensorium("evaluate", *words))
    assert found[-1]["model"] == "interests"
    assert found[-1]["figures"]["hit@10"] > found[0]["figures"]["hit@10"]
    assert set(found[-1]["gaps"]) == {"hit@10", "ndcg@10"}
    refused = sensorium("train", "interests", "--kind", "many", code=1)
    assert "one, attention, interests" in refused.stderr
