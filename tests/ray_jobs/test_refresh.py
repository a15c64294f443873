"""Refreshing profiles: what is due, what is written once, what a run costs, who stays away."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingest.database import open_database
from ranking.language_model import LanguageModelError
from ranking.profile_store import ProfileStore
from ranking.profile_writers import ModelSummariser, TemplateSummariser, template_text
from ranking.profiles import Choice, ProfileSettings, Summariser, tellings_of
from ray_jobs import local
from ray_jobs.refresh import (
    Refreshing,
    RefreshReport,
    Task,
    refresh_profiles,
    vector_stage,
    write_stage,
)
from ray_jobs.stage import Outcome, StageError
from support.profiles import GOOD, Author, choices, encode

SETTINGS = ProfileSettings()
People = dict[str, Sequence[Choice]]


@dataclass
class Job:
    """A store and who writes; ``gone`` were erased."""

    store: ProfileStore
    summariser: Summariser
    gone: set[str] = field(default_factory=set)
    tasks: list[str] = field(default_factory=list)

    def run(self, people: People, space: str = "s") -> RefreshReport:
        how = Refreshing(
            store=self.store,
            settings=SETTINGS,
            asked=self.summariser.name,
            space=space,
            is_known=lambda user_id: user_id not in self.gone,
        )
        return refresh_profiles(people.items(), how, self._running)

    def _running(self, tasks: Iterable[tuple[str, Task]]) -> Generator[Outcome, None, None]:
        yield from local.run(
            [
                write_stage(partial(_given, self.summariser), workers=1, batch_size=4),
                vector_stage(partial(_given, encode)),
            ],
            self._noted(tasks),
        )

    def _noted(self, tasks: Iterable[tuple[str, Task]]) -> Iterator[tuple[str, Task]]:
        for key, task in tasks:
            self.tasks.append(key)
            yield key, task


def _given(thing: Any) -> Any:
    return thing


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield ProfileStore(engine)
    engine.dispose()


def test_everybody_is_described_once_and_again_where_enough_has_happened(
    store: ProfileStore,
) -> None:
    job = Job(store, TemplateSummariser())
    report = job.run({"anna": choices(6), "bert": choices(2), "none": []})
    assert (report.people, report.due, report.kept, report.failed) == (2, 4, 4, 0)
    assert (report.calls, report.cached) == (0, 1), "bert's two profiles are one text"
    anna = store.of("anna")
    assert anna["short"].text == template_text(tellings_of(choices(6), SETTINGS)["short"])
    assert anna["short"].events == 6
    assert anna["short"].vector.shape == (16,)
    assert not store.of("none")

    assert job.run({"anna": choices(8)}).due == 0
    report = job.run({"anna": choices(9)})
    assert (report.due, report.kept) == (1, 1)
    assert store.of("anna")["short"].events == 9
    assert store.of("anna")["long"].events == 6
    assert job.run({"anna": choices(26)}).due == 2
    assert job.run({"anna": choices(25)}).due == 2, "what was taken away must not be told of"


def test_a_prompt_is_written_once_for_all_and_from_the_store_later(store: ProfileStore) -> None:
    job = Job(store, TemplateSummariser())
    report = job.run({name: choices(5) for name in ("anna", "bert", "cleo")})
    assert (report.due, report.kept, len(job.tasks)) == (6, 6, 2)
    assert report.cached == 4
    report = job.run({"dora": choices(5)})
    assert (report.kept, report.cached, len(job.tasks)) == (2, 2, 2)
    assert store.of("dora")["long"].text == store.of("anna")["long"].text


def test_another_space_is_encoded_again_and_another_writer_writes_again(
    store: ProfileStore,
) -> None:
    job = Job(store, TemplateSummariser())
    job.run({"anna": choices(5)})
    report = job.run({"anna": choices(6)}, space="other")
    assert (report.due, report.encoded_again) == (0, 2)
    assert {one.space for one in store.of("anna").values()} == {"other"}
    report = Job(store, ModelSummariser(Author([GOOD]), "m")).run({"anna": choices(5)}, "other")
    assert (report.due, report.calls, report.kept) == (2, 2, 2)
    assert store.of("anna")["short"].writer == "m 150"


def test_cost_is_counted_with_what_was_refused_and_replaced(store: ProfileStore) -> None:
    report = Job(store, ModelSummariser(Author(["no"]), "m")).run({"anna": choices(5)})
    assert (report.calls, report.refused, report.replaced) == (4, 4, 2)
    assert report.characters_written == 8
    assert report.characters_read > 4 * len("Title 000")
    assert store.of("anna")["short"].writer == TemplateSummariser.name
    again = Job(store, ModelSummariser(Author(["no"]), "m")).run({"anna": choices(5)})
    assert (again.due, again.calls) == (0, 0)


def test_who_is_erased_during_a_run_stays_away(store: ProfileStore) -> None:
    job = Job(store, TemplateSummariser(), gone={"bert"})
    report = job.run({"anna": choices(5), "bert": choices(5)})
    assert report.kept == 2
    assert not store.of("bert")
    assert store.erase("anna") == 2
    assert not store.of("anna")


class _Broken:
    def complete(self, _prompt: str, _most_tokens: int) -> str:
        raise LanguageModelError("the language model at nowhere cannot be reached", "look at it")


def test_a_model_out_of_reach_ends_the_run_and_leaves_what_was_there(store: ProfileStore) -> None:
    Job(store, TemplateSummariser()).run({"anna": choices(5)})
    with pytest.raises((StageError, LanguageModelError), match="cannot be reached"):
        Job(store, ModelSummariser(_Broken(), "m")).run({"anna": choices(5)})
    assert store.of("anna")["short"].writer == TemplateSummariser.name
