"""Settings chosen on held-out events: read, tried, chosen, told; in this process and on Ray."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensorium.library import Library
from sensorium.options import UsageError
from sensorium.ranker_sweep import grid_of
from support.cli import rows, sensorium
from support.library import CONFIG
from support.walks import log_walks, walked

QUICK = (
    "--epochs", "6", "--width", "16", "--length", "4", "--set", "ranker.learning_rate=0.02",
    "--set", "ranker.drawn=all", "--set", "ranker.num_layers=1", "--set", "ranker.batch_size=32",
)  # fmt: skip
SWEEP = ("--sweep", "learning_rate=0.000001,0.02")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with events and no items."""
    import ranking.baselines

    monkeypatch.setattr(ranking.baselines, "NEIGHBOURS", ranking.baselines.NEIGHBOURS[-1:])
    log_walks(Library(tmp_path, CONFIG, create=True).workspace.event_log, walked())
    return tmp_path


def test_a_grid_is_every_combination() -> None:
    assert grid_of("width=64,128 time=none") == [
        {"width": "64", "time": "none"},
        {"width": "128", "time": "none"},
    ]
    for wrong in ("width", "width=", "=3"):
        with pytest.raises(UsageError, match="nothing to try"):
            grid_of(wrong)


def test_the_settings_that_find_more_are_taken(made: Path) -> None:
    words = ("train", "ranker", "-w", made, *QUICK, *SWEEP)
    [learnt] = rows(sensorium(*words, "--json"))
    assert learnt["settings"]["learning_rate"] == 0.02
    tried = learnt["tried"]
    assert [row["settings"]["learning_rate"] for row in tried] == [0.02, 0.000001]
    assert tried[0]["reached"] > tried[1]["reached"]
    assert "learning_rate 0.02: ndcg@10" in sensorium(*words).stdout


def test_wrong_wishes_are_refused(made: Path) -> None:
    words = ("train", "ranker", "-w", made, *QUICK)
    assert "add --ray here" in sensorium(*words, "--workers", "2", code=2).stderr
    assert "unknown setting" in sensorium(*words, "--sweep", "depth=3", code=1).stderr
    refused = sensorium(*words, "--sweep", "knows=ids,content", code=1)
    assert "leave knows=content out" in refused.stderr


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_ray_finds_the_same(made: Path) -> None:
    words = ("train", "ranker", "-w", made, *QUICK, "--set", "ranker.dropped_ratio=0", "--json")
    [here] = rows(sensorium(*words, *SWEEP))
    [there] = rows(sensorium(*words, *SWEEP, "--ray", "here"))
    assert there["tried"] == here["tried"]
    assert there["rows"] == here["rows"]
    (made / "ranker" / "checkpoint.safetensors").unlink()
    [together] = rows(sensorium(*words, *SWEEP, "--ray", "here", "--workers", "2"))
    both = [one["rows"][0]["figures"]["ndcg@10"] for one in (here, together)]
    assert both[0] == pytest.approx(both[1], abs=0.02)
