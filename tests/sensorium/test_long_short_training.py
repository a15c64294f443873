"""Learning long- and short-term taste from the command line: kept, opened, ranking, evaluated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.histories import gather_histories
from ranking.held_out import hold_out
from ranking.long_short_fit import fit_long_short
from ranking.long_short_settings import LongShortSettings
from ranking.ranker_fit import Content
from ranking.sequences import Sequences
from sensorium.feed import FeedRequest, open_recommender
from sensorium.library import Library
from sensorium.long_short_training import open_long_short
from sensorium.ranker_store import LONG_SHORT, content_of, keep
from support.cli import rows, sensorium
from support.library import CONFIG, copy_fused
from support.walks import log_walks, walked, write_walks

QUICK = (
    "--set", "long_short.epochs=8", "--set", "long_short.width=16",
    "--set", "long_short.learning_rate=0.01", "--set", "long_short.batch_size=16",
)  # fmt: skip


@pytest.fixture(autouse=True)
def short_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    import ranking.baselines

    for name in ("NEIGHBOURS", "REGRESSIONS"):
        monkeypatch.setattr(ranking.baselines, name, getattr(ranking.baselines, name)[-2:])


def test_what_is_learnt_is_kept_and_ranks_where_a_setting_says_so(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy_fused(tmp_path_factory, tmp_path, 40, 5)
    config = replace(CONFIG, feed=replace(CONFIG.feed, ranked_by="long_short"))
    library = Library(tmp_path, config, create=False)
    log_walks(library.workspace.event_log, walked())
    request = FeedRequest(user_id="u003")
    note = "no long_short learnt yet"
    assert any(note in said for said in open_recommender(library).page(request).notes)

    [learnt] = rows(sensorium("train", "long_short", "-w", tmp_path, *QUICK, "--json"))
    assert (learnt["model"], learnt["known_by"]) == ("long_short", "ids and content")
    found = {row["model"]: row["figures"]["hit@10"] for row in learnt["rows"]}
    assert found["long_short"] > 2 * found["popular"]
    path = tmp_path / "long_short" / "long_short.safetensors"
    assert path.exists() == learnt["kept"] == (learnt["gap"][1] >= 0)

    generation, mirror, _ = library.serving()
    known = content_of(generation, mirror)
    content = Content(vectors=known.vectors, space=known.space)
    liked = Sequences(histories=gather_histories((u, i, 0) for u, i, _ in walked()))
    model = fit_long_short(hold_out(liked, 0), LongShortSettings(epochs=1), content).recommender
    keep(library.workspace, LONG_SHORT, model)

    on = ("--set", "feed.ranked_by=long_short")
    for words, state in (((), "off"), (on, "on")):
        told = rows(sensorium("models", "-w", tmp_path, "--json", *words))
        assert [row["state"] for row in told if row.get("part") == "long_short"] == [state]
    recommender = open_recommender(library)
    assert recommender.feed.ranker.name.startswith("long and short")
    page = recommender.page(request)
    assert page.picks
    assert not any(note in said for said in page.notes)
    other = replace(generation, made_by={**generation.made_by, "text": "another"})
    opened, said = open_long_short(library.workspace, other, known.item_ids, known.vectors)
    assert opened is None
    assert "came from other item vectors" in said


def test_it_stands_beside_the_baselines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_walks(Path("events.csv"), walked())
    words = ("--events", "events.csv", "--models", "long_short", "--json", *QUICK)
    found = rows(sensorium("evaluate", *words))
    assert found[-1]["model"] == "long_short"
    assert found[-1]["figures"]["hit@10"] > found[0]["figures"]["hit@10"]
    refused = sensorium("train", "long_short", "--reader", "rnn", code=1)
    assert "gru, lstm, attention" in refused.stderr
