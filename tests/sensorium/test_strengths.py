"""Strengths of a library's pages: learnt from its log, and used where settings let them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from ingest.event import EPOCH, MICROSECOND
from ranking.feed_config import FeedConfig
from ranking.intent_config import DAY_US
from sensorium.feed import open_recommender
from sensorium.learnt_parts import learnt_parts
from sensorium.library import Library
from sensorium.strengths import in_force, learn_strengths, recall_strengths
from sensorium.training import TrainingError
from support.cli import rows, sensorium
from support.library import CONFIG, copy_fused, library_of_vectors

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of four groups, and people in its log each of whom likes items of one."""
    folder, draw = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    copy_fused(tmp_path_factory, folder, 40, 4)
    liked = {user: user % 4 + 4 * draw.permutation(10)[:5] for user in range(40)}
    sensorium("events", "import", write_likes(folder / "likes.csv", liked), "-w", folder)
    return folder


def write_likes(path: Path, liked: Mapping[int, Sequence[int] | NDArray[np.int64]]) -> Path:
    """What users like, in order, a second apart, and each user on a day of their own."""
    lines = ["user_id,item_id,event_type,timestamp"]
    for user, items in liked.items():
        for step, item in enumerate(items):
            when = EPOCH + (user * DAY_US + step * 1_000_000) * MICROSECOND
            lines.append(f"u{user},{item:03},like,{when.isoformat()}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_strengths_are_learnt_and_used(made: Path) -> None:
    [learnt] = rows(sensorium("train", "strengths", "-w", made, "--json"))
    assert learnt["asked"] == 40
    assert learnt["questions"] <= 40
    assert learnt["judged"] == 20
    assert set(learnt["before"]) == {"ranker", "interest", "similar", "popular", "neighbours"}
    assert min(learnt["after"].values()) >= 0
    assert "interest" not in learnt["after"], "there is no view"
    low, high = learnt["measured"]["gap"]
    assert low <= high
    assert learnt["kept"]

    library = Library(made, CONFIG, create=False)
    used = open_recommender(library).feed.config
    assert used.ranker == pytest.approx(learnt["after"]["ranker"])
    assert used != library.config.feed
    [part] = [one for one in learnt_parts(library.workspace, CONFIG) if one.part == "strengths"]
    assert (part.state, part.users) == ("on", 40)
    assert part.note.startswith("beside the blend: ranker ")
    as_set = replace(CONFIG, feed=FeedConfig(strengths="set"))
    assert open_recommender(Library(made, as_set, create=False)).feed.config == as_set.feed


def test_strengths_stand_aside_for_another_kind_of_ranker(made: Path) -> None:
    sensorium("train", "strengths", "-w", made)
    workspace = Library(made, CONFIG, create=False).workspace
    learnt = recall_strengths(workspace)
    assert learnt is not None
    assert learnt.beside == "blend"
    config = FeedConfig()
    assert in_force(workspace, config, "blend 0.2 30 0.0001") != config
    assert in_force(workspace, config, "sequence model 12ab") == config


def test_what_is_asked_for_is_known_to_no_source(tmp_path: Path) -> None:
    """Each liked two items that nobody else did: who knew the second would find it by the first."""
    library = library_of_vectors(tmp_path / "w", 120, 1)
    library.fuse_anew(QUIET, quiet=True)
    pairs = {user: (90 + user % 5, user, 30 + user) for user in range(30)}
    sensorium("events", "import", write_likes(tmp_path / "p.csv", pairs), "-w", tmp_path / "w")
    outcome = learn_strengths(library, QUIET, quiet=True)
    assert outcome.asked == 30
    assert max(outcome.measured.value, *outcome.measured.beside.values()) < 0.3


def test_too_little_is_refused(tmp_path: Path) -> None:
    library = library_of_vectors(tmp_path / "w", 8, 2)
    library.fuse_anew(QUIET, quiet=True)
    with pytest.raises(TrainingError, match="20 are needed"):
        learn_strengths(library, QUIET, quiet=True)
