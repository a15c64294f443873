"""Learning a ranker from the command line: what it finds, resuming, keeping, leaving aside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from ingest.event import Event
from ingest.histories import History
from ranking.sequence_progress import Progress
from ranking.sequence_recommender import KIND
from retrieval.fitted import FittedFile
from sensorium import ranker_training
from sensorium.library import Library
from sensorium.ranker_store import (
    content_of,
    content_space,
    learnt_folder,
    open_ranker,
    with_items,
)
from support.cli import rows, sensorium
from support.deeds import turning, write_deeds
from support.histories import histories_of
from support.library import CONFIG, library_of_vectors
from support.walks import START, log_walks, walked, write_walks

SILENT = Console(quiet=True)
QUICK = (
    "--epochs", "10", "--width", "16", "--length", "4", "--set", "ranker.learning_rate=0.02",
    "--set", "ranker.drawn=all", "--set", "ranker.num_layers=1",
    "--set", "ranker.batch_size=32", "--json",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def short_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer settings of the baselines to choose among; which are chosen is asked elsewhere."""
    import ranking.baselines

    monkeypatch.setattr(ranking.baselines, "NEIGHBOURS", ranking.baselines.NEIGHBOURS[-2:])


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of 50 items in five groups, of which the last ten are in no event."""
    folder = tmp_path_factory.mktemp("made") / "w"
    library = library_of_vectors(folder, 50, 5)
    library.fuse_anew(SILENT, quiet=True)
    log_walks(library.workspace.event_log, walked())
    return folder


@pytest.fixture
def made(indexed: Path, tmp_path: Path) -> Path:
    """A copy of it, for a test of its own."""
    return Path(shutil.copytree(indexed, tmp_path / "w"))


def is_ranker(row: dict[str, Any]) -> bool:
    return row.get("part") == "ranker"


def test_a_ranker_is_learnt_judged_kept_and_opened(made: Path) -> None:
    [learnt] = rows(sensorium("train", "ranker", "-w", made, *QUICK))
    assert (learnt["users"], learnt["events"], learnt["items"]) == (80, 400, 50)
    assert (learnt["with_content"], learnt["known_by"]) == (50, "ids and content")
    assert (learnt["questions"], learnt["kept"]) == (80, True)
    assert [row["model"] for row in learnt["rows"]] == ["ranker", "popular", "item neighbours"]
    found = {row["model"]: row["figures"]["ndcg@10"] for row in learnt["rows"]}
    assert found["ranker"] > 0.5 > found["popular"]

    [told] = [row for row in rows(sensorium("models", "-w", made, "--json")) if is_ranker(row)]
    assert (told["state"], told["users"], told["events"], told["items"]) == ("on", 80, 400, 50)
    [measured] = told["measured"]
    assert (measured["figure"], measured["value"]) == ("ndcg@10", found.pop("ranker"))
    assert (measured["beside"], measured["gap"]) == (found, learnt["gap"])

    library = Library(made, CONFIG, create=False)
    generation, mirror, _ = library.serving()
    known = content_of(generation, mirror)
    ranker, note = open_ranker(library.workspace, generation, known.item_ids, known.vectors)
    assert ranker is not None
    assert note == ""
    number_of = {item_id: number for number, item_id in enumerate(known.item_ids)}
    liked = np.array([number_of["003"], number_of["008"]])
    history = History(items=liked, times_us=np.arange(2), asked_us=2)
    scores = ranker.score([history])[0]
    cold = {n: float(scores[number_of[f"{n:03}"]]) for n in range(40, 50)}
    assert {n % 5 for n in sorted(cold, key=cold.__getitem__)[-2:]} == {3}


def test_a_ranker_for_other_vectors_is_left_aside_with_a_note(made: Path) -> None:
    library = Library(made, CONFIG, create=False)
    generation, mirror, _ = library.serving()
    known = content_of(generation, mirror)
    asked = (library.workspace, generation, known.item_ids, known.vectors)
    assert "no ranker learnt yet" in open_ranker(*asked)[1]
    sensorium("train", "ranker", "-w", made, *QUICK)
    assert open_ranker(*asked)[0] is not None
    fused = replace(generation, made_by={**generation.made_by, "fusion": "gated/1"})
    assert content_space(fused) != content_space(generation)
    ranker, note = open_ranker(library.workspace, fused, *asked[2:])
    assert ranker is None
    assert "came from other item vectors" in note
    (learnt_folder(library.workspace, "ranker") / "ranker.safetensors").write_bytes(b"damaged")
    ranker, note = open_ranker(*asked)
    assert ranker is None
    assert "left aside" in note


def test_a_killed_run_goes_on_to_the_same_ranker(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = shutil.copytree(made, tmp_path / "other")
    words_of = ranker_training.words_of

    def killed(progress: Progress) -> str:
        if progress.epoch == 3:
            raise KeyboardInterrupt
        return words_of(progress)

    with monkeypatch.context() as patch:
        patch.setattr(ranker_training, "words_of", killed)
        sensorium("train", "ranker", "-w", made, *QUICK, code=130)
    rounds: list[int] = []

    def counted(progress: Progress) -> str:
        rounds.append(progress.epoch)
        return words_of(progress)

    monkeypatch.setattr(ranker_training, "words_of", counted)
    [resumed] = rows(sensorium("train", "ranker", "-w", made, *QUICK))
    assert rounds == list(range(3, 11))
    [whole] = rows(sensorium("train", "ranker", "-w", other, *QUICK))
    assert resumed["rows"] == whole["rows"]
    files = [folder / "ranker" / "ranker.safetensors" for folder in (made, other)]
    one, same = (FittedFile.read(file, KIND).fingerprint for file in files)
    assert one == same


def test_a_file_about_other_items_is_learnt_by_ids(made: Path, tmp_path: Path) -> None:
    renamed = [(user, f"x{item}", when) for user, item, when in walked()]
    file = write_walks(tmp_path / "events.csv", renamed)
    words = ("train", "ranker", "-w", made, "--events", file, *QUICK)
    [learnt] = rows(sensorium(*words))
    assert (learnt["known_by"], learnt["with_content"], learnt["items"]) == ("ids", 0, 40)
    refused = sensorium(*words, "--set", "ranker.knows=content", code=1)
    assert "no item of the events is in this library" in refused.stderr


@pytest.mark.parametrize(
    ("rate", "said"), [("1e-9", "no round found more"), ("3e-4", "is clearly better")]
)
def test_what_a_baseline_clearly_beats_is_not_kept(made: Path, rate: str, said: str) -> None:
    words = (*QUICK[:-1], "--set", f"ranker.learning_rate={rate}")
    told = sensorium("train", "ranker", "-w", made, *words).stdout
    for part in ("not kept", said, "80 users", "item neighbours", "ndcg@10"):
        assert part in told
    assert Library(made, CONFIG, create=False).workspace.learnt("ranker", newest=True) is None


def test_too_few_events_are_refused_with_the_way_out(made: Path, tmp_path: Path) -> None:
    file = write_walks(tmp_path / "events.csv", walked(users=5))
    refused = sensorium("train", "ranker", "-w", made, "--events", file, code=1)
    assert "5 users with three likings or more" in refused.stderr
    assert "events import" in refused.stderr
    wrong = sensorium("train", "ranker", "-w", made, "--blocks", "round", code=1)
    assert "plain, gated, pointwise" in wrong.stderr


def test_a_wider_catalogue_keeps_every_event() -> None:
    histories = histories_of("bd", "db")
    wider = with_items(histories, ["a", "d", "e"])
    assert wider.item_ids == ("a", "b", "d", "e")
    assert [wider.item_ids[n] for n in wider.items] == ["b", "d", "d", "b"]
    assert with_items(histories, ["b"]) is histories


ACTS = (
    "--epochs", "15", "--width", "16", "--length", "10", "--set", "ranker.learning_rate=0.02",
    "--set", "ranker.drawn=all", "--set", "ranker.num_layers=1",
    "--set", "ranker.batch_size=32", "--json",
)  # fmt: skip


def test_every_kind_of_event_is_learnt_and_judged_on_the_same_questions(
    made: Path, tmp_path: Path
) -> None:
    file = write_deeds(tmp_path / "deeds.csv", turning())
    words = ("train", "ranker", "-w", made, "--events", file, *ACTS)
    [every] = rows(sensorium(*words))
    [likes] = rows(sensorium(*words, "--set", "ranker.actions=likes"))
    assert every["acts"] == {"like": 1192, "skip": 619}
    assert likes["acts"] == {}
    assert (every["events"], every["questions"]) == (1192, 236)
    found = [
        {row["model"]: row["figures"]["ndcg@10"] for row in one["rows"]} for one in (every, likes)
    ]
    assert found[0]["ranker"] > found[1]["ranker"] + 0.05


@pytest.mark.slow
def test_which_events_to_learn_from_is_chosen_by_what_they_reach(
    made: Path, tmp_path: Path
) -> None:
    file = write_deeds(tmp_path / "deeds.csv", turning())
    words = ("train", "ranker", "-w", made, "--events", file, *ACTS)
    [every] = rows(sensorium(*words))
    swept = ("--sweep", "actions=likes,all")
    [chosen] = rows(sensorium(*words, *swept))
    assert chosen["settings"]["actions"] == "all"
    assert chosen["tried"][0]["reached"] > chosen["tried"][1]["reached"] + 0.05
    assert chosen["rows"][1:] == every["rows"][1:]
    told = sensorium(*words[:-1]).stdout
    assert "learnt from: like 1,192, skip 619" in told


def test_what_actions_are_worth_changes_the_feed_and_needs_no_learning(made: Path) -> None:
    library = Library(made, CONFIG, create=False)
    library.workspace.event_log.append(skipped())
    [learnt] = rows(sensorium("train", "ranker", "-w", made, *ACTS))
    assert set(learnt["acts"]) == {"like", "skip"}
    words = ("recommend", "new", "-n", "20", "-w", made, "--explain", "--json")
    told = rows(sensorium(*words))[:-1]
    assert all(sum(row["chances"].values()) == pytest.approx(1, abs=1e-4) for row in told)
    dear = rows(sensorium(*words, "--set", "events.weights=skip:-200"))[:-1]
    parts = [{row["item_id"]: row["parts"]["ranker"] for row in page} for page in (told, dear)]
    both = parts[0].keys() & parts[1].keys()
    assert any(abs(parts[0][item] - parts[1][item]) > 0.1 for item in both)
    assert "expected" in sensorium(*words[:-1]).stdout
    assert "chances" not in rows(sensorium(*words[:-2], "--json"))[0]


def skipped() -> list[Event]:
    """Skips among the walks, of items of the next group, and somebody new who liked one item."""
    made = [
        Event(
            user_id=user,
            item_id=f"{(int(item) + 1) % 40:03}",
            event_type="skip",
            occurred_at=when + timedelta(minutes=1),
        )
        for user, item, when in walked()
    ]
    new = Event(user_id="new", item_id="003", event_type="like", occurred_at=START)
    return [*made, new]
