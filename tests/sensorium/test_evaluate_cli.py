"""``sensorium evaluate``: on a file, on the workspace's events, by every protocol, and refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.cli import rows, sensorium
from support.histories import walks

MODELS = ["popular", "popular lately", "item neighbours", "item regression"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with the events of a planted world."""
    monkeypatch.chdir(tmp_path)
    world = walks(users=120, rings=3)
    lines = ["user_id,item_id,event_type,timestamp"]
    for user, user_id in enumerate(world.users):
        history = world.history(user)
        for item, moment in zip(history.items, history.times_us, strict=True):
            when = datetime(2025, 3, 1, tzinfo=UTC) + timedelta(microseconds=int(moment))
            lines.append(f"{user_id},{world.item_ids[item]},like,{when.isoformat()}")
    (tmp_path / "events.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture(autouse=True)
def short_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer settings to choose among; which are chosen is asked elsewhere."""
    import ranking.baselines

    for name in ("NEIGHBOURS", "REGRESSIONS"):
        monkeypatch.setattr(ranking.baselines, name, getattr(ranking.baselines, name)[-2:])


def test_a_file_and_the_imported_events_give_the_same_figures(folder: Path) -> None:
    of_file = rows(sensorium("evaluate", "--events", "events.csv", "--json"))
    sensorium("events", "import", "events.csv", "-q")
    of_log = rows(sensorium("evaluate", "--json"))
    assert [row["model"] for row in of_file] == MODELS
    for one, other in zip(of_file, of_log, strict=True):
        assert (one["figures"], one["cases"]) == (other["figures"], other["cases"])
    first = of_file[0]
    assert (first["users"], first["items"], first["protocol"]) == (120, 24, "leave-one-out")
    assert "all but the last two events" in first["seen"]
    assert of_file[2]["figures"]["hit@10"] > first["figures"]["hit@10"]


@pytest.mark.parametrize("protocol", ["time", "users"])
def test_each_protocol_and_seed_has_rows_of_its_own(folder: Path, protocol: str) -> None:
    words = ("--protocol", protocol, "--seed", "1", "--seed", "2", "--json")
    found = rows(sensorium("evaluate", "--events", "events.csv", *words))
    assert [(row["seed"], row["model"]) for row in found] == [
        (seed, model) for seed in (1, 2) for model in MODELS
    ]
    assert {row["protocol"] for row in found} == {protocol}
    same = [row["figures"] for row in found if row["model"] == "item neighbours"]
    assert (same[0] == same[1]) == (protocol == "time")


def test_a_table_names_models_settings_and_what_is_seen(folder: Path) -> None:
    told = sensorium("evaluate", "--events", "events.csv", "--seed", "0", "--seed", "1").stdout
    for words in (*MODELS, "models learn from all but", "ndcg@10", "±", "recency", "ranked"):
        assert words in told
    assert "recall@10" not in told


def test_a_bare_sequence_has_no_lately(folder: Path) -> None:
    (folder / "s.txt").write_text("".join(f"{n} {n % 3 + 1} 4 5 {n % 2 + 6}\n" for n in range(30)))
    words = ("--events", "s.txt", "--format", "sequences")
    told = sensorium("evaluate", *words).stdout
    assert "popular lately was left out" in told


def test_too_little_is_an_error_with_the_way_out(folder: Path) -> None:
    (folder / "few.csv").write_text("user_id,item_id,event_type,timestamp\nu,i,like,2025-03-01\n")
    refused = sensorium("evaluate", "--events", "few.csv", code=1)
    assert "leave nobody to ask" in refused.stderr
    assert "events.positives" in refused.stderr
    assert "--protocol" in sensorium("evaluate", "--protocol", "random", code=2).stderr
    assert "Traceback" not in sensorium("evaluate", "-w", "nowhere", code=1).stderr
    assert not (folder / "nowhere").exists()
