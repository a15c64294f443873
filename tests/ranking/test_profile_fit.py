"""Profiles of histories, and learning from them: no prompt tells of what is held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ingest.histories import Histories, History, gather_histories
from ranking.held_out import hold_out
from ranking.profile_fit import Describer, fit_profiles
from ranking.profile_writers import TemplateSummariser, prompt_of
from ranking.profiles import Choice, ProfileSettings, Telling, Written
from ranking.ranker_fit import Content
from ranking.sequences import Sequences
from support.profiles import encode

TOPICS = ("abba", "cede", "fiji", "kolo")
SETTINGS = ProfileSettings(hidden=16, epochs=8, batch_size=32, learning_rate=1e-2)
WORDS = {
    number: Choice(title=f"{TOPICS[number % 4] * 3} {number:02}", about=TOPICS[number % 4])
    for number in range(32)
}


def titles(history: History) -> tuple[str, ...]:
    return tuple(WORDS[item].title for item in history.items.tolist())


class Recorder(TemplateSummariser):
    """The template, with what it was told."""

    def __init__(self) -> None:
        self.told: list[Telling] = []

    def write(self, tellings: Sequence[Telling]) -> list[Written]:
        self.told += tellings
        return super().write(tellings)


@pytest.fixture(scope="module")
def histories() -> Histories:
    """Sixty people who each keep to a topic: six items of eight."""
    draw = np.random.default_rng(0)
    return gather_histories(
        (f"u{user:02}", f"{item:02}", 1_700_000_000_000_000 + 86_400_000_000 * place)
        for user in range(60)
        for place, item in enumerate((user % 4 + 4 * draw.permutation(8)[:6]).tolist())
    )


def test_histories_are_told_written_and_encoded_once_each(histories: Histories) -> None:
    recorder = Recorder()
    describe = Describer(WORDS, recorder, encode, SETTINGS)
    asked = [histories.history(0), histories.history(1), histories.history(0)]
    found = describe(asked)
    assert found.shape == (3, 2, 16)
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0, 0], found[0, 1])
    assert len(recorder.told) == 4
    assert np.array_equal(describe(asked), found)
    assert len(recorder.told) == 4
    nothing = Describer({}, recorder, encode, SETTINGS)([histories.history(0)])
    assert nothing.shape == (1, 2, 16)
    assert not nothing.any()


def test_what_is_held_out_is_in_no_prompt_and_is_found(histories: Histories) -> None:
    recorder = Recorder()
    held_out = hold_out(Sequences(histories=histories), seed=0)
    vectors = encode([WORDS[number].title for number in range(histories.num_items)])
    describe = Describer(WORDS, recorder, encode, SETTINGS)
    learnt = fit_profiles(held_out, Content(vectors=vectors, space="s"), describe, SETTINGS)
    asked = {case.user: case for case in held_out.part.cases}
    assert len(asked) == 60
    told = {tuple(one.title for one in telling.choices) for telling in recorder.told}
    before = {user: titles(held_out.part.fit.history(user)) for user in asked}
    assert told == set(before.values())
    for user, case in asked.items():
        assert titles(histories.history(user)) == (*before[user], WORDS[case.targets[0]].title)
        prompts = [
            prompt_of(telling)
            for telling in recorder.told
            if tuple(one.title for one in telling.choices) == before[user]
        ]
        assert prompts
        assert not any(WORDS[case.targets[0]].title in prompt for prompt in prompts)
    scores = learnt.scorer.score([case.history for case in asked.values()])
    for line, case in zip(scores, asked.values(), strict=True):
        line[case.history.items] = -np.inf
    first = scores.argsort(axis=1)[:, ::-1][:, :3]
    hits = [case.targets[0] in best for case, best in zip(asked.values(), first, strict=True)]
    assert np.mean(hits) > 0.8, "three of the topic are left; chance finds 3 of 26"
    assert learnt.fitted.best > 0.5
