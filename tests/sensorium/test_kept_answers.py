"""Kept answers: claimed once, bounded, and gone with the person they speak of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from ingest.database import open_database
from sensorium.kept_answers import CLAIM_SECONDS, KEPT_SECONDS, Kept, KeptAnswers, answers_table
from support.postgres import postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
        yield engine
        engine.dispose()
        return
    with postgres_server() as url:
        engine = open_database(url)
        yield engine
        engine.dispose()


def age(engine: Engine, seconds: float) -> None:
    """Let everything have happened so much earlier."""
    column = answers_table.c.claimed_us
    with engine.begin() as connection:
        connection.execute(
            update(answers_table).values(claimed_us=column - int(seconds * 1_000_000))
        )


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(answers_table)) or 0)


def test_a_key_is_claimed_once_and_then_tells_its_answer(engine: Engine) -> None:
    answers = KeptAnswers(engine)
    assert answers.claim("r", "k", "d") is None
    assert answers.claim("r", "k", "d") == Kept(digest="d", answer=None)
    assert answers.claim("other", "k", "d") is None
    answers.keep("r", "k", "{}")
    assert answers.claim("r", "k", "e") == Kept(digest="d", answer="{}")
    answers.release("r", "k")
    assert answers.claim("r", "k", "d") == Kept(digest="d", answer="{}")
    answers.release("other", "k")
    assert answers.claim("other", "k", "e") is None

    # A claim whose holder died lapses; an answer does not, until it is old.
    age(engine, CLAIM_SECONDS + 1)
    assert answers.claim("other", "k", "f") is None
    assert answers.claim("r", "k", "f") == Kept(digest="d", answer="{}")
    age(engine, KEPT_SECONDS)
    assert answers.claim("r", "k", "f") is None

    answers.keep("r", "k", '{"by": "Zo\\u00eb 100%"}')
    assert answers.erase("Zoë") == 1
    assert answers.erase("%") == 0
    assert answers.claim("r", "of zoë", "f") is None
    assert answers.erase("zoë") == 1


def test_only_the_latest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensorium.kept_answers.MOST_ANSWERS", 5)
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    answers = KeptAnswers(engine)
    for number in range(12):
        assert answers.claim("r", f"k{number}", "d") is None
        answers.keep("r", f"k{number}", "{}")
    assert count(engine) == 5
    assert answers.claim("r", "k11", "d") is not None
    engine.dispose()
