"""Several parts, weights, negatives, moments and filters on a world small enough to work out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.base import JOINT, SEGMENTS, QueryPart
from retrieval.filters import FilterError
from retrieval.mirror import Mirror
from retrieval.relevance import Calibration, Unrelated
from retrieval.search import SearchAnswer, SearchError, SearchQuery, search
from support.records import item, segment, unit_rows

AXES = np.eye(6, dtype=np.float32)
DOG, BEACH, NIGHT, CAT, NOISE, NOTHING = AXES
FLAT = Calibration(
    {
        (kind, field): Unrelated(0.0, 0.1)
        for kind in ("text", "image", "like")
        for field in (JOINT, "image", "audio", "image_native", SEGMENTS)
    }
)


def mixed(*axes: NDArray[np.float32]) -> NDArray[np.float32]:
    return unit_rows(np.sum(axes, axis=0))


@pytest.fixture(scope="module")
def mirror() -> Mirror:
    made = Mirror()
    dog, beach = mixed(DOG, 0.3 * NOISE), mixed(BEACH, 0.3 * NOISE)
    made.upsert(
        [
            item("dog", dog, (JOINT, "image"), duration_seconds=0.0, lang="en"),
            item("beach", beach, (JOINT, "image"), lang="de"),
            item("dog_beach", mixed(DOG, BEACH), (JOINT, "image"), lang="en"),
            item("dog_night", mixed(DOG, NIGHT), (JOINT, "image"), lang="en"),
            item("dog_copy", dog, (JOINT, "image"), lang="en", duplicate_of="dog"),
            item("cat_sound", CAT, (JOINT, "audio"), duration_seconds=20.0, lang="en"),
            segment("cat_sound", "audio", 0, NIGHT, 5.0),
            segment("cat_sound", "audio", 1, mixed(CAT, 0.2 * NOISE), 5.0),
            segment("cat_sound", "audio", 2, CAT, 5.0),
            segment("dog_night", "video", 0, mixed(CAT, NIGHT)),
        ]
    )
    return made


def words(vector: NDArray[np.float32], weight: float = 1.0) -> QueryPart:
    return QueryPart(vectors={JOINT: vector}, weight=weight)


def ask(mirror: Mirror, *parts: QueryPart, **options: object) -> SearchAnswer:
    return search(mirror, FLAT, SearchQuery(parts=parts, **options))  # type: ignore[arg-type]


def ids(answer: SearchAnswer) -> list[str]:
    return [candidate.item_id for candidate in answer.candidates]


def test_one_part_ranks_and_withholds(mirror: Mirror) -> None:
    answer = ask(mirror, words(DOG))
    assert ids(answer) == ["dog", "dog_beach", "dog_night"]
    assert answer.withheld == 2
    assert answer.searched_fields == (JOINT, "image", "audio")
    assert all(candidate.relevance >= 0.5 for candidate in answer.candidates)
    everything = ask(mirror, words(DOG), min_relevance=0.0)
    assert (len(everything.candidates), everything.withheld) == (5, 0)


def test_nothing_fits_gives_nothing(mirror: Mirror) -> None:
    answer = ask(mirror, words(NOTHING))
    assert answer.candidates == ()
    assert answer.withheld == 5


def test_two_parts_want_both(mirror: Mirror) -> None:
    assert ids(ask(mirror, words(DOG), words(BEACH)))[0] == "dog_beach"


def test_weights_shift_the_order(mirror: Mirror) -> None:
    dogs = ask(mirror, words(DOG, 3.0), words(BEACH, 1.0), min_relevance=0.0)
    beaches = ask(mirror, words(DOG, 1.0), words(BEACH, 3.0), min_relevance=0.0)
    assert ids(dogs).index("dog") < ids(dogs).index("beach")
    assert ids(beaches).index("beach") < ids(beaches).index("dog")
    assert dogs.candidates[0].score == pytest.approx(4 * dogs.candidates[0].relevance)


def test_not_this_takes_away_only_what_is_like_it(mirror: Mirror) -> None:
    plain = ask(mirror, words(DOG))
    without = ask(mirror, words(DOG), words(NIGHT, -1.0))
    assert ids(without) == ["dog", "dog_beach"]
    assert without.candidates[0].score == pytest.approx(plain.candidates[0].score, abs=0.15)


def test_filter_exclusion_and_repeats(mirror: Mirror) -> None:
    assert ids(ask(mirror, words(BEACH), where='lang == "en"')) == ["dog_beach"]
    assert "dog" not in ids(ask(mirror, words(DOG), exclude=("dog",)))
    assert ids(ask(mirror, words(DOG), duplicates=True))[:2] == ["dog", "dog_copy"]
    with pytest.raises(FilterError, match="did you mean lang"):
        ask(mirror, words(DOG), where='lnag == "en"')


def test_modalities_choose_fields_and_items(mirror: Mirror) -> None:
    answer = ask(mirror, words(CAT), modalities=("audio",), min_relevance=0.0)
    assert ids(answer) == ["cat_sound"]
    assert answer.searched_fields == ("audio",)
    assert "cat_sound" not in ids(ask(mirror, words(CAT), modalities=("image",), min_relevance=0.0))


def test_moments_give_the_best_stretch_of_each_item(mirror: Mirror) -> None:
    answer = ask(mirror, words(CAT), moments=True)
    assert ids(answer) == ["cat_sound", "dog_night"]
    assert [candidate.segment for candidate in answer.candidates] == [(10.0, 15.0), (0.0, 2.0)]
    assert {candidate.field_name for candidate in answer.candidates} == {SEGMENTS}
    assert ids(ask(mirror, words(CAT), moments=True, where="duration_seconds > 5")) == ["cat_sound"]
    assert ids(ask(mirror, words(CAT), moments=True, modalities=("video",))) == ["dog_night"]
    assert ids(ask(mirror, words(CAT), moments=True, exclude=("cat_sound",))) == ["dog_night"]


def test_own_vectors_per_field_and_the_best_field_is_named(mirror: Mirror) -> None:
    part = QueryPart(vectors={JOINT: NOTHING, "image": DOG}, kind="image")
    answer = ask(mirror, part)
    assert ids(answer)[0] == "dog"
    assert answer.candidates[0].field_name == "image"


def test_ties_go_by_id() -> None:
    made = Mirror()
    made.upsert([item(key, DOG) for key in "cab"])
    assert ids(ask(made, words(DOG))) == ["a", "b", "c"]


def test_an_empty_index_answers_with_nothing() -> None:
    answer = ask(Mirror(), words(DOG), moments=True)
    assert (answer.candidates, answer.withheld, answer.searched_fields) == ((), 0, ())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"parts": ()}, "nothing to look for"),
        ({"parts": (words(DOG, -1.0),)}, "nothing to look for"),
        ({"parts": (words(DOG),), "modalities": ("smell",)}, "no modality is called smell"),
        ({"parts": (words(DOG),), "limit": 0}, "at least one answer"),
        ({"parts": (words(DOG),), "min_relevance": 2.0}, "between 0 and 1"),
    ],
)
def test_questions_that_cannot_be_asked(options: dict[str, object], says: str) -> None:
    with pytest.raises(SearchError, match=says):
        SearchQuery(**options)  # type: ignore[arg-type]
