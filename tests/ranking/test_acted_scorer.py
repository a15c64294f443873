"""Questions about likings, answered by what else was done by then and nothing later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ingest.event_rules import EventRules
from ranking.acted_scorer import ActedScorer, scorer_of
from ranking.actions import NO_ACTION
from ranking.sequence_events import gather_deeds, learnable, told_deeds
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import Sequences, rows_learnt_from
from ranking.splits import PROTOCOLS, Protocol, SplitConfig, split
from support.deeds import turning
from support.people import life
from support.sequences import small_network

RULES = EventRules()


def deeds() -> Sequences:
    """Two orderly worlds and one where all is mixed."""
    mixed = [one for user in "ab" for one in life(200, 30, seed=ord(user), user_id=user)]
    return gather_deeds(told_deeds([*turning(20), *mixed]), RULES)


def recommender(known: Sequences) -> SequenceRecommender:
    acts = learnable(known, fewest=10).told[2]
    rows = rows_learnt_from(known.histories)
    network = small_network(num_ids=len(rows.known), num_actions=len(acts), length=200, time="gaps")
    return SequenceRecommender(
        network=network,
        item_ids=known.histories.item_ids,
        rows=rows,
        weights=acts.weights,
        actions=acts.conditions,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_that_came_later_matters(protocol: Protocol) -> None:
    known = deeds()
    by_moment = protocol == "time"
    scorer = scorer_of(recommender(known), known, by_moment)
    assert isinstance(scorer, ActedScorer)
    cases = split(known.likings, SplitConfig(protocol=protocol)).test.cases
    assert cases
    acts, liked, _ = known.told
    events = known.histories
    told = scorer._numbers != NO_ACTION
    for case in cases[:: max(len(cases) // 8, 1)]:
        history = case.history
        own = events.user_of_event == case.user
        at = np.flatnonzero(own & liked)[len(history.items)]  # the liking that is asked for
        later = np.arange(len(own)) >= at
        if by_moment:
            later |= events.times_us > history.asked_us
        changed = acts.copy()
        changed[own & later] = 0
        other = ActedScorer(
            recommender=scorer.recommender,
            deeds=Sequences(histories=events, actions=changed, liked=liked, known=known.known),
            by_moment=by_moment,
        )
        assert np.array_equal(scorer.score([history]), other.score([history]))
        read, _ = scorer._read(history)
        assert read.asked_us == history.asked_us or not by_moment
        assert set(read.items) == set(events.items[own & ~later & told])


def test_it_scores_as_the_model_does_after_all_that_was_done() -> None:
    known = gather_deeds(told_deeds(turning(20, noise=0)), RULES)
    one = recommender(known)
    scorer = ActedScorer(recommender=one, deeds=known)
    [case] = [case for case in split(known.likings, SplitConfig()).test.cases if case.user == 3]
    own = slice(known.histories.offsets[3], known.histories.offsets[4])
    acts, liked, _ = learnable(known, fewest=10).told
    number = np.flatnonzero(liked[own])[-1]  # all that came before the last liking
    history = known.histories.history(3, case.history.asked_us)
    times = history.times_us[:number]
    given = replace(history, items=history.items[:number], times_us=times, asked_us=times[-1])
    expected = one.score([given], [acts[own][:number]])
    assert np.allclose(scorer.score([case.history]), expected)


def test_a_model_of_likings_answers_itself() -> None:
    known = deeds()
    rows = rows_learnt_from(known.histories)
    plain = SequenceRecommender(
        network=small_network(num_ids=len(rows.known)),
        item_ids=known.histories.item_ids,
        rows=rows,
        weights=np.ones(1, np.float32),
    )
    assert scorer_of(plain, known) is plain
    assert isinstance(scorer_of(recommender(known), known), ActedScorer)
