"""Relations of a library: learnt from item vectors, completed, kept, and brought as candidates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.histories import History
from retrieval.fitted import FittedError
from retrieval.relation_fit import KnownItems, LearntRelations, learn_relations
from retrieval.relation_settings import RelationSettings
from retrieval.relation_table import related_table
from retrieval.relations import RelationError, RelationModel
from retrieval.source_relations import RelatedConfig, RelatedRow, RelatedSource, RelatedTable

NUM_ITEMS, GIVEN = 80, 12
NAMES = tuple(f"i{number:02}" for number in range(NUM_ITEMS))
SETTINGS = RelationSettings(width=16, steps=60, most=3)


def shifted_world() -> tuple[list[tuple[str, str, str]], KnownItems]:
    """Six relations, each a shift of the first ten items by a vector, to ten of their own."""
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(NUM_ITEMS, 12)).astype(np.float32)
    triples = []
    for number in range(6):
        shift = 3 * draw.normal(size=12)
        tails = np.arange(10) + 10 + 10 * number
        vectors[tails] = vectors[:10] + shift + 0.05 * draw.normal(size=(10, 12))
        triples += [(NAMES[n], f"r{number}", NAMES[tail]) for n, tail in enumerate(tails)]
    return triples, KnownItems(item_ids=NAMES, vectors=vectors, space="space")


@pytest.fixture(scope="module")
def learnt() -> LearntRelations:
    triples, items = shifted_world()
    # Of the last relation three pairs are given; it is completed without being learnt from.
    few = [one for one in triples if one[1] != "r5"] + triples[-10:-7]
    return learn_relations(few, items, SETTINGS)


def test_relations_are_parted_by_how_many_pairs_they_have(learnt: LearntRelations) -> None:
    assert learnt.background == ()
    assert learnt.learnt == ("r0", "r1", "r2", "r3")
    assert learnt.held == ("r4",)
    assert set(learnt.model.pairs) == {f"r{number}" for number in range(6)}
    assert learnt.progress.best > 0.5


def test_a_relation_of_three_pairs_is_completed(learnt: LearntRelations) -> None:
    first = []
    for number in range(3, 10):
        known = learnt.model.complete(NAMES[number], "r5", 3)
        assert not any(one.known for one in known)
        first.append(known[0].entity == NAMES[60 + number])
    assert np.mean(first) >= 0.7
    back = learnt.model.complete(NAMES[65], "~r5", 3)
    assert NAMES[5] in [one.entity for one in back]


def test_known_tails_come_first(learnt: LearntRelations) -> None:
    found = learnt.model.complete(NAMES[1], "r5", 4)
    assert (found[0].entity, found[0].known) == (NAMES[61], True)
    assert [one.known for one in found[1:]] == [False] * 3
    scores = [one.score for one in found[1:]]
    assert scores == sorted(scores, reverse=True)


def test_what_is_unknown_is_refused_with_what_there_is(learnt: LearntRelations) -> None:
    with pytest.raises(RelationError, match="no relation 'sequel of'"):
        learnt.model.complete(NAMES[0], "sequel of", 1)
    with pytest.raises(RelationError, match="nothing is known of 'x'"):
        learnt.model.complete("x", "r0", 1)
    triples, items = shifted_world()
    with pytest.raises(RelationError, match=r"no relation has 10 to 999 pairs"):
        learn_relations(triples[:5], items, SETTINGS)
    with pytest.raises(RelationError, match="no graph"):
        learn_relations(triples, items, replace(SETTINGS, vectors="graph"))


def test_the_same_seed_learns_the_same_and_a_file_gives_it_back(
    learnt: LearntRelations, tmp_path: Path
) -> None:
    path = tmp_path / "relations.safetensors"
    learnt.model.save(path)
    opened = RelationModel.load(path)
    assert opened.complete(NAMES[4], "r5", 5) == learnt.model.complete(NAMES[4], "r5", 5)
    assert (opened.space, opened.entities) == ("space", learnt.model.entities)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FittedError):
        RelationModel.load(path)


def test_a_graph_describes_what_has_no_vector() -> None:
    triples, items = shifted_world()
    people = [(name, "made by", f"p{number % 8}") for number, name in enumerate(NAMES)]
    settings = replace(SETTINGS, vectors="graph", background_from=80, epochs=3, steps=4)
    found = learn_relations(triples + people, items, settings)
    assert found.background == ("made by",)
    assert (found.model.space, len(found.model.entities)) == ("", NUM_ITEMS + 8)
    answers = found.model.complete(NAMES[0], "r0", 200)
    assert {one.entity for one in answers} <= set(NAMES)  # people are no answers


def test_the_table_holds_known_ways_and_good_completions(
    learnt: LearntRelations, tmp_path: Path
) -> None:
    table = related_table(learnt.model, most=3)
    known = {
        (table.item_ids[item], table.relations[table.by[at]], table.item_ids[table.related[at]])
        for item in range(len(table.item_ids))
        for at in range(table.offsets[item], table.offsets[item + 1])
        if table.known[at]
    }
    assert len(known) == 2 * (5 * 10 + 3)
    assert {(NAMES[1], "r5", NAMES[61]), (NAMES[61], "~r5", NAMES[1])} <= known
    assert (~table.known).any()
    assert (table.weights[table.known] == 1).all()
    assert (table.weights[~table.known] <= 1).all()
    path = tmp_path / "related.safetensors"
    table.save(path)
    np.testing.assert_array_equal(RelatedTable.load(path).weights, table.weights)


def row(item: int, related: int, relation: str, weight: float = 1.0) -> RelatedRow:
    return RelatedRow(
        item=item, related=related, relation=relation, weight=weight, known=weight == 1
    )


def liked(*items: int) -> History:
    times = np.arange(len(items), dtype=np.int64)
    return History(items=np.array(items, np.int64), times_us=times, asked_us=len(items))


def test_the_source_brings_what_is_related_and_says_why() -> None:
    ids = ("a", "b", "c", "gone")
    table = RelatedTable.of(
        ids,
        [row(0, 1, "sequel of"), row(1, 0, "~sequel of"), row(1, 2, "same event as", 0.4),
         row(0, 3, "sequel of"), row(2, 1, "~same event as", 0.4)],
    )  # fmt: skip
    number_of = {"new": 0, "c": 1, "b": 2, "a": 3}
    source = RelatedSource(table, RelatedConfig(use="completed"), number_of)
    found = source.candidates(liked(3, 2), 10)  # a, then b
    assert found.items.tolist() == [3, 2, 1]
    assert found.scores[0] == pytest.approx(1.0)
    assert (found.said[3].words, found.said[3].item) == ("sequel of {item}", 2)
    assert found.said[2].words == "{item} is sequel of this"
    assert found.said[1].words == "{item} is perhaps same event as this"
    known = RelatedSource(table, RelatedConfig(use="known"), number_of).candidates(liked(3, 2), 10)
    assert known.items.tolist() == [3, 2]
    assert source.candidates(liked(3, 2), 1).items.tolist() == [3]
    assert not len(source.candidates(liked(0), 10).items)
    recent = RelatedSource(table, RelatedConfig(use="completed", recent=1), number_of)
    assert recent.candidates(liked(3, 2), 10).items.tolist() == [3, 1]
