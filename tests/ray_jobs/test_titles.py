"""The batch job: titles are kept as they come, a killed run goes on, failures are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ingest.database import open_database
from ranking.language_model import LanguageModelError
from ranking.title_facts import Facts
from ranking.title_store import TitleStore
from ranking.titles import Audience, Brief, Draft
from ray_jobs import local
from ray_jobs.stage import Outcome, StageError
from ray_jobs.titles import KEPT_AT_ONCE, Runner, title_stage, write_titles


class Quoter:
    """Quotes the first words of the text; refuses, invents or breaks where the text says so."""

    name = "quoter"

    def write(self, briefs: Sequence[Brief]) -> list[Draft]:
        """Write."""
        return [self._draft(brief) for brief in briefs]

    def _draft(self, brief: Brief) -> Draft:
        [text] = brief.facts.texts
        if "unreachable" in text:
            raise LanguageModelError("it does not answer", "try again later")
        if "breaks" in text:
            raise RuntimeError("broken")
        if "mute" in text:
            return Draft(text="", read=len(text))
        said = " ".join(text.split()[:3])
        return Draft(text=f"{said} dragon" if "dream" in text else said, read=len(text))


def briefs(texts: Iterable[str]) -> list[Brief]:
    audience = Audience(
        grouping="g", group_id=7, name="all", words=(), towards=np.zeros(2, np.float32)
    )
    return [
        Brief(facts=Facts(item_id=f"{n:03}", title="", texts=(text,)), audience=audience)
        for n, text in enumerate(texts)
    ]


def here(batch_size: int = 4) -> Runner:
    return partial(local.run, [title_stage(Quoter, batch_size=batch_size)])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TitleStore]:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield TitleStore(engine)
    engine.dispose()


def test_what_came_of_every_brief_is_counted_and_kept(store: TitleStore) -> None:
    texts = ["a red boat", "we dream of fish", "mute", "this breaks", "we dream on", "a green boat"]
    report = write_titles(store, "quoter", briefs(texts), here())
    assert (report.written, report.rejected, report.nothing, report.failed) == (2, 2, 1, 1)
    assert report.invented == (("dragon", 2),)
    assert report.read == sum(len(text) for text in texts if "breaks" not in text)
    assert report.wrote > 0
    assert store.texts("g", 7, [f"{n:03}" for n in range(9)]) == {
        "000": "a red boat",
        "005": "a green boat",
    }
    assert len(store.known("g")) == 5


def test_an_empty_run_costs_nothing(store: TitleStore) -> None:
    report = write_titles(store, "quoter", [], here())
    assert (report.written, report.read, report.failed) == (0, 0, 0)


def test_a_writer_that_does_not_answer_ends_the_run_and_what_was_written_stays(
    store: TitleStore,
) -> None:
    every = briefs([f"boat number {n} sails" for n in range(KEPT_AT_ONCE + 8)])
    every += briefs(["unreachable"] * (KEPT_AT_ONCE + 9))[-1:]
    with pytest.raises(StageError, match="does not answer"):
        write_titles(store, "quoter", every, here(batch_size=1))
    assert len(store.known("g")) >= KEPT_AT_ONCE


def test_a_killed_run_goes_on_where_it_stood(store: TitleStore) -> None:
    every = briefs([f"boat number {n} sails" for n in range(2 * KEPT_AT_ONCE + 10)])

    def killed(tasks: Iterable[tuple[str, Brief]]) -> Iterator[Outcome]:
        for number, outcome in enumerate(here()(tasks)):
            if number == KEPT_AT_ONCE + 5:
                raise KeyboardInterrupt
            yield outcome

    with pytest.raises(KeyboardInterrupt):
        write_titles(store, "quoter", every, killed)
    known = store.known("g")
    assert len(known) == KEPT_AT_ONCE + 5
    left = [one for one in every if known.get(one.key) != ("quoter", one.digest)]
    report = write_titles(store, "quoter", left, here())
    assert report.written == len(every) - len(known)
    assert len(store.texts("g", 7, [one.facts.item_id for one in every])) == len(every)
