"""``sensorium evaluate --models``: learnt beside the baselines, by ids and by the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ranking import sequence_training
from ranking.ranker_fit import Content
from ranking.splits import SplitConfig, split
from sensorium.evaluate_learnt import judging_vectors, learners
from sensorium.library import Library
from support.cli import rows, sensorium
from support.deeds import turning, write_deeds
from support.histories import walks
from support.library import CONFIG, copy_fused
from support.walks import log_walks, walked, write_walks

QUICK = (
    "--set", "ranker.epochs=4", "--set", "ranker.width=16", "--set", "ranker.length=4",
    "--set", "ranker.learning_rate=0.02", "--set", "ranker.drawn=all",
    "--set", "ranker.num_layers=1", "--set", "ranker.batch_size=32",
)  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Few settings of the baselines, an empty current folder."""
    import ranking.baselines

    for name in ("NEIGHBOURS", "REGRESSIONS"):
        monkeypatch.setattr(ranking.baselines, name, getattr(ranking.baselines, name)[-2:])
    monkeypatch.chdir(tmp_path)


def test_a_learnt_model_stands_beside_the_baselines_seed_by_seed() -> None:
    write_walks(Path("events.csv"), walked(users=100))
    words = ("--events", "events.csv", "--models", "ranker", "--seed", "0", "--seed", "1", *QUICK)
    found = rows(sensorium("evaluate", *words, "--json"))
    learnt = [row for row in found if row["model"] == "ranker"]
    assert [row["seed"] for row in learnt] == [0, 1]
    assert learnt[0]["figures"] != learnt[1]["figures"]
    best = {row["model"]: row["figures"]["ndcg@10"] for row in found if row["seed"] == 0}
    learnt_ndcg = best.pop("ranker")
    assert learnt[0]["baseline"] == max(best, key=best.__getitem__)
    low, high = learnt[0]["gaps"]["ndcg@10"]
    assert low <= learnt_ndcg - max(best.values()) <= high
    assert learnt[0]["settings"]["seed"] == 0
    assert "diversity@10" not in learnt[0]["figures"]
    told = sensorium("evaluate", *words).stdout
    for part in (f"ranker above {learnt[0]['baseline']} (seed 1)", "block gated", "coverage@10"):
        assert part in told


def test_the_library_s_vectors_are_content_and_judge_diversity(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    library = Library(copy_fused(tmp_path_factory, Path("w"), 40, 5), CONFIG, create=False)
    log_walks(library.workspace.event_log, walked())
    words = ("evaluate", "-w", "w", "--models", "ranker", "--json", *QUICK)
    found = rows(sensorium(*words, "--set", "ranker.knows=content"))
    assert all(0 < row["figures"]["diversity@10"] < 2 for row in found)
    assert found[-1]["model"] == "ranker"
    assert found[-1]["figures"]["ndcg@10"] > found[0]["figures"]["ndcg@10"]


def test_nothing_is_learnt_from_what_the_test_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = split(walks(60, 3), SplitConfig())
    lengths = splits.test.fit.lengths
    learn = sequence_training.train_ranker

    def checked(data: sequence_training.SequenceData, *rest: object) -> object:
        assert (data.sequences.histories.lengths <= lengths).all()
        assert (data.validation.histories.lengths <= lengths).all()
        return learn(data, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("ranking.ranker_fit.train_ranker", checked)
    told: list[str] = []
    [contender] = learners(("ranker",), CONFIG, None)(0, told.append)
    monkeypatch.setattr(sequence_training, "_ended", lambda progress, _config: progress.epoch >= 2)
    scorer = contender.fit(splits.test.fit, contender.grid[0], None)
    assert len(told) == 3
    assert scorer.score([splits.test.cases[0].history]).shape == (1, splits.test.fit.num_items)


def test_wishes_that_cannot_be_met_are_refused() -> None:
    write_walks(Path("events.csv"), walked(users=40))
    refused = sensorium("evaluate", "--events", "events.csv", "--models", "magic", code=2)
    assert "no such model" in refused.stderr
    words = ("--events", "events.csv", "--models", "ranker", "--set", "ranker.knows=content")
    assert "in this library" in sensorium("evaluate", *words, code=1).stderr
    vectors = np.eye(10, dtype=np.float32)
    assert judging_vectors(Content(vectors=vectors)) is vectors
    assert judging_vectors(Content(vectors=vectors * (np.arange(10) > 3)[:, None])) is None


ACTS = (
    "--models", "ranker", "--json", "--set", "ranker.epochs=15", "--set", "ranker.width=16",
    "--set", "ranker.length=10", "--set", "ranker.learning_rate=0.02", "--set", "ranker.drawn=all",
    "--set", "ranker.num_layers=1", "--set", "ranker.batch_size=32",
)  # fmt: skip


def test_all_that_people_did_is_learnt_from_and_likings_are_asked_for() -> None:
    write_deeds(Path("deeds.csv"), turning())
    words = ("evaluate", "--events", "deeds.csv")
    alone = rows(sensorium(*words, "--json"))
    every = rows(sensorium(*words, *ACTS))
    likes = rows(sensorium(*words, *ACTS, "--set", "ranker.actions=likes"))
    for found in (every, likes):
        for row, same in zip(found, alone, strict=False):
            assert (row["model"], row["figures"]) == (same["model"], same["figures"])
        assert found[-1]["cases"] == alone[0]["cases"]
    ndcg = [found[-1]["figures"]["ndcg@10"] for found in (every, likes)]
    assert ndcg[0] > ndcg[1] + 0.05
    assert every[-1]["gaps"]["ndcg@10"][0] > 0
